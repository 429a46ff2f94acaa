import {
  EngineDamaged,
  EngineUnavailable,
  InvalidCall,
  NotPermitted,
  StreamDeleted,
  TooLarge,
  UnknownTopic,
  WrongExpectedRevision,
} from './errors.js';
import { eachOnItsOwn, stepAfter } from './failures.js';

const NEVER = new Set<string>();

describe('a failure', () => {
  it.each([
    ['an engine that is away', new EngineUnavailable('store', 'away')],
    ['an engine that is damaged', new EngineDamaged('store', 'damaged')],
    ['a user who may not', new NotPermitted('the broker does not permit it')],
    ['a topic that is missing', new UnknownTopic('t')],
    ['somebody else who was first', new WrongExpectedRevision('s', 1, 2)],
  ])('of %s is the engine’s, however often it comes', (_, error) => {
    for (const messages of [1, 2]) expect(stepAfter(error, messages, new Set([error.name]))).toBe('come-again');
  });

  it.each([
    ['what is too large to store', new TooLarge('append', 2, 1)],
    ['what no engine could accept', new InvalidCall('an event id that is no UUID')],
    ['a stream that was deleted for good', new StreamDeleted('s')],
    ['a stack that is too small', new RangeError('Maximum call stack size exceeded')],
    ['a mistake of ours', new TypeError('undefined is not a function')],
    ['something thrown that is no error', 'thrown'],
  ])('by %s is a message’s: found among several, then tried twice', (_, error) => {
    const name = error instanceof Error ? error.name : 'string';
    expect(stepAfter(error, 2, NEVER)).toBe('try-apart');
    expect(stepAfter(error, 1, NEVER)).toBe('try-again');
    expect(stepAfter(error, 1, new Set(['another']))).toBe('try-again');
    expect(stepAfter(error, 1, new Set([name]))).toBe('quarantine');
  });
});

describe('messages worked on', () => {
  const work = async (messages: readonly number[], fail: (message: number, attempt: number) => void) => {
    const done: number[] = [];
    const given: [number, string][] = [];
    const attempts = new Map<number, number>();
    await eachOnItsOwn(
      messages,
      async (some) => {
        for (const one of some) {
          attempts.set(one, (attempts.get(one) ?? 0) + 1);
          fail(one, attempts.get(one)!);
          if (!done.includes(one)) done.push(one);
        }
      },
      async (one, { code }) => void given.push([one, code]),
    );
    return { done, given };
  };
  const failing = (error: Error): never => {
    throw error;
  };

  it('go on behind one that fails by its own fault, in their order', async () => {
    const { done, given } = await work([1, 2, 3, 4], (one) => one === 2 && failing(new RangeError('deep')));
    expect({ done, given }).toEqual({ done: [1, 3, 4], given: [[2, 'unprocessable']] });
  });

  it('are none of them given up for what happened once', async () => {
    const { done, given } = await work([1, 2], (one, attempt) => one === 2 && attempt < 3 && failing(new Error(`${attempt}`)));
    expect({ done, given }).toEqual({ done: [1, 2], given: [] });
  });

  it('all come again where an engine fails, also behind one that was given up', async () => {
    const away = new EngineUnavailable('store', 'away');
    await expect(work([1, 2], (one) => failing(one === 2 ? away : new TypeError('ours')))).rejects.toBe(away);
  });
});
