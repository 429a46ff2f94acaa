import { randomUUID } from 'node:crypto';
import { openEventStoreDb } from '../event-store.js';

/**
 * A process that appends, reads and subscribes with all its might while its server comes and goes. A test watches whether it
 * lives, and compares what it says was acknowledged and what it saw with what the server has.
 */
const [, , connectionString = ''] = process.argv;
const store = await openEventStoreDb({ connectionString, patienceMs: 500, deadlineMs: 10_000, retryPauseMs: 20 });
const acknowledged: string[] = [];
const seen: string[] = [];
let failed = 0;
let stopping = false;

const subscription = await store.subscribe({
  prefixes: ['storm-'],
  onEvents: async (events) => void seen.push(...events.map(({ id }) => id)),
});

async function headOf(stream: string): Promise<number> {
  for (;;) {
    try {
      return await store.head(stream);
    } catch {
      failed += 1;
    }
  }
}

async function write(stream: string): Promise<void> {
  for (let revision = await headOf(stream); !stopping;) {
    const id = randomUUID();
    try {
      revision = await store.append(stream, revision, [{ id, type: 'storm-1', data: new Uint8Array() }]);
      acknowledged.push(id);
    } catch {
      failed += 1;
      revision = await headOf(stream);
    }
  }
}

const writers = Array.from({ length: 64 }, (_, n) => write(`storm-${n}`));
const progress = setInterval(() => process.send?.({ acknowledged: acknowledged.length }), 20);
process.on('message', ({ expected }: { expected?: number }) => {
  stopping = true;
  void Promise.all(writers).then(async () => {
    if (expected === undefined) return void process.send?.({ written: true });
    while (seen.length < expected) await new Promise((resolve) => setTimeout(resolve, 10));
    await subscription.stop();
    await store.close();
    clearInterval(progress);
    process.send?.({ done: { acknowledged, seen, failed } }, () => process.disconnect());
  });
});
