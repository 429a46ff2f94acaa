import { provision, PURPOSES, type CareEvent, type Purpose } from '@weft/domain';
import { applyPolicy } from './apply-policy.js';
import { applyDecisions } from './apply-decisions.js';
import { AwaitingPeople } from './awaiting.js';
import { laneAt } from './consent-marks.js';
import { explainRecord } from './explain-record.js';
import { moveMark, storedMark } from './marks.js';
import { loadNumber } from './number.js';
import { partitionOf } from './partition-of.js';
import type { EventStore, Message } from './ports.js';
import { MarkKeeper, readInOrder, type ReadingInOrder } from './read-in-order.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  decisionMessage,
  idleRegion,
  ids,
  meeting,
  merge,
  observation,
  POLICY,
  read,
  standingOnTopic,
} from './region.fixture.js';
import { replayView } from './replay-views.js';
import { AWAITING_STREAM, careRecordStream, markStream } from './streams.js';
import { CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP, recordChangesTopic } from './topics.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const deciding = (wiring: Wiring): ReadingInOrder => ({
  group: OPT_OUT_PROJECTOR_GROUP,
  handle: (batch) => applyDecisions(wiring, batch),
  onBehind: async () => undefined,
});
const readDecisions = (wiring: Wiring, partition: number, messages: readonly Message[]): Promise<void> =>
  readInOrder(wiring, { ...laneAt(partition), messages }, deciding(wiring));
const keeperOf = (wiring: Wiring): MarkKeeper => new MarkKeeper(wiring, deciding(wiring));
/** Moves a mark of the lane from where it stands. */
const moveLane = async (wiring: Wiring, to: { readonly next: number; readonly at: number }) =>
  moveMark(wiring, laneAt(LANE), await storedMark(wiring.store, laneAt(LANE)), to);

const MINUTE = 60_000;
const O = 'RX901/Encounter/o';
const LANE = partitionOf(ANNE, 2);
/** Somebody else whose decisions lie where hers do. */
const CAROL = ['9990000034', '9990000042', '9990000050'].find((number) => partitionOf(number, 2) === LANE)!;

/** Every purpose looks at one. */
function visit(subject: string, id: string): CareEvent {
  const event = observation(subject, id);
  const code = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' };
  const identifier = [{ value: event.id }];
  return { ...event, resource: { resourceType: 'Encounter', id, status: 'in-progress', class: code, identifier } };
}

/** A region of which nobody reads the decisions but the test, and of which nobody else brings people in line. */
async function region() {
  const wiring = await idleRegion();
  const work = new RecordCareEvents(wiring);
  const people = new AwaitingPeople(wiring);
  let offset = 0;
  return {
    wiring,
    people,
    async record(subject: string, id = 'o'): Promise<void> {
      await work.handle({ messages: [{ ...arriving(visit(subject, id)), offset: (offset += 1) }] });
    },
    async merges(subject: string, survivor: string): Promise<void> {
      await work.handle({ messages: [{ ...arriving(merge(subject, survivor)), offset: (offset += 1) }] });
    },
    /** A denial that is durable, and that nobody reads yet. */
    async deny(subject: string, purposes: readonly Purpose[]): Promise<void> {
      await wiring.bus.publish([decisionMessage(wiring, subject, provision('deny', purposes))]);
    },
    async readAll(partition = LANE): Promise<void> {
      const { next } = await storedMark(wiring.store, laneAt(partition));
      const messages = await wiring.bus.read(CONSENT_TOPIC, partition, next);
      if (messages.length > 0) await readDecisions(wiring, partition, messages);
    },
    /** How often anything was said on a purpose's topic. */
    async told(purpose: Purpose): Promise<number> {
      await standingOnTopic(wiring, purpose);
      const ends = await wiring.bus.offsets(recordChangesTopic(purpose));
      return ends.reduce((sum, { high }) => sum + high, 0);
    },
  };
}

const everywhere = async (wiring: Wiring, subject = ANNE) =>
  Object.fromEntries(
    await Promise.all(PURPOSES.map(async (purpose) => [purpose, await shown(wiring, subject, purpose)] as const)),
  );
const shown = async (wiring: Wiring, subject: string, purpose: Purpose): Promise<number> =>
  (await read(wiring, subject, purpose)).record.entries.length;

