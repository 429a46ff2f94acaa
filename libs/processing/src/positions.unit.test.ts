import { provision, PURPOSES, type CareEvent } from '@weft/domain';
import { World, type SimProcess } from '@weft/testing';
import { messagesLost, recordTopics, StoreWatch } from './catching-up.js';
import { loadEpoch } from './epochs.js';
import { CatchingUp, EngineUnavailable } from './errors.js';
import { moveMark, storedMark } from './marks.js';
import { olderMessages } from './older-messages.js';
import { partitionOf } from './partition-of.js';
import type { EventBus, Message, OutgoingMessage } from './ports.js';
import { isAllPublished } from './publisher.js';
import { MarkKeeper, readInOrder, type ReadingInOrder } from './read-in-order.js';
import {
  ANNE,
  BERT,
  careEventMessage,
  decides,
  decisionMessage,
  emptyRegion,
  ids,
  merge,
  observation,
  projects,
  publishes,
} from './region.fixture.js';
import { CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP, recordChangesTopic } from './topics.js';
import { unreadMessages } from './unread.js';
import { verifyViews } from './verify-views.js';

const A = 'RX901/Observation/a';
const B = 'RX901/Observation/b';
const DIRECT = recordChangesTopic('direct-care');
const ALL = [ANNE, BERT];
const HOUR = 3_600_000;
/** More than anything takes here. */
const TURNS = 2_000;
const STEPS = 50;

/** A region in which the record-projector, and the opt-out-projector that publishes, are a process each. */
async function region() {
  const world = new World({ seed: 1 });
  const wiring = await emptyRegion(world);
  const nothing = world.store.backup();
  const records = world.process('records', projects);
  const decisions = world.process('decisions', decides);
  const { bus, store } = wiring;

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (let turns = 0; !(await holds()); turns += 1) {
      if (turns === TURNS) throw new Error(`it never came to be: ${String(holds)}`);
      await world.run(STEPS);
    }
  }
  const isCaughtUp = async (): Promise<boolean> => (await messagesLost(wiring, await recordTopics(wiring))) === 0;
  const isSettled = async (): Promise<boolean> =>
    (await unreadMessages(bus)) === 0 &&
    (await isCaughtUp()) &&
    (await loadEpoch(store)).state === 'told' &&
    (await isAllPublished(store));

  async function send(...messages: readonly OutgoingMessage[]): Promise<void> {
    await bus.publish(messages);
    await until(isSettled);
  }

  async function told(topics = PURPOSES.map(recordChangesTopic)): Promise<Message[]> {
    const found: Message[] = [];
    for (const topic of topics)
      for (const { partition, low } of await bus.offsets(topic)) found.push(...(await bus.read(topic, partition, low)));
    return found;
  }

  return {
    ...{ world, wiring, nothing, until, isCaughtUp, isSettled, told },
    processes: { records, decisions },
    record: (...events: readonly CareEvent[]) => send(...events.map(careEventMessage)),
    decide: (effect: 'permit' | 'deny', ...purposes: (typeof PURPOSES)[number][]) =>
      send(decisionMessage(wiring, ANNE, provision(effect, purposes))),
    everywhere: async (subject: string) =>
      Object.fromEntries(await Promise.all(PURPOSES.map(async (one) => [one, await ids(wiring, subject, one)] as const))),
    /** The entries that the last message of each key on the topic of direct care holds, by whose they are. */
    async standing(subject: string): Promise<number> {
      const last = new Map((await told([DIRECT])).map(({ key, value }) => [key, value]));
      return [...last].filter(([key, value]) => value !== null && key.startsWith(wiring.keys.patient(subject))).length;
    },
  };
}

/** Processes that are away while something is done, as they are while a store is restored. */
async function whileAway(processes: readonly SimProcess[], work: () => Promise<unknown>): Promise<void> {
  for (const process of processes) process.crash(HOUR);
  await work();
  for (const process of processes) process.heal();
}

/** By topic and message key. */
const revisionsOf = (messages: readonly Message[]): ReadonlyMap<string, number> =>
  new Map(messages.map(({ topic, key, headers }) => [`${topic} ${key}`, Number(headers['ce_viewrevision'])]));

