import { bytesOf, type Message, type NewEvent, NO_STREAM, type StoredEvent, textOf } from '@weft/processing';
import { NO_FAULTS, type Faults } from './faults.js';
import { murmur2 } from './murmur2.js';
import { World, type Boot, type Ports } from './world.js';

let ids = 0;
function event(data: unknown): NewEvent {
  return { id: `00000000-0000-4000-8000-${String(ids++).padStart(12, '0')}`, type: 'test', data: bytesOf(JSON.stringify(data)) };
}

/** Runs one process to its end in a world, and fails with what it failed with. */
async function inWorld(boot: Boot, faults: Partial<Faults> = NO_FAULTS, seed = 1): Promise<World> {
  const world = new World({ seed, faults });
  let outcome: Promise<void> | undefined;
  world.process('test', (ports) => (outcome ??= boot(ports)));
  await world.run(50_000);
  expect(await Promise.race([outcome, Promise.resolve('unfinished')])).toBeUndefined();
  return world;
}

const numbers = (events: readonly StoredEvent[]): unknown[] => events.map(({ data }) => JSON.parse(textOf(data)));

describe('the simulated store', () => {
  it('appends at the exact revision only', () =>
    inWorld(async ({ store }) => {
      expect(await store.append('s', NO_STREAM, [event(1), event(2)])).toBe(1);
      await expect(store.append('s', 0, [event(3)])).rejects.toMatchObject({ type: 'wrong-expected-revision', actual: 1 });
      await expect(store.append('s', NO_STREAM, [event(3)])).rejects.toMatchObject({ type: 'wrong-expected-revision' });
      expect(await store.append('s', 1, [event(3)])).toBe(2);
      expect(numbers(await store.read('s'))).toEqual([1, 2, 3]);
      expect(await store.head('s')).toBe(2);
      expect(await store.head('none')).toBe(NO_STREAM);
    }));

  it('holds what an administrator truncates, and gives it again once the limit is gone', async () => {
    const world = await inWorld(async ({ store }) => void (await store.append('s', NO_STREAM, [event(1), event(2)])));
    const revisions = (): number[] => world.store.read('s').map(({ revision }) => revision);
    world.store.truncate('s', 1);
    expect([revisions(), world.store.head('s')]).toEqual([[1], 1]);
    world.store.truncate('s', 0);
    expect(revisions()).toEqual([0, 1]);
  });

  it('makes what was truncated unreadable, and counts revisions on', () =>
    inWorld(async ({ store }) => {
      await store.append('s', NO_STREAM, [event(1), event(2)]);
      await store.append('s', 1, [event(3), event(4)], { truncatesPrevious: true });
      expect((await store.read('s')).map(({ revision }) => revision)).toEqual([2, 3]);
      expect(numbers(await store.read('s', { backwards: true }))).toEqual([4, 3]);
      expect(numbers(await store.read('s', { from: 0, maxCount: 1 }))).toEqual([3]);
      expect(await store.head('s')).toBe(3);
    }));

  it('reads all streams in one order, and only those asked for', () =>
    inWorld(async ({ store }) => {
      for (const [index, stream] of ['a-1', 'b-1', 'a-2'].entries()) await store.append(stream, NO_STREAM, [event(index)]);
      expect(numbers(await store.readAll())).toEqual([0, 1, 2]);
      const [first] = await store.readAll({ prefixes: ['a-'], maxCount: 1 });
      expect(numbers(await store.readAll({ prefixes: ['a-'], after: first!.position }))).toEqual([2]);
      const names: string[] = [];
      for await (const { stream } of store.streams('a-')) names.push(stream);
      expect(names).toEqual(['a-1', 'a-2']);
    }));

  it('refuses what the real one would refuse', () =>
    inWorld(async ({ store }) => {
      const large = { ...event(0), data: bytesOf('x'.repeat(1_000_000)) };
      await expect(store.append('s', NO_STREAM, [large])).rejects.toMatchObject({ type: 'too-large' });
      await expect(store.append('s', NO_STREAM, [{ ...event(0), id: '1' }])).rejects.toMatchObject({ type: 'invalid-call' });
      await expect(store.append('s', NO_STREAM, [{ ...event(0), type: '' }])).rejects.toMatchObject({ type: 'invalid-call' });
      expect(await store.head('s')).toBe(NO_STREAM);
    }));

  it.each([1, 2, 3, 4, 5])('gives a subscription every event in order in spite of failures (seed %d)', async (seed) => {
    const seen: number[] = [];
    await inWorld(
      async ({ store, timers }) => {
        let failing = 3;
        const handled = async (events: readonly StoredEvent[]): Promise<void> => {
          await timers.sleep(5);
          if (failing-- > 0) throw new Error('not yet');
          seen.push(...(numbers(events) as number[]));
        };
        let head = NO_STREAM;
        for (let n = 0; n < 20; n++) head = await store.append('s-1', head, [event(n)]);
        const subscription = await store.subscribe({ prefixes: ['s-'], onEvents: handled });
        for (let n = 20; n < 40; n++) {
          head = await store.append('s-1', head, [event(n)]);
          await store.append('other', n - 21, [event(n)]);
        }
        while (seen.length < 40) await timers.sleep(100);
        await subscription.stop();
      },
      { shortBatch: 0.5 },
      seed,
    );
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('never gives a checkpoint that runs ahead of a handled event, and resumes exactly after it', async () => {
    await inWorld(
      async ({ store, timers }) => {
        for (let n = 0; n < 30; n++) await store.append(n % 2 === 0 ? 's-1' : 'other', Math.floor(n / 2) - 1, [event(n)]);
        const handled: number[] = [];
        let checkpoint: string | undefined;
        const subscription = await store.subscribe({
          prefixes: ['s-'],
          onEvents: async (events) => {
            handled.push(...events.map(({ position }) => Number(position)));
          },
          onCheckpoint: async (position) => {
            const due = Array.from({ length: 15 }, (_, n) => 2 * n).filter((at) => at <= Number(position));
            expect(handled).toEqual(expect.arrayContaining(due));
            checkpoint = position;
          },
        });
        await timers.sleep(5_000);
        await subscription.stop();
        expect(handled).toHaveLength(15);
        expect(await store.readAll({ prefixes: ['s-'], ...(checkpoint === undefined ? {} : { after: checkpoint }) })).toEqual([]);
      },
      { shortBatch: 0.5 },
    );
  });
});

const message = (key: string, value: number | null, topic = 't'): Parameters<Ports['bus']['publish']>[0][number] => ({
  topic,
  key,
  value: value === null ? null : new Uint8Array([value]),
  headers: {},
});
const values = (messages: readonly Message[]): (number | undefined)[] => messages.map(({ value }) => value?.[0]);

describe('the simulated bus', () => {
  it('hashes keys as Kafka’s own clients do', () => {
    // From the unit tests of Apache Kafka's Utils.murmur2.
    const known = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 };
    for (const [key, hash] of Object.entries(known)) expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('keeps the order of a key, and counts offsets for each partition', () =>
    inWorld(async ({ bus }) => {
      await bus.createTopics([{ topic: 't', partitions: 3 }]);
      const places = await bus.publish(Array.from({ length: 30 }, (_, n) => message(`k${n % 4}`, n)));
      const { partition } = places[0]!;
      const read = await bus.read('t', partition, 0);
      expect(values(read).filter((n) => n! % 4 === 0)).toEqual([0, 4, 8, 12, 16, 20, 24, 28]);
      const high = (await bus.offsets('t')).map((offsets) => offsets.high);
      expect(high.reduce((total, one) => total + one)).toBe(30);
    }));

  it('writes nothing of a publish that it refuses', async () => {
    const world = await inWorld(async ({ bus }) => {
      await bus.createTopics([{ topic: 't', partitions: 1 }]);
      await expect(bus.publish([message('k', 1), message('k', 1, 'unknown')])).rejects.toMatchObject({ type: 'unknown-topic' });
      const large = { ...message('k', 1), value: new Uint8Array(1_048_577) };
      await expect(bus.publish([message('k', 1), large])).rejects.toMatchObject({ type: 'too-large' });
    });
    expect(world.bus.messages('t')).toEqual([]);
  });

  it('keeps of a compacted topic the last message of each key, tombstones too', () =>
    inWorld(async ({ bus }) => {
      await bus.createTopics([{ topic: 't', partitions: 1, compacted: true }]);
      for (const sent of [message('a', 1), message('b', 2), message('a', 3), message('b', null)]) await bus.publish([sent]);
      const left = await bus.read('t', 0, 0);
      expect(left.map(({ key, offset }) => `${key}${offset}`)).toEqual(['a2', 'b3']);
      expect(values(left)).toEqual([3, undefined]);
    }));

  it('gives the same batch again after a failure, and goes on from what was committed', async () => {
    const world = new World({ seed: 3 });
    world.bus.createTopics([{ topic: 't', partitions: 1 }]);
    world.bus.publish([message('k', 1), message('k', 2)]);
    const seen: (number | undefined)[][] = [];
    let failing = true;
    const process = world.process('consumer', async ({ bus }) => {
      await bus.consume({
        group: 'g',
        topics: ['t'],
        onBatch: async ({ messages }) => {
          seen.push(values(messages));
          if (failing) throw new Error('not yet');
        },
      });
    });
    await world.run(200, () => seen.length === 2);
    failing = false;
    await world.run(200, () => world.bus.committed('g', 't')[0]?.offset === 2);
    process.crash(100);
    world.bus.publish([message('k', 3)]);
    await world.run(2_000);
    expect(seen).toEqual([[1, 2], [1, 2], [1, 2], [3]]);
    expect(() => world.bus.seek('g', 't', [{ partition: 0, offset: 0 }])).toThrow('has members');
  });

  it('refuses the commit of a zombie that lost its partition while it stood still', async () => {
    const world = new World({ seed: 1 });
    world.bus.createTopics([{ topic: 't', partitions: 1 }]);
    world.bus.publish([message('k', 1)]);
    const events: string[] = [];
    const consumer =
      (name: string, ms: number): Boot =>
      async ({ bus, timers }) => {
        await bus.consume({
          group: 'g',
          topics: ['t'],
          onBatch: async (_, context) => {
            events.push(`${name} begins`);
            await timers.sleep(ms);
            events.push(`${name} ends${context.isStale() ? ', stale' : ''}`);
          },
        });
      };
    const zombie = world.process('zombie', consumer('zombie', 50));
    await world.run(100, () => events.includes('zombie begins'));
    zombie.pause(60_000);
    world.process('heir', consumer('heir', 50));
    await world.run(1_000, () => events.includes('heir ends'));
    expect(world.bus.committed('g', 't')[0]?.offset).toBe(-1);
    await world.run(10_000);
    expect(events.slice(0, 3)).toEqual(['zombie begins', 'heir begins', 'heir ends']);
    expect(events.filter((one) => one === 'zombie ends')).toHaveLength(0);
    expect(world.bus.committed('g', 't')[0]?.offset).toBe(1);
  });

  it('shares partitions out among members and never loses a message when they come and go', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const world = new World({ seed, faults: { shortBatch: 0.5, abruptRebalance: 0.5, rebalance: 0.01 } });
      world.bus.createTopics([{ topic: 't', partitions: 4 }]);
      const handled = new Set<number | undefined>();
      const member: Boot = async ({ bus, timers, random }) => {
        for (;;) {
          const onBatch = async ({ messages }: { messages: readonly Message[] }): Promise<void> => {
            await timers.sleep(10);
            for (const value of values(messages)) handled.add(value);
          };
          const consumer = await bus.consume({ group: 'g', topics: ['t'], maxBatch: 3, onBatch });
          await timers.sleep(random.fraction() * 500);
          await consumer.stop();
        }
      };
      for (const name of ['one', 'two', 'three']) world.process(name, member);
      for (let n = 0; n < 100; n++) {
        world.bus.publish([message(`k${n}`, n)]);
        await world.run(5);
      }
      await world.run(50_000, () =>
        world.bus.committed('g', 't').every(({ partition, offset }) => offset === world.bus.partition('t', partition).high),
      );
      expect(handled.size).toBe(100);
    }
  });

  it('follows every partition in offset order from where it was told to', async () => {
    const seen: number[] = [];
    await inWorld(
      async ({ bus, timers }) => {
        await bus.createTopics([{ topic: 't', partitions: 2 }]);
        for (let n = 0; n < 10; n++) await bus.publish([message(`k${n}`, n)]);
        const from = new Map((await bus.offsets('t')).map(({ partition, high }) => [partition, high - 1]));
        const follower = await bus.follow({
          topic: 't',
          from,
          onMessages: async (messages) => {
            for (const value of values(messages)) seen.push(value!);
          },
        });
        for (let n = 10; n < 20; n++) await bus.publish([message('k1', n)]);
        await timers.sleep(5_000);
        await follower.stop();
      },
      { shortBatch: 0.5 },
    );
    expect(seen).toHaveLength(12);
    expect(seen.filter((n) => n >= 10)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });
});

describe('a simulated process', () => {
  it('never hears of anything again once it has crashed, and starts anew', async () => {
    const world = new World({ seed: 2 });
    const lives: string[][] = [];
    const process = world.process('p', async ({ timers, store }) => {
      const life: string[] = [];
      lives.push(life);
      life.push('started');
      await timers.sleep(100);
      await store.head('s');
      life.push('finished');
    });
    await world.run(100, () => lives.length === 1);
    process.crash(5_000);
    await world.run(1_000);
    expect(lives).toEqual([['started'], ['started', 'finished']]);
  });

  it('has its own clock, that may be wrong', async () => {
    const world = new World({ seed: 2, startsAt: 1_000_000 });
    const seen: number[] = [];
    const process = world.process('p', async ({ clock }) => {
      seen.push(clock.now() - world.scheduler.now);
    });
    process.skewMs = -5_000;
    await world.run(10);
    expect(seen).toEqual([-5_000]);
  });

  it('wakes from a sleep at once when that is aborted', () =>
    inWorld(async ({ clock, timers }) => {
      const waking = new AbortController();
      const begun = clock.now();
      const sleeping = timers.sleep(3_600_000, waking.signal);
      waking.abort();
      await sleeping;
      expect(clock.now() - begun).toBeLessThan(1_000);
    }));

  it('does not know after EngineUnavailable whether its append was written: both happen', async () => {
    const outcomes = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      const faults = { appendLost: 0.5, appendUnacknowledged: 0.9 };
      const world = await inWorld(
        async ({ store }) => {
          await store
            .append('s', NO_STREAM, [event(1)])
            .catch((error: unknown) => expect(error).toMatchObject({ retriable: true }));
        },
        faults,
        seed,
      );
      outcomes.add(world.store.head('s'));
    }
    expect([...outcomes].sort()).toEqual([-1, 0]);
  });
});