const allShown = (entries: number) => Object.fromEntries(PURPOSES.map((purpose) => [purpose, entries]));

const NOWHERE = { 'direct-care': 0, 'care-coordination': 0, 'population-health': 0, research: 0 };

describe('an entry that comes behind a decision which is not read', () => {
  it('is neither read nor told until that is read, and then where it is permitted', async () => {
    const { wiring, people, record, deny, readAll, told } = await region();
    await deny(ANNE, ['research']);
    await record(ANNE);
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    expect((await read(wiring, ANNE, 'direct-care')).isArriving).toBe(true);
    expect(await Promise.all(PURPOSES.map(told))).toEqual([0, 0, 0, 0]);
    expect(await people.run(0)).toBe(true);
    await readAll();
    expect(await ids(wiring, ANNE)).toEqual([O]);
    expect(await people.run(0)).toBe(false);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'direct-care': 1, 'care-coordination': 1, 'population-health': 1 });
    expect(await Promise.all(PURPOSES.map(told))).toEqual([1, 1, 1, 0]);
    expect((await verifyViews(wiring)).differing).toEqual([]);
  });

  it('is what a view rebuilt from the first event on holds, whenever it is rebuilt', async () => {
    const { wiring, people, record, deny, readAll } = await region();
    await record(ANNE, 'before');
    await deny(ANNE, ['research']);
    await record(ANNE);
    const replayed = async (): Promise<number> => {
      let changed = 0;
      for (const projection of wiring.projections) changed += (await replayView(wiring, projection)).changed;
      return changed;
    };
    expect((await verifyViews(wiring)).differing).toEqual([]);
    expect(await replayed()).toBe(0);
    await readAll();
    await people.run(0);
    expect((await verifyViews(wiring)).differing).toEqual([]);
    expect(await replayed()).toBe(0);
    expect(await ids(wiring, ANNE)).toHaveLength(2);
  });

  it('holds up nobody whose decisions are elsewhere, and nothing that came before', async () => {
    const { wiring, record, deny, told } = await region();
    expect(partitionOf(BERT, 2)).not.toBe(LANE);
    await record(ANNE, 'before');
    await deny(ANNE, ['research']);
    await record(ANNE);
    await record(BERT);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Encounter/before']);
    expect(await ids(wiring, BERT)).toEqual([O]);
    expect(await told('direct-care')).toBe(2);
  });

  it('is another version of what was shared: that is withdrawn until it is known that it may be shared', async () => {
    const { wiring, people, record, deny, readAll } = await region();
    await record(ANNE);
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
    await deny(BERT, ['research']);
    await deny(ANNE, ['research']);
    await record(ANNE);
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
    await readAll();
    await people.run(0);
    expect([await standingOnTopic(wiring, 'direct-care'), await standingOnTopic(wiring, 'research')]).toEqual([1, 0]);
  });

  it('is told though its decisions are read, and its people seen to, before it stands in a record', async () => {
    const { wiring, people, deny, readAll, told } = await region();
    await deny(CAROL, ['research']);
    const meanwhile = async (): Promise<void> => {
      await readAll();
      await people.run(0);
    };
    const overtaken = meeting(wiring, (stream) => stream.startsWith('careRecord-'), meanwhile);
    await new RecordCareEvents(overtaken).handle({ messages: [arriving(visit(ANNE, 'o'))] });
    expect(await people.run(0)).toBe(false);
    expect(await Promise.all(PURPOSES.map(told))).toEqual([1, 1, 1, 1]);
  });

  it('is judged by the decision that is read between the look at the person and the look at the mark', async () => {
    const { wiring, record, deny, readAll } = await region();
    await deny(ANNE, ['research']);
    await record(ANNE);
    let isRead = false;
    const readFirst: EventStore['read'] = async (stream, options) => {
      if (stream === markStream(laneAt(LANE)) && !isRead) {
        isRead = true;
        await readAll();
      }
      return wiring.store.read(stream, options);
    };
    const meanwhile = { ...wiring, store: Object.create(wiring.store, { read: { value: readFirst } }) as EventStore };
    expect(await shown(meanwhile, ANNE, 'research')).toBe(0);
    expect(isRead).toBe(true);
    expect(await shown(meanwhile, ANNE, 'direct-care')).toBe(1);
  });

  it('is explained as arriving, and afterwards as what was decided', async () => {
    const { wiring, record, deny, readAll } = await region();
    await deny(ANNE, ['research']);
    await record(ANNE);
    const rules = async () => {
      const { entries } = await explainRecord(wiring, wiring.keys.patient(ANNE));
      return entries[0]!.purposes.map(({ included, rule }) => [included, rule]);
    };
    expect(await rules()).toEqual(PURPOSES.map(() => [false, 'arriving']));
    await readAll();
    expect(await rules()).toEqual([
      [true, 'individual-care'],
      [true, 'individual-care'],
      [true, 'research-and-planning'],
      [false, 'local-dissent'],
    ]);
  });

  it('costs nothing where every decision is read: nothing is noted, and nobody looked at', async () => {
    const { wiring, people, record, deny, readAll } = await region();
    await deny(ANNE, ['research']);
    await readAll();
    await record(ANNE);
    expect(await ids(wiring, ANNE)).toEqual([O]);
    expect(await wiring.store.head(AWAITING_STREAM)).toBe(-1);
    const stored = await wiring.store.read(careRecordStream(wiring.keys.patient(ANNE)));
    expect(stored.filter(({ meta }) => 'awaits' in meta)).toEqual([]);
    expect(await people.run(0)).toBe(false);
  });

  it('is shared at once where the decision is read while it is kept back', async () => {
    const { wiring, deny, readAll } = await region();
    await deny(ANNE, ['research']);
    const timers = { sleep: () => readAll() };
    await new RecordCareEvents({ ...wiring, timers }).handle({ messages: [arriving(visit(ANNE, 'o'))] });
    expect(await ids(wiring, ANNE)).toEqual([O]);
    expect(await wiring.store.head(AWAITING_STREAM)).toBe(-1);
  });
});

