import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf } from '@weft/processing';
import { loadDriver } from './driver.js';
import { openEmbeddedBus } from './embedded.js';
import type { EmbeddedBus } from './event-bus.js';

const LEASE_MS = 10_000;
const DAY_MS = 86_400_000;
const TOPIC = 'weft.consent';

describe('a member of a group on another machine, of which nobody can say whether it lives', () => {
  let directory: string;
  let bus: EmbeddedBus;
  const now = Date.now();
  /** The machine's time may leap; its steady clock does not. */
  const clock = { at: now, now: () => clock.at, steady: () => performance.now() };

  beforeEach(async () => {
    clock.at = now;
    directory = await mkdtemp(join(tmpdir(), 'weft-leases-'));
    bus = await openEmbeddedBus({ directory, clock, leaseMs: LEASE_MS });
    await bus.createTopics([{ topic: TOPIC, partitions: 1 }]);
    await bus.publish([{ topic: TOPIC, key: 'a', value: bytesOf('{}'), headers: {} }]);
  });
  afterEach(async () => {
    await bus.close();
    await rm(directory, { recursive: true });
  });

  /** It holds the partition, and its lease is over at a time, milliseconds since 1970. */
  async function heldUntil(leaseUntil: number): Promise<void> {
    const { DatabaseSync } = await loadDriver();
    const database = new DatabaseSync(join(directory, 'weft.db'));
    const process = JSON.stringify({ namespace: 'elsewhere', pid: 1, thread: 0 });
    const [{ id }] = database.prepare('SELECT id FROM partitions').all() as [{ id: number }];
    database.prepare('INSERT INTO members VALUES (?, ?, ?, ?, ?)').run('group', 'other', `["${TOPIC}"]`, leaseUntil, process);
    database.prepare('INSERT INTO claims VALUES (?, ?, ?)').run('group', id, 'other');
    database.close();
  }

  it.each([
    ['keeps its partition while its lease lasts', LEASE_MS / 2, []],
    ['keeps it not once that is over', -1, [{ topic: TOPIC, partition: 0 }]],
    ['keeps it not by a lease that a clock wrote which was a day ahead', DAY_MS + LEASE_MS, [{ topic: TOPIC, partition: 0 }]],
  ])('%s', async (_, leftMs, assigned) => {
    await heldUntil(now + leftMs);
    const consumer = await bus.consume({ group: 'group', topics: [TOPIC], onBatch: async () => {} });
    expect(consumer.assigned()).toEqual(assigned);
  });

  it('holds what it holds by its steady clock, whatever becomes of the machine’s', async () => {
    const handled: number[] = [];
    let isStale: (() => boolean) | undefined;
    const taken = new Promise<void>((resolve) => {
      void bus.consume({
        ...{ group: 'group', topics: [TOPIC] },
        async onBatch({ messages }, context) {
          isStale = () => context.isStale();
          handled.push(...messages.map(({ offset }) => offset));
          resolve();
        },
      });
    });
    await taken;
    clock.at = now + DAY_MS;
    expect([isStale?.(), handled]).toEqual([false, [0]]);
  });
});
