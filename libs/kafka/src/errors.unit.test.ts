import kafkajs from 'kafkajs';
import { EngineUnavailable, InvalidCall, TooLarge, UnknownTopic } from '@weft/processing';
import { engineError, isFenced, protocolError } from './errors.js';

const refusal = (type: string, retriable = false) =>
  new kafkajs.KafkaJSProtocolError({ type, code: 1, message: type, retriable } as never);
const wrapped = (type: string) => Object.assign(new Error('wrapped'), { cause: refusal(type) });

describe('what a Kafka error means', () => {
  it('finds the broker’s own answer however deep it is wrapped', () => {
    expect(protocolError(wrapped('MESSAGE_TOO_LARGE'))).toBe('MESSAGE_TOO_LARGE');
    expect(protocolError(new kafkajs.KafkaJSAggregateError('several', [refusal('INVALID_CONFIG')] as never))).toBe(
      'INVALID_CONFIG',
    );
    expect(protocolError(new Error('connect ECONNREFUSED'))).toBeUndefined();
  });

  it.each([
    ['UNKNOWN_TOPIC_OR_PARTITION', UnknownTopic],
    ['MESSAGE_TOO_LARGE', TooLarge],
    ['TOPIC_AUTHORIZATION_FAILED', InvalidCall],
    ['GROUP_AUTHORIZATION_FAILED', InvalidCall],
    ['INVALID_TOPIC_EXCEPTION', InvalidCall],
    ['NOT_LEADER_FOR_PARTITION', EngineUnavailable],
    ['NOT_ENOUGH_REPLICAS', EngineUnavailable],
  ])('%s', (type, kind) => {
    expect(engineError(wrapped(type), 'publishing', 't')).toBeInstanceOf(kind);
  });

  it('takes whatever it does not know for a broker that is away, and names what was tried', () => {
    const error = engineError(new Error('connect ECONNREFUSED'), 'reading topic t');
    expect(error).toBeInstanceOf(EngineUnavailable);
    expect(error.retriable).toBe(true);
    expect(error.message).toBe('Kafka: reading topic t: connect ECONNREFUSED');
  });

  it('knows a member that the group has gone on without', () => {
    expect(isFenced(wrapped('ILLEGAL_GENERATION'))).toBe(true);
    expect(isFenced(wrapped('UNKNOWN_MEMBER_ID'))).toBe(true);
    expect(isFenced(wrapped('COORDINATOR_LOAD_IN_PROGRESS'))).toBe(false);
  });
});