describe('in individual care', () => {
  it('it is shown after as long as the policy says, with a word, and beyond individual care never before the decision is read', async () => {
    const { wiring, people, record, deny, readAll, told } = await region();
    await deny(ANNE, ['direct-care', 'research']);
    await record(ANNE);
    await people.run(0);
    await people.run(15 * MINUTE - 1);
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    await people.run(15 * MINUTE);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'direct-care': 1, 'care-coordination': 1 });
    expect(await read(wiring, ANNE, 'direct-care')).toMatchObject({ isShownUnread: true, isArriving: false });
    expect(await people.count()).toEqual({ waiting: 0, shown: 1 });
    expect(await Promise.all(PURPOSES.map(told))).toEqual([1, 1, 0, 0]);
    expect((await verifyViews(wiring)).differing).toEqual([]);
    await readAll();
    expect(await people.run(15 * MINUTE)).toBe(false);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'care-coordination': 1, 'population-health': 1 });
    expect((await read(wiring, ANNE, 'care-coordination')).isShownUnread).toBe(false);
    expect(await people.count()).toEqual({ waiting: 0, shown: 0 });
  });

  it('what comes later waits for itself, and so does what a new process finds: only time that it has seen pass counts', async () => {
    const { wiring, people, record, deny } = await region();
    await deny(ANNE, ['direct-care']);
    await record(ANNE);
    await people.run(0);
    await record(ANNE, 'later');
    await people.run(10 * MINUTE);
    const anew = new AwaitingPeople(wiring);
    await anew.run(0);
    await anew.run(15 * MINUTE - 1);
    expect(await ids(wiring, ANNE)).toEqual([]);
    await people.run(15 * MINUTE);
    expect(await ids(wiring, ANNE)).toEqual([O]);
    await record(ANNE);
    expect(await ids(wiring, ANNE)).toEqual([]);
    await people.run(25 * MINUTE);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Encounter/later']);
  });

  it('a policy says for how long', async () => {
    const { wiring, people, record, deny } = await region();
    await applyPolicy(wiring, { ...POLICY, waits: { individualCareMinutes: 2 } });
    await deny(ANNE, ['direct-care']);
    await record(ANNE);
    await people.run(0);
    await people.run(2 * MINUTE);
    expect(await ids(wiring, ANNE)).toEqual([O]);
  });
});

