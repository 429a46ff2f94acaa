import type { Batch, BatchContext, Message } from '@weft/processing';
import { Lane, type LaneOwner } from './lane.js';

const message = (offset: number): Message => ({
  topic: 't',
  partition: 0,
  offset,
  key: 'k',
  value: new Uint8Array(10),
  headers: {},
  timestamp: 0,
});
const messages = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => message(from + n));
class Fenced extends Error {
  readonly type = 'ILLEGAL_GENERATION';
}

/** An owner that remembers; a test replaces what it is about. */
function owner(overrides: Partial<LaneOwner> = {}) {
  const seen = { batches: [] as number[][], commits: [] as number[], failures: [] as unknown[], contexts: [] as BatchContext[] };
  const own: LaneOwner = {
    clock: { now: () => 0, steady: () => 0 },
    timers: { sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    maxBatch: 3,
    onBatch: async (batch: Batch, context) => {
      seen.batches.push(batch.messages.map(({ offset }) => offset));
      seen.contexts.push(context);
    },
    onFailure: (error) => void seen.failures.push(error),
    commit: async (_, offset) => void seen.commits.push(offset),
    onProgress: () => {},
    ...overrides,
  };
  return { seen, lane: new Lane('t', 0, own, Promise.resolve()), own };
}
/** When all that was added is handled. */
const idle = async (lane: Lane) => {
  while (!lane.isIdle) await new Promise((resolve) => setImmediate(resolve));
};

describe('a partition’s lane', () => {
  it('splits what was fetched into batches, and commits the offset behind each once it is handled', async () => {
    const { seen, lane } = owner();
    lane.add(messages(5, 12), 12);
    await idle(lane);
    expect(seen.batches).toEqual([[5, 6, 7], [8, 9, 10], [11]]);
    expect(seen.commits).toEqual([8, 11, 12]);
    expect(lane.bytes).toBe(0);
  });

  it('commits behind markers of transactions: with the last of what waits, and by itself where nothing does', async () => {
    const { seen, lane } = owner();
    lane.add(messages(0, 4), 6);
    await idle(lane);
    lane.passOver(8);
    await idle(lane);
    lane.add([message(8)], 10);
    lane.passOver(12);
    await idle(lane);
    expect(seen.batches).toEqual([[0, 1, 2], [3], [8]]);
    expect(seen.commits).toEqual([3, 6, 8, 12]);
  });

  it('commits behind no marker that comes after what is still to be handled, nor once it is drained', async () => {
    let finish!: () => void;
    const { seen, lane } = owner({ onBatch: () => new Promise<void>((resolve) => (finish = resolve)) });
    lane.add(messages(0, 3), 3);
    while (finish === undefined) await new Promise((resolve) => setImmediate(resolve));
    lane.passOver(5);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.commits).toEqual([]);
    lane.add([message(5)], 6);
    const drained = lane.drain();
    lane.passOver(9);
    finish();
    await drained;
    expect(seen.commits).toEqual([3]);
  });

  it('commits nothing of what comes once it is drained: the next member is to read it', async () => {
    let finish!: () => void;
    const { seen, lane } = owner({ onBatch: () => new Promise<void>((resolve) => (finish = resolve)) });
    lane.add(messages(0, 3), 3);
    while (finish === undefined) await new Promise((resolve) => setImmediate(resolve));
    const drained = lane.drain();
    lane.add(messages(3, 6), 6);
    finish();
    await drained;
    expect(seen.commits).toEqual([3]);
  });

  it('gives the same batch again after a throw, says so, and commits nothing until it is handled', async () => {
    const attempts: number[][] = [];
    const { seen, lane } = owner({
      onBatch: async ({ messages }) => {
        attempts.push(messages.map(({ offset }) => offset));
        if (attempts.length < 3) throw new Error(`attempt ${attempts.length}`);
      },
    });
    lane.add(messages(0, 2), 2);
    await idle(lane);
    expect(attempts).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(seen.failures.map((error) => (error as Error).message)).toEqual(['attempt 1', 'attempt 2']);
    expect(seen.commits).toEqual([2]);
  });

  it('commits nothing once it is retired, its handler can tell, and it says that the batch was handled in vain', async () => {
    let finish!: () => void;
    const { seen, lane } = owner({
      onBatch: (_, context) => (seen.contexts.push(context), new Promise<void>((resolve) => (finish = resolve))),
    });
    lane.add(messages(0, 2), 2);
    while (seen.contexts.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.contexts[0]!.isStale()).toBe(false);
    const returned = lane.retire();
    expect(seen.contexts[0]!.isStale()).toBe(true);
    finish();
    await returned;
    expect(seen.commits).toEqual([]);
    expect(seen.failures).toEqual([expect.objectContaining({ message: expect.stringContaining('t/0 left this member') })]);
  });

  it('shows what a handler throws that notices that it is retired, and does not hand the batch over again', async () => {
    let begun = 0;
    const { seen, lane } = owner({
      onBatch: async (_, { isStale }) => {
        begun += 1;
        while (!isStale()) await new Promise((resolve) => setImmediate(resolve));
        throw new Error('stale');
      },
    });
    lane.add(messages(0, 2), 2);
    while (begun === 0) await new Promise((resolve) => setImmediate(resolve));
    await lane.retire();
    expect([begun, seen.failures]).toEqual([1, [new Error('stale')]]);
  });

  it('finishes and commits the batch under way when it is drained, and begins no other', async () => {
    let finish!: () => void;
    const begun: number[] = [];
    const { seen, lane } = owner({
      onBatch: (batch) => (begun.push(batch.messages[0]!.offset), new Promise<void>((resolve) => (finish = resolve))),
    });
    lane.add(messages(0, 9), 9);
    while (begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const drained = lane.drain();
    finish();
    await drained;
    expect(begun).toEqual([0]);
    expect(seen.commits).toEqual([3]);
  });

  it('commits again when a broker was away, without handling again', async () => {
    let tries = 0;
    const { seen, lane } = owner({
      commit: async () => {
        if (++tries < 3) throw new Error('connection lost');
      },
    });
    lane.add(messages(0, 2), 2);
    await idle(lane);
    expect(tries).toBe(3);
    expect(seen.batches).toEqual([[0, 1]]);
  });

  it('gives up what it holds when the group has gone on without it', async () => {
    const { seen, lane } = owner({
      commit: async () => {
        throw new Fenced();
      },
    });
    lane.add(messages(0, 9), 9);
    await idle(lane);
    expect(lane.isRetired).toBe(true);
    expect(seen.batches).toEqual([[0, 1, 2]]);
    expect(seen.failures).toHaveLength(1);
  });

  it('waits for the handler of the lane before it: never two at once on one partition', async () => {
    let finish!: () => void;
    const { seen, own } = owner();
    const lane = new Lane('t', 0, own, new Promise<void>((resolve) => (finish = resolve)));
    lane.add(messages(0, 1), 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.batches).toEqual([]);
    finish();
    await idle(lane);
    expect(seen.batches).toEqual([[0]]);
  });
});