describe('a store that was put back to an earlier state', () => {
  it.each(['while all run', 'while the projectors are away'])('is given again what was read since, %s', async (when) => {
    const { world, wiring, processes, until, isSettled, record, decide, everywhere } = await region();
    await record(observation(ANNE, 'a'));
    const backup = world.store.backup();
    await record(observation(ANNE, 'b'), observation(BERT, 'a'), merge(BERT, ANNE));
    await decide('deny', 'research');
    const before = await everywhere(ANNE);
    await whileAway(when === 'while all run' ? [] : Object.values(processes), async () => {
      world.store.putBack(backup);
      expect(await ids(wiring, ANNE)).toEqual([A]);
    });
    await until(isSettled);
    expect(await everywhere(ANNE)).toEqual(before);
    expect((await verifyViews(wiring)).differing).toEqual([]);
  });

  it('is closed to readers until it has all that was read', async () => {
    const { world, wiring, processes, until, isCaughtUp, record } = await region();
    let time = 0;
    const timers = { sleep: () => new Promise<void>(() => {}) };
    const watch = new StoreWatch({ ...wiring, timers, clock: { now: () => time, steady: () => (time += HOUR) } });
    await record(observation(ANNE, 'a'));
    const backup = world.store.backup();
    await record(observation(ANNE, 'b'));
    await watch.check();
    await whileAway(Object.values(processes), async () => {
      world.store.putBack(backup);
      await expect(watch.check()).rejects.toEqual(new CatchingUp(1));
    });
    await until(isCaughtUp);
    await watch.check();
    expect(await ids(wiring, ANNE)).toEqual([A, B]);
  });

  it('tells nobody what was forbidden since', async () => {
    const { world, until, isSettled, record, decide, told } = await region();
    await record(observation(ANNE, 'a'));
    const backup = world.store.backup();
    await decide('deny', 'direct-care');
    world.store.putBack(backup);
    const places: string[] = [];
    world.bus.observer = {
      published: ({ topic, value }) => void (topic === DIRECT && places.push(value === null ? 'withdrawn' : 'included')),
      committed: () => undefined,
    };
    await until(isSettled);
    expect([places.length > 0, places.includes('included')]).toEqual([true, false]);
    expect((await told([DIRECT])).filter(({ value }) => value !== null)).toEqual([]);
  });

  it('withdraws from the topics what it never shared again', async () => {
    const { world, until, isSettled, record, decide, standing } = await region();
    await record(observation(BERT, 'a'));
    const backup = world.store.backup();
    await record(observation(ANNE, 'a'));
    const shared = world.bus.backup(DIRECT);
    await decide('deny', 'direct-care');
    // The topic is of a moment at which it was shared, which the store will not know.
    world.bus.putBack(DIRECT, shared);
    world.store.putBack(backup);
    await until(isSettled);
    expect([await standing(ANNE), await standing(BERT)]).toEqual([0, 1]);
  });

  it('withdraws from the topics what was taken back before it could be shared again', async () => {
    const { world, until, isSettled, record, standing } = await region();
    await record(observation(BERT, 'a'));
    const backup = world.store.backup();
    await record(observation(ANNE, 'a'));
    const shared = world.bus.backup(DIRECT);
    await record(observation(ANNE, 'a', { type: 'care-event-retracted-1' }));
    world.bus.putBack(DIRECT, shared);
    world.store.putBack(backup);
    await until(isSettled);
    expect([await standing(ANNE), await standing(BERT)]).toEqual([0, 1]);
  });

  it.each(['put back', 'made anew'])('or is %s tells nothing by a number that is not above those that were told', async (how) => {
    const { world, wiring, nothing, processes, until, isSettled, record, decide, told } = await region();
    await record(observation(ANNE, 'a'));
    const backup = world.store.backup();
    for (const effect of ['deny', 'permit', 'deny', 'permit'] as const) await decide(effect, 'research');
    await record(observation(ANNE, 'b'));
    const before = revisionsOf(await told());
    await whileAway(Object.values(processes), async () => world.store.putBack(how === 'put back' ? backup : nothing));
    await until(isSettled);
    const after = revisionsOf(await told());
    expect([...before].filter(([key, revision]) => (after.get(key) ?? 0) <= revision)).toEqual([]);
    expect([...after.values()].every(Number.isSafeInteger)).toBe(true);
    expect((await loadEpoch(wiring.store)).epoch).toBe(1);
  });

  it('twice begins another epoch each time, though it has forgotten the first', async () => {
    const { world, wiring, until, isSettled, record } = await region();
    await record(observation(ANNE, 'a'));
    const backup = world.store.backup();
    await record(observation(ANNE, 'b'));
    for (const epoch of [1, 2]) {
      world.store.putBack(backup);
      await until(isSettled);
      expect((await loadEpoch(wiring.store)).epoch).toBe(epoch);
    }
  });
});

