import { InvalidCall, NO_STREAM, type EventStore, type StoredEvent, type SubscribeOptions } from '@weft/processing';
import { gate, numbered, numberOf, openGates, range, unique, until } from './parts.js';

/** What EventStore promises of subscriptions: the part of its contract that takes time. */
export function describeSubscriptions(storeOfTest: () => EventStore, another: () => Promise<EventStore>): void {
  describe('subscribing', () => {
    let store: EventStore;
    let stops: (() => Promise<void>)[] = [];

    beforeEach(() => {
      store = storeOfTest();
    });
    afterEach(async () => {
      openGates();
      await Promise.all(stops.map((stop) => stop()));
      stops = [];
    });

    /** Collects what is handed over, and every checkpoint with the number of events handled by then. */
    const listen = async (prefix: string, options: Partial<SubscribeOptions> = {}, from: EventStore = store) => {
      const events: StoredEvent[] = [];
      const checkpoints: { readonly position: string; readonly handled: number }[] = [];
      const heard = { events, checkpoints, caughtUp: 0, stop: async (): Promise<void> => undefined };
      const subscription = await from.subscribe({
        prefixes: [prefix],
        onCheckpoint: async (position) => void checkpoints.push({ position, handled: events.length }),
        onCaughtUp: () => void (heard.caughtUp += 1),
        ...options,
        onEvents: async (some) => {
          await options.onEvents?.(some);
          events.push(...some);
        },
      });
      heard.stop = () => subscription.stop();
      stops.push(heard.stop);
      return heard;
    };

    it('hands over the past and then what comes, in the one order, from whichever connection it was appended', async () => {
      const prefix = unique('sub');
      const second = await another();
      await store.append(`${prefix}-a`, NO_STREAM, numbered(2));
      const heard = await listen(prefix);
      await until('it caught up', () => heard.caughtUp > 0 && heard.events.length === 2);
      await second.append(`${prefix}-b`, NO_STREAM, numbered(2, 2));
      await store.append(unique('other-'), NO_STREAM, numbered(1, 99));
      await store.append(`${prefix}-a`, 1, numbered(1, 4));
      await until('all five arrived', () => heard.events.length === 5);
      expect(heard.events.map(numberOf)).toEqual([0, 1, 2, 3, 4]);
      expect(heard.events[2]).toMatchObject({ stream: `${prefix}-b`, revision: 0 });
    });

    it('gives one batch at a time, none of them empty or larger than asked for', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(50));
      await store.append(`${prefix}-b`, NO_STREAM, numbered(1, 50));
      let running = 0;
      let most = 0;
      const sizes: number[] = [];
      const heard = await listen(prefix, {
        maxBatch: 7,
        onEvents: async (events) => {
          most = Math.max(most, (running += 1));
          sizes.push(events.length);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
        },
      });
      await until('all arrived', () => heard.events.length === 51);
      expect(most).toBe(1);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBe(7);
      expect(heard.events.map(numberOf)).toEqual(range(0, 51));
    });

    it('gives at most 1,000 events a batch unless told otherwise', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(2_500));
      const sizes: number[] = [];
      const heard = await listen(prefix, { onEvents: async (events) => void sizes.push(events.length) });
      await until('all arrived', () => heard.events.length === 2_500);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
      expect(Math.max(...sizes)).toBeGreaterThan(1);
      expect(heard.events.map(numberOf)).toEqual(range(0, 2_500));
    });

    it('does not wait to fill a batch', async () => {
      const prefix = unique('sub');
      const heard = await listen(prefix);
      await until('it caught up', () => heard.caughtUp > 0);
      for (const n of range(0, 3)) {
        await store.append(`${prefix}-a`, n - 1, numbered(1, n));
        await until('it arrived', () => heard.events.length === n + 1);
      }
    });

    it('starts after a position, exactly', async () => {
      const prefix = unique('sub');
      for (const n of range(0, 6)) await store.append(`${prefix}-${n % 2}`, Math.floor(n / 2) - 1, numbered(1, n));
      const all = await store.readAll({ prefixes: [prefix] });
      for (const [index, { position }] of all.entries()) {
        const heard = await listen(prefix, { after: position });
        await until('the rest arrived', () => heard.caughtUp > 0 && heard.events.length >= 5 - index);
        await heard.stop();
        expect(heard.events.map(numberOf)).toEqual(range(index + 1, 6));
      }
    });

    it('resumes from any of its checkpoints exactly: nothing missing, nothing twice', async () => {
      const prefix = unique('sub');
      for (const n of range(0, 8)) {
        await store.append(`${prefix}-${n}`, NO_STREAM, numbered(70, n * 70));
        await store.append(unique('other-'), NO_STREAM, numbered(20));
      }
      const first = await listen(prefix);
      await until('all arrived, and a checkpoint behind them', () => first.checkpoints.at(-1)?.handled === 560);
      await first.stop();
      const steps = Math.ceil(first.checkpoints.length / 8);
      for (const checkpoint of first.checkpoints.filter((_, index) => index % steps === 0)) {
        const again = await listen(prefix, { after: checkpoint.position });
        await until('the rest arrived', () => again.caughtUp > 0 && again.events.length >= 560 - checkpoint.handled);
        await again.stop();
        expect(again.events.map(numberOf)).toEqual(range(checkpoint.handled, 560));
      }
    });

    it('tells no checkpoint behind an event whose handler never succeeded, also when it is stopped meanwhile', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(3));
      let failures = 0;
      const heard = await listen(prefix, {
        maxBatch: 1,
        onEvents: async ([event]) => {
          if (numberOf(event as StoredEvent) === 2) throw new Error('never');
        },
        onFailure: () => void (failures += 1),
      });
      await until('it failed', () => failures > 0);
      await heard.stop();
      const last = heard.checkpoints.at(-1)?.position;
      const resumed = (await store.readAll({ after: last, prefixes: [prefix] })).map(numberOf);
      expect(resumed.at(-1)).toBe(2);
    });

    it('tells no checkpoint ahead of an event that is still being handled', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(1));
      const held = gate();
      const heard = await listen(prefix, { onEvents: () => held.opened });
      await store.append(`${prefix}-a`, 0, numbered(2, 1));
      const position = (await store.readAll({ prefixes: [prefix] }))[0]?.position;
      await new Promise((resolve) => setImmediate(resolve));
      const early = heard.checkpoints.map((checkpoint) => checkpoint.position);
      held.open();
      await until('all arrived', () => heard.events.length === 3);
      await heard.stop();
      expect(early).not.toContain(position);
      for (const checkpoint of early) {
        expect((await store.readAll({ after: checkpoint, prefixes: [prefix] })).map(numberOf)).toEqual([0, 1, 2]);
      }
    });

    it('tells where it is also while nothing matches', async () => {
      const prefix = unique('sub');
      const heard = await listen(prefix);
      await until('it caught up', () => heard.caughtUp > 0);
      const other = unique('other-');
      let revision = NO_STREAM;
      await until('a checkpoint came', async () => {
        revision = await store.append(other, revision, numbered(100));
        return heard.checkpoints.length > 0;
      });
      expect(heard.events).toEqual([]);
    });

    it('shows that a handler threw, and gives a batch that begins with the same event before any other', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(4));
      const tried: number[] = [];
      const failures: unknown[] = [];
      const fault = new Error('the view is not there yet');
      const heard = await listen(prefix, {
        maxBatch: 2,
        onEvents: async (events) => {
          const [first] = events.map(numberOf) as [number];
          tried.push(first);
          if (first >= 2 && failures.length < 2) throw fault;
        },
        onFailure: (error) => void failures.push(error),
      });
      await until('all arrived', () => heard.events.length === 4);
      expect(failures).toEqual([fault, fault]);
      const failed = tried.filter((first) => first >= 2)[0] as number;
      expect(tried.filter((first) => first === failed)).toHaveLength(3);
      expect(heard.events.map(numberOf)).toEqual(range(0, 4));
    });

    it('stops only once its handler has ended, and hands over nothing after', async () => {
      const prefix = unique('sub');
      await store.append(`${prefix}-a`, NO_STREAM, numbered(3));
      const held = gate();
      let entered = 0;
      const heard = await listen(prefix, {
        onEvents: () => {
          entered += 1;
          return held.opened;
        },
      });
      await until('the handler runs', () => entered === 1);
      let stopped = false;
      const stopping = heard.stop().then(() => (stopped = true));
      await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).toBe(false);
      held.open();
      await stopping;
      await store.append(`${prefix}-a`, 2, numbered(1, 3));
      expect(heard.events.length).toBeLessThanOrEqual(3);
      expect(entered).toBe(1);
    });

    it('misses nothing while many write', async () => {
      const prefix = unique('sub');
      const second = await another();
      const heard = await listen(prefix);
      await Promise.all(
        range(0, 20).map(async (writer) => {
          for (const n of range(0, 15)) {
            await (writer % 2 === 0 ? store : second).append(`${prefix}-${writer}`, n - 1, numbered(1, writer * 100 + n));
          }
        }),
      );
      await until('all arrived', () => heard.events.length >= 300);
      const expected = range(0, 20).flatMap((writer) => range(0, 15).map((n) => writer * 100 + n));
      expect(heard.events.map(numberOf).sort((a, b) => a - b)).toEqual(expected);
      const positions = (await store.readAll({ prefixes: [prefix] })).map(({ position }) => position);
      expect(heard.events.map(({ position }) => position)).toEqual(positions);
    });

    it('needs to know which streams, from where, and how many at a time', async () => {
      const onEvents = async (): Promise<void> => undefined;
      const prefixes = [unique('sub')];
      await expect(store.subscribe({ prefixes: [], onEvents })).rejects.toThrow(InvalidCall);
      await expect(store.subscribe({ prefixes, after: 'nowhere', onEvents })).rejects.toThrow(InvalidCall);
      await expect(store.subscribe({ prefixes, maxBatch: 0, onEvents })).rejects.toThrow(InvalidCall);
    });

    it('tells checkpoints that compare with the events handled by then', async () => {
      const prefix = unique('sub');
      for (const n of range(0, 5)) {
        await store.append(`${prefix}-a`, n - 1, numbered(1, n));
        await store.append(unique('other-'), NO_STREAM, numbered(40));
      }
      const heard = await listen(prefix, { maxBatch: 2 });
      await until('all arrived, and a checkpoint behind them', () => heard.checkpoints.at(-1)?.handled === 5);
      await heard.stop();
      for (const { position: checkpoint, handled } of heard.checkpoints) {
        const before = heard.events.filter(({ position }) => store.comparePositions(position, checkpoint) <= 0);
        expect(before).toHaveLength(handled);
      }
    });
  });
}
