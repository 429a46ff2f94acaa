import {
  bytesOf,
  NO_STREAM,
  EngineDamaged,
  EngineUnavailable,
  type EventStore,
  type StoredEvent,
  type SubscribeOptions,
  type Timers,
} from '@weft/processing';
import { newEvents, numberOf, until, useFake } from './fake-server/use-fake.js';
import { systemTimers } from './system.js';

describe('a subscription to EventStoreDB (a fake server)', () => {
  const fake = useFake();

  const listen = async (store: EventStore, options: Partial<SubscribeOptions> = {}) => {
    const heard = {
      events: [] as StoredEvent[],
      failures: [] as unknown[],
      checkpoints: [] as { position: string; handled: number }[],
      caughtUp: 0,
    };
    const subscription = await store.subscribe({
      prefixes: ['careRecord-'],
      onFailure: (error) => void heard.failures.push(error),
      onCheckpoint: async (position) => void heard.checkpoints.push({ position, handled: heard.events.length }),
      onCaughtUp: () => void (heard.caughtUp += 1),
      ...options,
      onEvents: async (events) => {
        await options.onEvents?.(events);
        heard.events.push(...events);
      },
    });
    return { ...heard, heard, numbers: () => heard.events.map(numberOf), stop: () => subscription.stop() };
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

  it('goes on by itself after the server was killed in the midst of it: every event once, in order', async () => {
    const store = await fake.open();
    await store.append('careRecord-1', NO_STREAM, newEvents(500));
    let killed = false;
    const { heard, numbers } = await listen(store, {
      onEvents: async (events) => {
        if (!events.some((event) => numberOf(event) === 250) || killed) return;
        killed = true;
        fake.server.kill();
        await fake.server.start();
      },
    });
    await until('all arrived', () => heard.events.length >= 500);
    await store.append('careRecord-1', await store.head('careRecord-1'), newEvents(10, 500));
    await until('the new ones arrived', () => heard.events.length >= 510);
    expect(numbers()).toEqual(upTo(510));
    expect(heard.caughtUp).toBe(1);
    expect(heard.failures[0]).toBeInstanceOf(EngineUnavailable);
  });

  it('waits for a server that is away for a while, says so, and then goes on', async () => {
    const store = await fake.open({ patienceMs: 50 });
    await store.append('careRecord-1', NO_STREAM, newEvents(3));
    const { heard, numbers } = await listen(store);
    await until('it caught up', () => heard.caughtUp === 1);
    fake.server.kill();
    await until('it has tried several times', () => heard.failures.length >= 4);
    await expect(store.head('careRecord-1')).rejects.toThrow(EngineUnavailable);
    await expect(store.append('careRecord-1', 2, newEvents(1))).rejects.toThrow(EngineUnavailable);
    await fake.server.start();
    await until('the server answers again', async () => (await store.head('careRecord-1').catch(() => -1)) === 2);
    await store.append('careRecord-1', 2, newEvents(2, 3));
    await until('all arrived', () => heard.events.length >= 5);
    expect(numbers()).toEqual(upTo(5));
    expect(heard.failures.every((failure) => failure instanceof EngineUnavailable)).toBe(true);
  });

  it('can be asked for while the server is away', async () => {
    const store = await fake.open();
    await store.append('careRecord-1', NO_STREAM, newEvents(2));
    fake.server.kill();
    const { heard, numbers } = await listen(store);
    await until('it has tried', () => heard.failures.length >= 1);
    await fake.server.start();
    await until('all arrived', () => heard.events.length === 2);
    expect(numbers()).toEqual([0, 1]);
  });

  it('is opened anew when nothing comes any more, though no connection broke', async () => {
    const store = await fake.open({ silenceMs: 100 });
    fake.server.willFail('read', 'mute');
    const { heard } = await listen(store);
    await until('it caught up', () => heard.caughtUp === 1);
    const before = fake.server.calls.length;
    await until('it was opened anew', () => fake.server.calls.length > before + 1);
    await store.append('careRecord-1', NO_STREAM, newEvents(1));
    await until('the event arrived', () => heard.events.length === 1);
    expect(heard.failures).toEqual([]);
  });

  it('is held back by a slow handler, dropped by the server for it, and yet misses nothing', async () => {
    const store = await fake.open();
    let open = () => {};
    const held = new Promise<void>((resolve) => (open = resolve));
    const { heard, numbers } = await listen(store, { onEvents: () => held });
    await until('it caught up', () => heard.caughtUp === 1);
    const bulk = (n: number) => ({ ...newEvents(1)[0]!, data: bytesOf(JSON.stringify({ n, bulk: 'x'.repeat(40_000) })) });
    for (let n = 0; n < 300; n += 20) {
      await store.append(
        'careRecord-1',
        n - 1,
        Array.from({ length: 20 }, (_, index) => bulk(n + index)),
      );
    }
    expect(heard.events).toEqual([]);
    open();
    await until('all arrived', () => heard.events.length >= 300);
    expect(numbers()).toEqual(upTo(300));
    expect(fake.server.calls.filter((method) => method === 'read').length).toBeGreaterThan(2);
    expect(heard.failures).toEqual([]);
  });

  describe('that the server drops because more than 32 events wait for it', () => {
    /** Pauses before another feed is opened: nothing else sleeps for less than a second. */
    const opened = async () => {
      const pauses: number[] = [];
      const timers: Timers = {
        sleep: (ms, signal) => {
          if (ms < 1_000) pauses.push(ms);
          return systemTimers.sleep(ms, signal);
        },
      };
      return { pauses, store: await fake.open({ timers, mayBeTruncated: () => false }) };
    };
    const feeds = () => fake.server.calls.filter((method) => method === 'read').length;

    it('goes on at its last position, at once: each event once, in order', async () => {
      const { store, pauses } = await opened();
      const { heard, numbers } = await listen(store);
      await until('it caught up', () => heard.caughtUp === 1);
      for (let n = 0; n < 5; n++) {
        const before = feeds();
        await store.append('careRecord-1', n * 33 - 1, newEvents(33, n * 33));
        await until('all arrived', () => heard.events.length >= (n + 1) * 33);
        expect(feeds()).toBeGreaterThan(before);
      }
      expect(numbers()).toEqual(upTo(165));
      expect([heard.failures, pauses]).toEqual([[], []]);
    });

    it('was not dropped for 32', async () => {
      const { store } = await opened();
      const { heard } = await listen(store);
      await until('it caught up', () => heard.caughtUp === 1);
      const before = feeds();
      await store.append('careRecord-1', NO_STREAM, newEvents(32));
      await until('all arrived', () => heard.events.length >= 32);
      expect(feeds()).toBe(before);
    });

    it('pauses where nothing had come, as it would be dropped again', async () => {
      const { store, pauses } = await opened();
      fake.server.willFail('read', 'too-slow', 'too-slow');
      const { heard } = await listen(store);
      await until('it caught up', () => heard.caughtUp === 1);
      expect(pauses).toHaveLength(2);
    });
  });

  it('takes no more from the server than a little, while its handler is busy', async () => {
    const store = await fake.open();
    const bulk = () => ({ ...newEvents(1)[0]!, data: bytesOf('x'.repeat(40_000)) });
    for (let n = 0; n < 25; n++) await store.append('careRecord-1', n * 20 - 1, Array.from({ length: 20 }, bulk));
    let open = () => {};
    const held = new Promise<void>((resolve) => (open = resolve));
    const { heard } = await listen(store, { onEvents: () => held });
    let before = -1;
    await until('the server sends no more', async () => {
      const more = fake.server.eventsSent > before;
      before = fake.server.eventsSent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return before > 0 && !more;
    });
    const sent = fake.server.eventsSent;
    open();
    expect(sent).toBeLessThan(250);
    await until('all arrived', () => heard.events.length === 500);
  });

  it('resumes exactly from its checkpoints, which come from the server also while nothing matches', async () => {
    const store = await fake.open();
    for (let n = 0; n < 40; n++) await store.append(`other-${n}`, NO_STREAM, newEvents(100));
    await store.append('careRecord-1', NO_STREAM, newEvents(3));
    const first = await listen(store);
    await until('it caught up', () => first.heard.caughtUp === 1);
    await first.stop();
    const { checkpoints } = first.heard;
    expect(checkpoints.some(({ position, handled }) => position.endsWith('/0') && handled === 0)).toBe(true);
    for (const { position, handled } of checkpoints) {
      const again = await listen(store, { after: position });
      await until('it caught up', () => again.heard.caughtUp === 1);
      await again.stop();
      expect(again.numbers()).toEqual([0, 1, 2].slice(handled));
    }
  });

  it('gives no event that was truncated before its turn came', async () => {
    const store = await fake.open();
    await store.append('careRecord-1', NO_STREAM, newEvents(4));
    await store.append('careRecord-2', NO_STREAM, newEvents(1, 10));
    const { heard, numbers } = await listen(store, {
      maxBatch: 1,
      onEvents: async ([event]) => {
        if (numberOf(event!) === 1) await store.append('careRecord-1', 3, newEvents(1, 4), { truncatesPrevious: true });
      },
    });
    await until('all arrived', () => heard.events.length === 4);
    expect(numbers()).toEqual([0, 1, 10, 4]);
  });

  it('gives what stands before an event that it cannot give, and does not pass over that one, but shows it again and again', async () => {
    const store = await fake.open();
    await store.append('careRecord-1', NO_STREAM, newEvents(1));
    fake.write('careRecord-1', 'blob', 'of others', { metadata: 'no JSON' });
    await store.append('careRecord-1', 1, newEvents(1, 2));
    const { heard, numbers } = await listen(store);
    await until('it was shown three times', () => heard.failures.length >= 3);
    expect(heard.failures[0]).toBeInstanceOf(EngineDamaged);
    expect(numbers()).toEqual([0]);
  });

  it('tells a checkpoint again until it was taken, and survives an onFailure that throws', async () => {
    const store = await fake.open();
    await store.append('careRecord-1', NO_STREAM, newEvents(2));
    const told: string[] = [];
    const { heard } = await listen(store, {
      onCheckpoint: async (position) => {
        told.push(position);
        if (told.length <= 2) throw new Error('not now');
      },
      onFailure: () => {
        throw new Error('a broken log');
      },
    });
    await until('the checkpoint was taken', () => told.length >= 3);
    expect(heard.events.map(({ position }) => position)).toContain(told[0]);
    expect([told[1], told[2]]).toEqual([told[0], told[0]]);
  });

  it('ends with its store, while the server is away', async () => {
    const store = await fake.open();
    const { heard, stop } = await listen(store);
    fake.server.kill();
    await until('it has tried', () => heard.failures.length >= 2);
    await store.close();
    await stop();
    await expect(store.check()).rejects.toThrow(/the store is closed/);
  });
});
