import {
  AccessDeniedError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { EngineUnavailable, InvalidCall, NO_STREAM, StreamDeleted, TooLarge, WrongExpectedRevision } from '@weft/processing';
import { engineError, isPassing } from './errors.js';

const ENGINE = 'EventStoreDB at a:2113 (WEFT_EVENTSTORE_URL)';
const asked = { engine: ENGINE, stream: 'careRecord-1', expected: 4, bytes: 9 };
/** As gRPC itself throws it: a code, and no type. */
const plain = (code: number, message = 'plain') => Object.assign(new Error(message), { code });

describe('what an error of the client means', () => {
  it('a wrong expected version, whose message is empty: somebody else has appended, and at which revision they are', () => {
    const versions = { streamName: 'careRecord-1', expected: 4n, current: 7n };
    const conflict = new WrongExpectedVersionError(null as never, versions);
    expect(conflict.message).toBe('');
    expect(engineError(conflict, asked)).toEqual(new WrongExpectedRevision('careRecord-1', 4, 7));
    const missing = new WrongExpectedVersionError(null as never, { ...versions, current: 'no_stream' });
    expect(engineError(missing, asked)).toEqual(new WrongExpectedRevision('careRecord-1', 4, NO_STREAM));
  });

  it('a tombstoned stream is deleted for good', () => {
    expect(engineError(StreamDeletedError.fromStreamName('careRecord-1'), asked)).toEqual(new StreamDeleted('careRecord-1'));
  });

  it('a size that the server will not take, which may be set lower there, is too large', () => {
    expect(engineError(MaxAppendSizeExceededError.fromMaxAppendSize(5), asked)).toEqual(
      new TooLarge('append to careRecord-1', 9, 5),
    );
  });

  it.each([
    ['a read while the server is away', new UnavailableError(plain(14) as never)],
    ['an append while the server is away, a plain error with a code', plain(14)],
    ['no answer in time', new DeadlineExceededError(plain(4) as never)],
    ['no member of the cluster found, a plain error without a code', new Error('Failed to discover after 10 attempts.')],
    ['an answer that nobody expected', new UnknownError(plain(2) as never)],
    ['something that is no error', 'thrown text'],
  ])('%s: the engine is unavailable, the message names it, and a question may be asked again', (_, error) => {
    const meaning = engineError(error, asked);
    expect(meaning).toBeInstanceOf(EngineUnavailable);
    expect(meaning.message).toMatch(/^EventStoreDB at a:2113 \(WEFT_EVENTSTORE_URL\): ./);
    expect(meaning.retriable).toBe(true);
    expect(isPassing(error)).toBe(true);
  });

  it('a user who may not: says which setting names the user, and is not asked again', () => {
    const denied = new AccessDeniedError(plain(7) as never);
    expect(engineError(denied, asked).message).toMatch(/access is denied to the user that WEFT_EVENTSTORE_URL names/);
    expect([denied, plain(7), plain(12), plain(16)].map(isPassing)).toEqual([false, false, false, false]);
  });

  it('an argument that the server refuses is a call that it could never take', () => {
    expect(engineError(plain(3), asked)).toBeInstanceOf(InvalidCall);
    expect(isPassing(plain(3))).toBe(false);
  });

  it('an error of the port is itself', () => {
    const error = new StreamDeleted('x');
    expect(engineError(error, asked)).toBe(error);
  });
});
