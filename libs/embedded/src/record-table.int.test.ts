import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf, type Clock, type OutgoingMessage } from '@weft/processing';
import { loadDriver } from './driver.js';
import { openEmbeddedBus } from './embedded.js';
import type { EmbeddedBus } from './event-bus.js';

const DAY_MS = 24 * 3_600_000;

describe('the messages of a compacted topic', () => {
  let directory: string;
  let bus: EmbeddedBus;
  let now = 1_000;
  const clock: Clock = { now: () => now, steady: () => now };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-records-'));
    bus = await openEmbeddedBus({ directory, clock });
    await bus.createTopics([{ topic: 't', partitions: 1, compacted: true }]);
  });
  afterEach(async () => {
    await bus.close();
    await rm(directory, { recursive: true });
  });

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
  const message = (key: string, value: string | null, partitionKey = 'anne'): OutgoingMessage => ({
    ...{ topic: 't', key, partitionKey, headers: {} },
    value: value === null ? null : Buffer.from(value),
  });
  const publish = (...messages: readonly OutgoingMessage[]) => bus.publish(messages);
  const told = async (from = 0): Promise<string[]> =>
    (await bus.read('t', 0, from)).map(
      ({ offset, key, value }) => `${offset} ${key} ${value === null ? 'withdrawn' : textOf(value)}`,
    );

  /** How many rows there are, as another process sees it, and how many keys are known. */
  const rows = async (): Promise<readonly number[]> => {
    const { DatabaseSync } = await loadDriver();
    const database = new DatabaseSync(join(directory, 'weft.db'));
    try {
      return ['records', 'latest'].map(
        (table) => (database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number }).count,
      );
    } finally {
      database.close();
    }
  };

  it('lie together where one call publishes them under one partition key, and come back in their order', async () => {
    const all = [...upTo(40).map((n) => message(`a${n}`, String(n))), message('b', 'beside', 'bert'), message('a40', '40')];
    const published = await publish(...all);
    expect(published.map(({ offset }) => offset)).toEqual(upTo(42));
    expect(await rows()).toEqual([4, 42]);
    expect(await told()).toEqual([...upTo(40).map((n) => `${n} a${n} ${n}`), '40 b beside', '41 a40 40']);
    expect(await told(38)).toEqual(['38 a38 38', '39 a39 39', '40 b beside', '41 a40 40']);
    expect((await bus.read('t', 0, 30, 3)).map(({ offset }) => offset)).toEqual([30, 31, 32]);
  });

  it('are of each key the last alone, as soon as it is published, and the others keep their offsets', async () => {
    await publish(...upTo(5).map((n) => message(`a${n}`, String(n))));
    await publish(message('a1', null), message('a3', 'again'));
    expect(await told()).toEqual(['0 a0 0', '2 a2 2', '4 a4 4', '5 a1 withdrawn', '6 a3 again']);
    await publish(message('a0', 'again'));
    expect(await told()).toEqual(['2 a2 2', '4 a4 4', '5 a1 withdrawn', '6 a3 again', '7 a0 again']);
    expect(await bus.offsets('t')).toEqual([{ partition: 0, low: 2, high: 8 }]);
    expect(await rows()).toEqual([3, 5]);
  });

  it('go with their row once all of it is superseded, be it in one call or in several of one transaction', async () => {
    const publishAll = (value: string | null) => publish(...upTo(50).map((n) => message(`a${n}`, value)));
    await publishAll('first');
    await publishAll(null);
    expect(await rows()).toEqual([2, 50]);
    await Promise.all([publishAll('second'), publishAll('third'), publish(message('a0', 'fourth'))]);
    expect(await rows()).toEqual([3, 50]);
    expect(await told()).toEqual([
      ...upTo(50)
        .slice(1)
        .map((n) => `${150 + n} a${n} third`),
      '200 a0 fourth',
    ]);
  });

  it('are the last alone also where one call says the same key twice', async () => {
    await publish(message('a', 'first'), message('b', 'b'), message('a', null), message('a', 'last'));
    expect(await told()).toEqual(['1 b b', '3 a last']);
    expect(await rows()).toEqual([1, 2]);
  });

  it('lose their tombstones after a day, and none of what lies beside them', async () => {
    await publish(message('a', null), message('b', 'b'), message('c', null));
    await publish(message('d', null));
    now += DAY_MS;
    await publish(message('e', null));
    expect(await bus.maintain()).toBe(0);
    now += 1;
    expect(await bus.maintain()).toBe(3);
    expect(await told()).toEqual(['1 b b', '4 e withdrawn']);
    expect(await rows()).toEqual([2, 2]);
    await publish(message('a', 'again'), message('b', null));
    expect(await told()).toEqual(['4 e withdrawn', '5 a again', '6 b withdrawn']);
  });

  it('are the same after they were closed and opened again', async () => {
    await publish(...upTo(40).map((n) => message(`a${n}`, String(n))));
    await bus.close();
    bus = await openEmbeddedBus({ directory, clock });
    await publish(message('a39', 'again'));
    expect(await told(37)).toEqual(['37 a37 37', '38 a38 38', '40 a39 again']);
  });
});
