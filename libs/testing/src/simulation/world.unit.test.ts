import { bytesOf, NO_STREAM, textOf, type Clock } from '@weft/processing';
import { ALL_FAULTS, NO_FAULTS, swarm, type Faults } from './faults.js';
import { World, type Ports } from './world.js';

const TOPIC = 'numbers';
const COUNT = 60;

/** Copies a topic into streams, one a key, exactly once by keeping the offset beside what it produced. */
async function copier({ bus, store, random }: Ports): Promise<void> {
  await bus.consume({
    group: 'copiers',
    topics: [TOPIC],
    onBatch: async ({ messages }, context) => {
      for (const message of messages) {
        if (context.isStale()) return;
        const { key, offset } = message;
        const last = (await store.read(key, { backwards: true, maxCount: 1 }))[0];
        if (last !== undefined && offset <= Number(JSON.parse(textOf(last.data)))) continue;
        const event = { id: random.uuid(), type: 'copied', data: bytesOf(JSON.stringify(offset)) };
        await store.append(key, last?.revision ?? NO_STREAM, [event]);
      }
    },
  });
}

async function counter({ bus, timers }: Ports): Promise<void> {
  for (let number = 0; number < COUNT;) {
    try {
      await bus.publish([{ topic: TOPIC, key: `key-${number % 5}`, value: new Uint8Array([number]), headers: {} }]);
      number++;
    } catch {
      await timers.sleep(100);
    }
  }
}

function copying(seed: number, faults: Partial<Faults>, trace = false): World {
  const world = new World({ seed, faults, trace });
  world.bus.createTopics([{ topic: TOPIC, partitions: 3 }]);
  world.process('copier-1', copier);
  world.process('copier-2', copier);
  world.process('counter', counter);
  return world;
}

function expectEverythingCopied(world: World): void {
  const published = world.bus.messages(TOPIC);
  expect(published.length).toBeGreaterThanOrEqual(COUNT);
  for (const key of new Set(published.map((message) => message.key))) {
    const offsets = published.filter((message) => message.key === key).map(({ offset }) => offset);
    expect(world.store.read(key).map(({ data }) => Number(JSON.parse(textOf(data))))).toEqual(offsets);
  }
}

describe('a simulated world', () => {
  it('comes to rest when everything is done', async () => {
    const world = copying(1, NO_FAULTS);
    const steps = await world.run(100_000);
    expect(steps).toBeLessThan(2_000);
    expectEverythingCopied(world);
    expect(world.bus.messages(TOPIC)).toHaveLength(COUNT);
  });

  it('takes the same steps again for the same seed', async () => {
    const [first, second] = [copying(7, ALL_FAULTS, true), copying(7, ALL_FAULTS, true)];
    await first.run(3_000);
    await second.run(3_000);
    expect(first.trace.length).toBeGreaterThan(500);
    expect(second.trace).toEqual(first.trace);
    expect(second.scheduler.fingerprint).toBe(first.scheduler.fingerprint);
    expect(second.store.readAll()).toEqual(first.store.readAll());
    expect(second.injected).toEqual(first.injected);
  });

  it.each([true, false])(
    'of one machine has one clock, and the bus goes by it unless it has brokers (%s)',
    async (hasBrokers) => {
      const world = new World({ seed: 1, faults: { clockSkew: 1 }, oneMachine: true });
      world.bus.hasBrokers = hasBrokers;
      world.bus.createTopics([{ topic: TOPIC, partitions: 1 }]);
      const clocks: Clock[] = [];
      for (const name of ['one', 'other']) world.process(name, async ({ clock }) => void clocks.push(clock));
      await world.run(Infinity, () => clocks.length === 2);
      world.bus.publish([{ topic: TOPIC, key: 'key', value: null, headers: {} }]);
      const [said, stamped] = [clocks.map((clock) => clock.now()), world.bus.messages(TOPIC)[0]!.timestamp];
      expect(said[0]).not.toBe(world.scheduler.now);
      expect([said[1], stamped]).toEqual([said[0], hasBrokers ? world.scheduler.now : said[0]]);
    },
  );

  it('lets nothing come to an engine that was on its way when everybody was stopped', async () => {
    const world = new World({ seed: 1, faults: { sentBeforeCrash: 1 } });
    let asked = 0;
    world.process('writer', async ({ store, timers, random }) => {
      asked += 1;
      void store.append(`stream-${asked}`, NO_STREAM, [{ id: random.uuid(), type: 'written', data: bytesOf('') }]);
      await timers.sleep(1_000_000);
    });
    await world.run(Infinity, () => asked > 0);
    world.stopAll(() => 5_000);
    await world.run(20);
    expect([world.store.head('stream-1'), world.store.head('stream-2')]).toEqual([NO_STREAM, 0]);
  });

  it('takes other steps for another seed', async () => {
    const fingerprints = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const world = copying(seed, NO_FAULTS);
      await world.run(500);
      fingerprints.add(world.scheduler.fingerprint);
    }
    expect(fingerprints.size).toBe(20);
  });

  it('lets every sort of fault happen, and a sound program survives all of them', async () => {
    const happened = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const world = copying(seed, swarm(seed));
      await world.run(1_500);
      for (const { kind } of world.injected) happened.add(kind);
      world.heal();
      await world.run(50_000);
      expectEverythingCopied(world);
    }
    const unused = ['compactionDelayed', 'expiry', 'appendLate'].filter((kind) => !happened.has(kind));
    expect(unused).toEqual(['compactionDelayed', 'expiry']);
  });
});