it('nothing is published of a store that does not have what was decided', async () => {
  const { world, wiring, processes, until, isSettled, decide } = await region();
  await wiring.bus.publish([careEventMessage(observation(ANNE, 'a'))]);
  await until(async () => (await ids(wiring, ANNE)).length > 0);
  // The publisher is yet to come to it.
  const backup = world.store.backup();
  await until(isSettled);
  await decide('deny', 'direct-care');
  const ends = await wiring.bus.offsets(DIRECT);
  for (const process of Object.values(processes)) process.crash(HOUR);
  world.store.putBack(backup);
  world.process('publisher', publishes());
  await world.run(5_000);
  expect(await wiring.bus.offsets(DIRECT)).toEqual(ends);
  for (const process of Object.values(processes)) process.heal();
  await until(async () => (await loadEpoch(wiring.store)).epoch === 1);
  await until(isSettled);
});

describe('a mark', () => {
  const place = { topic: CONSENT_TOPIC, partition: 0 };

  async function lane(messages: number) {
    const { world, wiring, processes } = await region();
    for (const process of Object.values(processes)) process.crash(HOUR);
    const lost: string[] = [];
    const handled: number[] = [];
    const reading: ReadingInOrder = {
      group: OPT_OUT_PROJECTOR_GROUP,
      handle: async (batch) => void handled.push(...batch.messages.map(({ offset }) => offset)),
      onBehind: async () => void lost.push('behind'),
    };
    const about = ALL.find((number) => partitionOf(number, 2) === place.partition)!;
    await wiring.bus.publish(
      Array.from({ length: messages }, () => decisionMessage(wiring, about, provision('deny', ['research']))),
    );
    const batch = async (from: number, count: number) => ({
      ...place,
      messages: await wiring.bus.read(place.topic, place.partition, from, count),
    });
    return { world, wiring, reading, handled, lost, batch, at: () => storedMark(wiring.store, place) };
  }

  it('is moved behind what was handled, and says nothing is lost', async () => {
    const { wiring, reading, handled, lost, batch, at } = await lane(3);
    await readInOrder(wiring, await batch(0, 2), reading);
    await readInOrder(wiring, await batch(2, 1), reading);
    expect([handled, lost, (await at()).next]).toEqual([[0, 1, 2], [], 3]);
  });

  it('has what lies between it and a batch read first', async () => {
    const { world, wiring, reading, handled, lost, batch, at } = await lane(4);
    await readInOrder(wiring, await batch(0, 1), reading);
    const backup = world.store.backup();
    await readInOrder(wiring, await batch(1, 2), reading);
    world.store.putBack(backup);
    await readInOrder(wiring, await batch(3, 1), reading);
    expect([handled, lost, (await at()).next]).toEqual([[0, 1, 2, 1, 2, 3], ['behind'], 4]);
  });

  it('is not moved over what a store lost that is put back while it is handled', async () => {
    const { world, wiring, reading, batch, at } = await lane(4);
    await readInOrder(wiring, await batch(0, 1), reading);
    const backup = world.store.backup();
    await readInOrder(wiring, await batch(1, 2), reading);
    const handle = async (): Promise<void> => world.store.putBack(backup);
    await expect(readInOrder(wiring, await batch(3, 1), { ...reading, handle })).rejects.toThrow(EngineUnavailable);
    expect((await at()).next).toBe(1);
  });

  it('of a topic that was put back is set back to its beginning, and nobody calls the store behind', async () => {
    const { wiring, reading, handled, lost, at } = await lane(2);
    await moveMark(wiring, place, await at(), { next: 40, at: 1 });
    await wiring.bus.seek(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, [{ partition: 0, offset: 40 }]);
    const keeper = new MarkKeeper(wiring, reading);
    await keeper.look([place]);
    expect(await at()).toMatchObject({ epoch: 1, next: 0, whole: 2 });
    expect(await messagesLost(wiring, [CONSENT_TOPIC])).toBe(0);
    for (let looks = 0; looks < 3; looks += 1) await keeper.look([place]);
    expect([handled, lost, await at()]).toEqual([[0, 1], [], expect.objectContaining({ epoch: 1, next: 2 })]);
    expect(await messagesLost(wiring, [CONSENT_TOPIC])).toBe(0);
  });

  it('passes what has expired', async () => {
    const { wiring, reading, lost, at } = await lane(1);
    await wiring.bus.seek(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, [{ partition: 1, offset: 0 }]);
    await wiring.bus.seek(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, [{ partition: 0, offset: 1 }]);
    const bus = Object.assign(Object.create(wiring.bus) as EventBus, { read: async () => [] });
    await new MarkKeeper({ ...wiring, bus }, reading).look([place]);
    expect([lost, (await at()).next, await messagesLost(wiring, [CONSENT_TOPIC])]).toEqual([[], 1, 0]);
  });
});

