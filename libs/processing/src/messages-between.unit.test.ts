import { messagesBetween } from './messages-between.js';
import type { Message } from './ports.js';

const PLACE = { topic: 'weft.quarantine', partition: 3 };
const message = (offset: number): Message => ({ ...PLACE, offset, key: 'k', value: null, headers: {}, timestamp: 0 });

/** A partition of which an engine gives so many messages at a time. */
const partition = (offsets: readonly number[], atOnce: number) => ({
  reads: [] as number[],
  read(topic: string, number: number, from: number, maxCount = 500): Promise<Message[]> {
    if (topic !== PLACE.topic || number !== PLACE.partition) throw new Error('another partition');
    this.reads.push(from);
    const held = offsets.filter((offset) => offset >= from);
    return Promise.resolve(held.slice(0, Math.min(atOnce, maxCount)).map(message));
  },
});

async function pages(bus: ReturnType<typeof partition>, from: number, before: number): Promise<number[][]> {
  const found: number[][] = [];
  for await (const page of messagesBetween(bus, PLACE, from, before)) found.push(page.map(({ offset }) => offset));
  return found;
}

describe('the messages of a partition between two offsets', () => {
  it('come page by page, as many as the engine gives, from the one until before the other', async () => {
    const bus = partition([0, 1, 2, 3, 4, 5, 6, 7, 8], 3);
    expect(await pages(bus, 1, 8)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect(bus.reads).toEqual([1, 4, 7]);
  });

  it('are not asked for again where nothing is between them', async () => {
    const bus = partition([0, 1], 3);
    expect(await pages(bus, 2, 2)).toEqual([]);
    expect(bus.reads).toEqual([]);
  });

  it('come across gaps, and none from behind one that goes on beyond the end', async () => {
    expect(await pages(partition([1, 5, 9, 12], 2), 0, 9)).toEqual([[1, 5]]);
    expect(await pages(partition([1, 5, 9, 12], 3), 0, 9)).toEqual([[1, 5]]);
  });

  it('end where the engine has no more, though the end is not reached', async () => {
    const bus = partition([0, 1, 2], 2);
    expect(await pages(bus, 0, 6)).toEqual([[0, 1], [2]]);
    expect(bus.reads).toEqual([0, 2, 3]);
  });

  it('come 500 at a time from an engine that would give more', async () => {
    const bus = partition(
      Array.from({ length: 1_200 }, (_, offset) => offset),
      Infinity,
    );
    expect((await pages(bus, 0, 1_200)).map(({ length }) => length)).toEqual([500, 500, 200]);
  });
});
