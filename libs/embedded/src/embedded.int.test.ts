import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { EngineUnavailable, NO_STREAM, textOf, type EventStore, type NewEvent, type StoredEvent } from '@weft/processing';
import { loadDriver } from './driver.js';
import { openEmbedded, openEmbeddedStore, type Embedded } from './embedded.js';

const PAGE_BYTES = 4096;

describe('the one file of both ports', () => {
  let directory: string;
  let opened: (() => Promise<void>)[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-embedded-'));
    opened = [];
  });
  afterEach(async () => {
    await Promise.all(opened.map((close) => close()));
    await rm(directory, { recursive: true });
  });

  const open = async (): Promise<Embedded> => {
    const { bus, store } = await openEmbedded({ directory });
    opened.push(
      () => bus.close(),
      () => store.close(),
    );
    return { bus, store };
  };
  const openStore = async (): Promise<EventStore> => {
    const store = await openEmbeddedStore({ directory });
    opened.push(() => store.close());
    return store;
  };

  const event = (n: number, bytes = 0): NewEvent => ({
    id: randomUUID(),
    type: `numbered-${n % 3}`,
    meta: { n },
    data: Buffer.from(`${n} ${'x'.repeat(bytes)}`),
  });
  const told = (events: readonly StoredEvent[]): string[] =>
    events.map(({ revision, type, meta, data }) => `${revision} ${type} ${JSON.stringify(meta)} ${textOf(data).trim()}`);
  const asTold = (numbers: readonly number[]): string[] =>
    numbers.map((n, revision) => `${revision} numbered-${n % 3} {"n":${n}} ${n}`);
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

  it('makes the two one, and one with nothing that was opened besides', async () => {
    const { bus, store } = await open();
    expect([bus.isOneWith?.(store), bus.isOneWith?.(await openStore())]).toEqual([true, false]);
  });

  /** What a table holds, as another process sees it. */
  const rowsIn = async (table: string): Promise<number> => {
    const { DatabaseSync } = await loadDriver();
    const database = new DatabaseSync(join(directory, 'weft.db'));
    try {
      return (database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count;
    } finally {
      database.close();
    }
  };

  it('takes what one turn of the event loop publishes and appends as one transaction', async () => {
    const { bus, store } = await open();
    await bus.createTopics([{ topic: 't', partitions: 1 }]);
    const publish = (n: number) => bus.publish([{ topic: 't', key: 'key', value: Buffer.from(String(n)), headers: {} }]);
    await Promise.all(upTo(20).flatMap((n) => [publish(n), store.append(`careRecord-${n}`, NO_STREAM, [event(n)])]));
    expect([await rowsIn('messages'), await rowsIn('commits'), await rowsIn('events')]).toEqual([1, 1, 20]);
    expect((await bus.read('t', 0, 0)).map(({ offset, value }) => [offset, Number(textOf(value!))])).toEqual(
      upTo(20).map((n) => [n, n]),
    );
    expect((await bus.read('t', 0, 7, 2)).map(({ offset }) => offset)).toEqual([7, 8]);
    expect((await store.readAll()).map(({ stream }) => stream)).toEqual(upTo(20).map((n) => `careRecord-${n}`));
  });

  it('writes nothing of a transaction in which the other port is refused, but what was not refused', async () => {
    const { bus, store } = await open();
    await bus.createTopics([{ topic: 't', partitions: 1 }]);
    const published = bus.publish([{ topic: 't', key: 'key', value: Buffer.from('1'), headers: {} }]);
    await expect(store.append('careRecord-1', 7, [event(1)])).rejects.toMatchObject({ actual: NO_STREAM });
    await published;
    expect([await rowsIn('messages'), await rowsIn('commits'), await rowsIn('events')]).toEqual([1, 0, 0]);
  });

  it('stays open for the one port when the other is closed', async () => {
    const { bus, store } = await open();
    await bus.createTopics([{ topic: 't', partitions: 1 }]);
    await bus.close();
    await expect(bus.publish([{ topic: 't', key: '', value: null, headers: {} }])).rejects.toThrow(EngineUnavailable);
    expect(await store.append('careRecord-1', NO_STREAM, [event(0)])).toBe(0);
    await store.close();
    await expect(store.append('careRecord-1', 0, [event(1)])).rejects.toThrow(EngineUnavailable);
    expect(told(await (await openStore()).read('careRecord-1'))).toEqual(asTold([0]));
  });

  describe('keeps a stream’s events side by side', () => {
    it('puts single ones together once there are 32 of them, also when it was closed in between', async () => {
      let store = await openStore();
      for (const n of upTo(100)) {
        await store.append('careRecord-1', n - 1, [event(n)]);
        if (n === 20 || n === 50) {
          await store.close();
          store = await openStore();
        }
      }
      // Three runs of 32, and four by themselves.
      expect(await rowsIn('events')).toBe(7);
      expect(told(await store.read('careRecord-1'))).toEqual(asTold(upTo(100)));
      expect(told(await store.read('careRecord-1', { from: 30, maxCount: 5 }))).toEqual(asTold(upTo(100)).slice(30, 35));
      expect(told(await store.read('careRecord-1', { from: 66, maxCount: 40, backwards: true }))).toEqual(
        asTold(upTo(100)).slice(27, 67).reverse(),
      );
    });

    it('and yet tells the one order of all streams as it came to be, from any place in it', async () => {
      const [ours, theirs] = [await openStore(), await openStore()] as const;
      const order: string[] = [];
      for (const n of upTo(210)) {
        const stream = n % 7;
        await (n % 2 === 0 ? ours : theirs).append(`careRecord-${stream}`, Math.floor(n / 7) * 2 - 1, [event(n), event(n)]);
        order.push(`${stream}@${Math.floor(n / 7) * 2}`, `${stream}@${Math.floor(n / 7) * 2 + 1}`);
      }
      expect(await rowsIn('events')).toBeLessThan(7 * 20);
      const placeOf = ({ stream, revision }: StoredEvent): string => `${stream.slice('careRecord-'.length)}@${revision}`;
      for (const store of [ours, theirs, await openStore()]) {
        const all = await store.readAll();
        expect(all.map(placeOf)).toEqual(order);
        for (const at of [0, 1, 100, 201, 419]) {
          const rest = await store.readAll({ after: all[at]!.position });
          expect(rest.map(placeOf)).toEqual(order.slice(at + 1));
        }
        for (const stream of upTo(7)) {
          const read = await store.read(`careRecord-${stream}`);
          expect(read).toEqual(all.filter((one) => one.stream === `careRecord-${stream}`));
        }
      }
    });

    it('leaves large ones by themselves, so that one can be read without megabytes', async () => {
      const store = await openStore();
      const large = (n: number): NewEvent => ({ ...event(n), data: randomBytes(36_000) });
      for (const n of upTo(40)) await store.append('careRecord-1', n - 1, [large(n)]);
      expect(await rowsIn('events')).toBe(40);
      expect((await store.read('careRecord-1')).map(({ meta }) => meta)).toEqual(upTo(40).map((n) => ({ n })));
    });

    it('and goes on with short runs behind a truncation', async () => {
      const store = await openStore();
      for (const n of upTo(40)) await store.append('view-1', n - 1, [event(n)], { truncatesPrevious: n === 20 });
      expect((await store.read('view-1')).map(({ meta }) => meta)).toEqual(upTo(20).map((n) => ({ n: n + 20 })));
      expect(await store.head('view-1')).toBe(39);
      expect((await store.readAll()).map(({ revision }) => revision)).toEqual(upTo(20).map((n) => n + 20));
    });
  });

  it('moves its log into the file beside the work, before a writer would do it', async () => {
    const store = await openStore();
    const sizeOf = async (name: string): Promise<number> => (await stat(join(directory, name))).size;
    const before = await sizeOf('weft.db');
    for (const n of upTo(20)) {
      await store.append('careRecord-1', n - 1, [{ ...event(n), data: randomBytes(360_000) }]);
    }
    // A writer moves 16,000 pages.
    expect(await sizeOf('weft.db-wal')).toBeLessThan(16_000 * PAGE_BYTES);
    while ((await sizeOf('weft.db')) < before + 1_000_000) await setTimeout(5);
    expect(await store.head('careRecord-1')).toBe(19);
  });
});