it('a merge waits for older events that the group has passed and the store does not have', async () => {
  const { world, wiring, nothing, processes, record } = await region();
  await record(observation(ANNE, 'a'), observation(BERT, 'a'));
  for (const process of Object.values(processes)) process.crash(HOUR);
  const [place] = await wiring.bus.publish([careEventMessage(merge(BERT, ANNE))]);
  const { topic, partition, offset } = place!;
  const [last] = await wiring.bus.read(topic, partition, offset);
  const people = new Set([ANNE, BERT].map((number) => wiring.keys.patient(number)));
  expect(await olderMessages(wiring, last!, people)).toBe(0);
  world.store.putBack(nothing);
  expect(await olderMessages(wiring, last!, people)).toBeGreaterThan(1);
});

describe('a topic of changes that was put back to an earlier state', () => {
  it('is told everything anew, withdrawals too, and by no other epoch', async () => {
    const { world, wiring, until, isSettled, record, decide, standing } = await region();
    await record(observation(ANNE, 'a'), observation(BERT, 'a'));
    const backup = world.bus.backup(DIRECT);
    await decide('deny', 'direct-care');
    await record(observation(BERT, 'b'));
    const { revision } = await loadEpoch(wiring.store);
    world.bus.putBack(DIRECT, backup);
    expect([await standing(ANNE), await standing(BERT)]).toEqual([1, 1]);
    await until(async () => (await loadEpoch(wiring.store)).revision > revision);
    await until(isSettled);
    expect([await standing(ANNE), await standing(BERT)]).toEqual([0, 2]);
    expect((await loadEpoch(wiring.store)).epoch).toBe(0);
  });

  it('is known though it has grown beyond what was published before', async () => {
    const { world, wiring, until, isSettled, record, standing } = await region();
    const backup = world.bus.backup(DIRECT);
    await record(observation(ANNE, 'a'));
    const { revision } = await loadEpoch(wiring.store);
    world.bus.putBack(DIRECT, backup);
    const other = { topic: DIRECT, partitionKey: wiring.keys.patient(ANNE), value: null, headers: { ce_id: 'other' } };
    await wiring.bus.publish(['j', 'k'].map((key) => ({ ...other, key })));
    expect(await standing(ANNE)).toBe(0);
    await until(async () => (await loadEpoch(wiring.store)).revision > revision);
    await until(isSettled);
    expect(await standing(ANNE)).toBe(1);
  });
});
