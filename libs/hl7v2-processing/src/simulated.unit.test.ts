import { weftTables } from '@weft/hl7v2';
import { HL7_PROJECTOR_GROUP, hl7v2Topic } from '@weft/processing';
import { swarm, World } from '@weft/testing';
import { leftOf, ORDERLY, projected } from './feeds.fixture.js';
import { startHl7Projector } from './project-hl7v2.js';
import { LISTENERS, openRegion, type Region } from './region.fixture.js';

const SEEDS = Array.from({ length: 15 }, (_, seed) => seed + 1);
const SETTINGS = { listeners: LISTENERS, tables: weftTables() };
const STEPS_MAX = 200_000;

async function isDone({ wiring: { bus } }: Region): Promise<boolean> {
  const topic = hl7v2Topic('RX901');
  const committed = new Map((await bus.committed(HL7_PROJECTOR_GROUP, topic)).map((one) => [one.partition, one.offset]));
  return (await bus.offsets(topic)).every(({ partition, high }) => high === 0 || (committed.get(partition) ?? -1) >= high);
}

describe('projectors that crash, stall, lose their partitions and are lied to by their engines', () => {
  const expected = projected(ORDERLY);

  it.each(SEEDS)('leave each entry once and right: seed %d', async (seed) => {
    const world = new World({ seed, faults: swarm(seed) });
    const region = await openRegion(LISTENERS, world);
    for (const name of ['one', 'other']) {
      world.process(name, async (ports) => void (await startHl7Projector(ports, SETTINGS)));
    }
    for (const [listener, messages] of Object.entries(ORDERLY)) {
      for (const message of messages) {
        await region.send(message, { listener });
        await world.run(50);
      }
    }
    await world.run(2_000);
    world.heal();
    for (let steps = 0; !(await isDone(region)) && steps < STEPS_MAX;) steps += await world.run(200);
    expect(await isDone(region)).toBe(true);
    const [left, then] = [await leftOf(region), await expected];
    expect(left.refused).toEqual([]);
    expect(left.standing).toEqual(then.standing);
    expect(left.waiting).toEqual(then.waiting);
    expect(left.quarantined.map(([, codes]) => codes)).toEqual(then.quarantined.map(([, codes]) => codes));
  });
});

describe('a store that was put back to an earlier state', () => {
  it('has its lanes filled again with what was read since, and what comes then is what it would have been', async () => {
    const world = new World({ seed: 1 });
    const region = await openRegion(LISTENERS, world);
    const projector = world.process('one', async (ports) => void (await startHl7Projector(ports, SETTINGS)));
    const messages = Object.entries(ORDERLY).flatMap(([listener, some]) => some.map((message) => ({ listener, message })));
    const third = Math.ceil(messages.length / 3);
    const sendAll = async (some: typeof messages): Promise<void> => {
      for (const { listener, message } of some) await region.send(message, { listener });
      while (!(await isDone(region))) await world.run(50);
    };
    await sendAll(messages.slice(0, third));
    const backup = world.store.backup();
    await sendAll(messages.slice(third, 2 * third));
    const lanes = await lanesOf(region);
    projector.crash(20_000);
    world.store.putBack(backup);
    const before = await lanesOf(region);
    await sendAll(messages.slice(2 * third));
    while (!isGivenAgain(lanes, await lanesOf(region))) await world.run(50);
    expect(isGivenAgain(lanes, before)).toBe(false);
    const [left, then] = [await leftOf(region), await projected(ORDERLY)];
    expect([left.standing, left.waiting]).toEqual([then.standing, then.waiting]);
  });
});

async function lanesOf({ wiring: { store } }: Region): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for await (const { stream } of store.streams('hl7v2Lane-')) found.set(stream, await store.head(stream));
  return found;
}

const isGivenAgain = (lanes: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): boolean =>
  [...lanes].every(([stream, head]) => (now.get(stream) ?? -1) >= head);
