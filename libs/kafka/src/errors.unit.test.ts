import kafkajs from 'kafkajs';
import { EngineUnavailable, InvalidCall, NotPermitted, TooLarge, UnknownTopic } from '@weft/processing';
import { engineError, isFenced, isPassing, protocolError } from './errors.js';

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
    ['TOPIC_AUTHORIZATION_FAILED', NotPermitted],
    ['GROUP_AUTHORIZATION_FAILED', NotPermitted],
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

  it.each<[string, unknown, boolean]>([
    ['a broker that is away', new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED'), true],
    ['a leader that moved', refusal('NOT_LEADER_FOR_PARTITION', true), true],
    ['a group that went on', wrapped('ILLEGAL_GENERATION'), true],
    ['what we say of ourselves', new EngineUnavailable('Kafka', 'gone quiet'), true],
    ['what may not be read', refusal('TOPIC_AUTHORIZATION_FAILED'), false],
    ['what cannot be decoded', new RangeError('out of range'), false],
    ['what cannot be decoded, tried often', engineError(new RangeError('out of range'), 'consuming'), false],
  ])('knows whether %s passes by itself', (_, error, passes) => {
    expect(isPassing(error)).toBe(passes);
  });

  it('knows a member that the group has gone on without', () => {
    expect(isFenced(wrapped('ILLEGAL_GENERATION'))).toBe(true);
    expect(isFenced(wrapped('UNKNOWN_MEMBER_ID'))).toBe(true);
    expect(isFenced(wrapped('COORDINATOR_LOAD_IN_PROGRESS'))).toBe(false);
  });
});