describe('a mark', () => {
  it('of a topic that was made anew is set back, and what waits ends waiting once that is read', async () => {
    const { wiring, people, record, deny } = await region();
    await moveLane(wiring, { next: 100, at: 1 });
    await deny(ANNE, ['research']);
    await record(ANNE);
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    await people.run(0);
    await wiring.bus.seek(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, [{ partition: LANE, offset: 1 }]);
    await keeperOf(wiring).look([laneAt(LANE)]);
    expect(await people.run(0)).toBe(false);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'direct-care': 1, 'care-coordination': 1, 'population-health': 1 });
  });

  it('is known for another topic’s by the last message, though this one has grown beyond it; what waited for that one waits for all of this', async () => {
    const { wiring, people, record, deny, readAll } = await region();
    await moveLane(wiring, { next: 1, at: wiring.clock.now() - MINUTE });
    await deny(ANNE, ['research']);
    await deny(ANNE, ['population-health']);
    await record(ANNE);
    const keeper = keeperOf(wiring);
    await keeper.look([laneAt(LANE)]);
    expect(await storedMark(wiring.store, laneAt(LANE))).toMatchObject({ epoch: 1, next: 0, whole: 2 });
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    await readAll();
    await people.run(0);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'direct-care': 1, 'care-coordination': 1 });
    await keeper.look([]);
    await keeper.look([laneAt(LANE)]);
    expect(await storedMark(wiring.store, laneAt(LANE))).toMatchObject({ epoch: 1, next: 2 });
  });

  it('of a store that was put back is behind its group: what that passed is read again, and nothing shared before', async () => {
    const { wiring, people, record, deny } = await region();
    await deny(ANNE, ['research']);
    await deny(ANNE, ['population-health']);
    await wiring.bus.seek(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC, [{ partition: LANE, offset: 2 }]);
    await record(ANNE);
    await deny(ANNE, ['care-coordination']);
    const [, , third] = await wiring.bus.read(CONSENT_TOPIC, LANE, 0);
    expect(await everywhere(wiring)).toEqual(NOWHERE);
    await readDecisions(wiring, LANE, [third!]);
    await people.run(0);
    expect(await everywhere(wiring)).toEqual({ ...NOWHERE, 'direct-care': 1 });
    expect((await loadNumber(wiring.store, wiring.keys.patient(ANNE))).decisions).toHaveLength(3);
  });

  it('is moved by nobody who read of another topic', async () => {
    const { wiring, record, deny } = await region();
    const before = await moveLane(wiring, { next: 100, at: 1 });
    await deny(ANNE, ['research']);
    await record(ANNE);
    expect(await moveMark(wiring, laneAt(LANE), before!, { next: 200, at: 1 })).toBeNull();
    expect((await storedMark(wiring.store, laneAt(LANE))).next).toBe(0);
  });

  it('is one event of its stream, however often it is moved', async () => {
    const { wiring, deny, readAll } = await region();
    for (let nth = 0; nth < 3; nth += 1) {
      await deny(ANNE, ['research']);
      await readAll();
    }
    expect(await wiring.store.read(markStream(laneAt(LANE)))).toHaveLength(1);
  });
});

describe('of numbers that are one person', () => {
  it('an entry of one waits for the decisions of all, and they are told once those are read', async () => {
    const { wiring, people, record, deny, readAll, told, merges } = await region();
    await record(ANNE, 'hers');
    await merges(BERT, ANNE);
    await deny(BERT, ['research']);
    await record(ANNE);
    expect(await everywhere(wiring)).toEqual(allShown(1));
    await people.run(0);
    await readAll(partitionOf(BERT, 2));
    await people.run(0);
    expect(await everywhere(wiring)).toEqual({ ...allShown(2), research: 0 });
    expect(await told('direct-care')).toBe(2);
    expect((await verifyViews(wiring)).differing).toEqual([]);
  });

  it('individual care is shown it after its time though the number that has it is not the surviving one', async () => {
    const { wiring, people, record, deny, merges } = await region();
    await record(ANNE, 'hers');
    await merges(BERT, ANNE);
    await deny(BERT, ['research']);
    await record(BERT);
    await people.run(0);
    await people.run(15 * MINUTE);
    expect(await everywhere(wiring)).toEqual({ ...allShown(1), 'direct-care': 2, 'care-coordination': 2 });
  });
});
