import { DEFAULT_RULES, PROJECTIONS, provision, viewName, type Basis, type Projection, type Purpose } from '@weft/domain';
import { World } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { applyPolicy } from './apply-policy.js';
import { encode } from './encoding.js';
import { explainRecord } from './explain-record.js';
import {
  ANNE,
  arriving,
  BERT,
  decide,
  decisionMessage,
  idleRegion,
  ids,
  meeting,
  merge,
  observation,
  POLICY,
  publish,
  published,
  read,
  region,
  standingOnTopic,
} from './region.fixture.js';
import { appendToNumber } from './append.js';
import { viewIn } from './decide-views.js';
import { loadNumber } from './number.js';
import { NO_STREAM } from './ports.js';
import { startPublisher, type Publisher } from './publisher.js';
import { RecordCareEvents } from './record-care-events.js';
import { replayPatient, replayView } from './replay-views.js';
import { CARE_RECORD_PREFIX, careRecordStream } from './streams.js';
import { recordChangesTopic } from './topics.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const LATER = 1_500;
const RESEARCH = PROJECTIONS.find(({ purpose }) => purpose === 'research') as Projection;
/** Names its entries differently. */
const NEXT_RESEARCH: Projection = {
  ...RESEARCH,
  version: RESEARCH.version + 1,
  entryId: (id, pseudonyms) => RESEARCH.entryId(`again/${id}`, pseudonyms),
  project: (entry, pseudonyms) => RESEARCH.project({ ...entry, id: `again/${entry.id}` }, pseudonyms),
};

/** Takes away an entry that the view ought to have, as a fault of ours would. */
async function damage(wiring: Wiring, subject: string): Promise<void> {
  const state = await loadNumber(wiring.store, wiring.keys.patient(subject));
  const { basis } = viewIn(state, RESEARCH);
  const effect = { views: { [viewName(RESEARCH)]: { 'i-': [0] } }, basis: basis as Basis };
  const event = encode({ type: 'views-derived-1', recordedAt: new Date(0).toISOString() }, wiring.random);
  await appendToNumber(wiring, state, [{ event, effect }]);
  await published(wiring);
}

async function eventually(wiring: Wiring, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await wiring.timers.sleep(20);
}

async function toldOf({ bus }: Wiring, purpose: Purpose): Promise<number> {
  return (await bus.offsets(recordChangesTopic(purpose))).reduce((sum, { high }) => sum + high, 0);
}

async function withOneEntryEach(wiring: Wiring, count: number): Promise<string[]> {
  const people = Array.from({ length: count }, (_, n) => String(9990000000 + n));
  await publish(
    wiring,
    people.map((subject) => observation(subject, 'a')),
  );
  return people;
}

describe('a replay', () => {
  it('says with a dry run what it would change, and changes nothing; then mends it and tells the subscribers', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(ANNE, 'b'), observation(BERT, 'a')]);
    await damage(wiring, ANNE);
    expect((await verifyViews(wiring, { patience: 1 })).differing).toMatchObject([{ missing: 1, surplus: 0, unequal: 0 }]);
    const told = { total: 2, changed: 1, changes: { included: 1, amended: 0, withdrawn: 0 } };
    expect(await replayView(wiring, RESEARCH, { dryRun: true })).toMatchObject(told);
    expect((await verifyViews(wiring, { patience: 1 })).differing).toHaveLength(1);
    expect(await replayView(wiring, RESEARCH)).toMatchObject(told);
    expect((await verifyViews(wiring)).differing).toEqual([]);
    expect(await replayView(wiring, RESEARCH)).toMatchObject({ done: 2, changed: 0 });
  });

  it('goes on after an interruption where it stopped, and is safe while events keep coming', async () => {
    const { wiring } = await region();
    const people = await withOneEntryEach(wiring, 150);
    const interrupting = new AbortController();
    const first = await replayView(wiring, RESEARCH, { signal: interrupting.signal, onProgress: () => interrupting.abort() });
    expect(first.done).toBeLessThan(people.length);
    const seen: number[] = [];
    const [second] = await Promise.all([
      replayView(wiring, RESEARCH, { onProgress: ({ done }) => seen.push(done) }),
      publish(
        wiring,
        people.map((subject) => observation(subject, 'b')),
      ),
    ]);
    expect(second.done).toBe(people.length);
    // What the interrupted chunk had begun is done again; what was finished before it is not.
    expect(seen.length).toBeLessThanOrEqual(Math.ceil(people.length / 64));
    expect(await verifyViews(wiring)).toMatchObject({ records: people.length, differing: [] });
  });

  it('tells everything from the first patient on, though another that told of changes only was interrupted', async () => {
    const { wiring } = await region();
    const people = await withOneEntryEach(wiring, 8);
    const interrupting = new AbortController();
    const { signal } = interrupting;
    const first = await replayView(wiring, RESEARCH, { chunk: 1, signal, onProgress: () => interrupting.abort() });
    expect(first.done).toBeGreaterThan(0);
    expect(first.done).toBeLessThan(people.length);
    const before = await toldOf(wiring, 'research');
    const second = await replayView(wiring, RESEARCH, { chunk: 1, tellAll: true });
    expect(second.done).toBe(people.length);
    await published(wiring);
    expect((await toldOf(wiring, 'research')) - before).toBe(people.length);
  });
});

describe('a replay that tells everything', () => {
  it('waits for no publisher once it is interrupted, and says that what it wrote is not published', async () => {
    const wiring = await idleRegion(new World({ seed: 1 }), async () => undefined);
    await new RecordCareEvents(wiring).handle({ messages: [arriving(observation(ANNE, 'a'))] });
    const interrupting = new AbortController();
    const { signal } = interrupting;
    let waits = 0;
    const onUnpublished = (): void => {
      waits += 1;
      interrupting.abort();
    };
    const told = await replayView(wiring, RESEARCH, { tellAll: true, signal, onUnpublished });
    expect([told, waits]).toEqual([expect.objectContaining({ done: 1, changed: 1, unpublished: true }), 1]);
  });

  it('says of what is withheld otherwise than before how it is now', async () => {
    const wiring = await idleRegion(new World({ seed: 1 }), async () => undefined);
    await new RecordCareEvents(wiring).handle({ messages: [arriving(observation(ANNE, 'a'))] });
    const denial = decisionMessage(wiring, ANNE, provision('deny', ['research']));
    await applyDecisions(wiring, { messages: [{ ...denial, partition: 0, offset: 0, timestamp: 0 }] });
    await wiring.policies.adopt({ ...POLICY, notices: { silent: ['local-dissent'] } });
    await replayPatient(wiring, wiring.keys.patient(ANNE), RESEARCH, { tellAll: true });
    const { letters } = viewIn(await loadNumber(wiring.store, wiring.keys.patient(ANNE)), RESEARCH);
    expect([...letters.values()]).toEqual(['u']);
  });

  it('writes nothing about a number of which nothing is known', async () => {
    const { wiring } = await region();
    const key = wiring.keys.patient(ANNE);
    expect(await replayPatient(wiring, key, RESEARCH, { tellAll: true })).toMatchObject({ changed: 0 });
    expect(await wiring.store.head(careRecordStream(key))).toBe(NO_STREAM);
  });
});

describe('a replay of everybody', () => {
  it('empties a new version of a view for a number that gave way while not every process wrote it', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    const writesBoth = { ...wiring, projections: [...PROJECTIONS, NEXT_RESEARCH] };
    const entriesOf = async (subject: string): Promise<number> =>
      viewIn(await loadNumber(wiring.store, wiring.keys.patient(subject)), NEXT_RESEARCH).letters.size;
    await replayView(writesBoth, NEXT_RESEARCH);
    expect(await entriesOf(ANNE)).toBe(1);
    await publish(wiring, [merge(ANNE, BERT)]);
    await replayView(writesBoth, NEXT_RESEARCH);
    expect([await entriesOf(ANNE), await entriesOf(BERT)]).toEqual([0, 2]);
  });
});

/** A new version of a view is filled, and begins to serve: whoever publishes tells under its names, and withdraws under those of the old one. */
async function servingTheNext(wiring: Wiring): Promise<Wiring> {
  await replayView({ ...wiring, projections: [...PROJECTIONS, NEXT_RESEARCH] }, NEXT_RESEARCH);
  await published(wiring);
  const serving = { ...wiring, projections: [NEXT_RESEARCH, ...PROJECTIONS] };
  publishing.push(startPublisher(serving, () => true));
  // It has taken the seat from the region's own once something is published.
  return serving;
}

const publishing: Publisher[] = [];
afterEach(() => Promise.all(publishing.splice(0).map((publisher) => publisher.stop())));

describe('another version of a view that serves', () => {
  it('is told whole, and what stood under the names of the one before is withdrawn', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    const serving = await servingTheNext(wiring);
    await replayView(serving, NEXT_RESEARCH, { tellAll: true });
    await eventually(wiring, async () => (await toldOf(wiring, 'research')) >= 6);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
  });
});

describe('dated decisions', () => {
  it('take effect and expire by themselves, in views and topics', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    const now = wiring.clock.now();
    await decide(wiring, ANNE, ['research'], 'deny', { from: now + LATER, until: now + 2 * LATER });
    expect(await ids(wiring, ANNE, 'research')).toHaveLength(1);
    await eventually(wiring, async () => (await standingOnTopic(wiring, 'research')) === 0);
    expect(wiring.clock.now()).toBeGreaterThanOrEqual(now + LATER);
    expect(await read(wiring, ANNE, 'research')).toMatchObject({ fromView: true, record: { entries: [], withheld: 1 } });
    await eventually(wiring, async () => (await standingOnTopic(wiring, 'research')) === 1);
    expect(wiring.clock.now()).toBeGreaterThanOrEqual(now + 2 * LATER);
    expect(await ids(wiring, ANNE, 'research')).toHaveLength(1);
  });
});

describe('an explanation', () => {
  it('tells for any time in the past what was known and what stood then', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    const before = wiring.clock.now();
    await wiring.timers.sleep(1_000);
    await decide(wiring, ANNE, ['research'], 'deny');
    const research = async (at: number) => {
      const { entries } = await explainRecord(wiring, wiring.keys.patient(ANNE), at);
      return entries[0]?.purposes.find(({ purpose }) => purpose === 'research');
    };
    expect(await research(before)).toMatchObject({ included: true, rule: 'research-and-planning', decision: null });
    expect(await research(wiring.clock.now())).toMatchObject({
      included: false,
      rule: 'local-dissent',
      decision: { authority: 'local-dissent', effect: 'deny', decidedBy: 'not-stated' },
    });
  });

  it('tells it also where the store was made anew from the topics long after', async () => {
    const wiring = await idleRegion();
    const [received, decided] = [Date.UTC(2024, 0, 1), Date.UTC(2024, 5, 1)];
    await new RecordCareEvents(wiring).handle({
      ...{ topic: 'weft.care-events.RX901', partition: 0 },
      messages: [{ ...arriving(observation(ANNE, 'a')), timestamp: received }],
    });
    const message = decisionMessage(wiring, ANNE, provision('deny', ['research']));
    await applyDecisions(wiring, { messages: [{ ...message, partition: 0, offset: 0, timestamp: decided }] });
    const at = async (time: number) => {
      const { entries, decisions } = await explainRecord(wiring, wiring.keys.patient(ANNE), time);
      const research = entries[0]?.purposes.find(({ purpose }) => purpose === 'research');
      return [entries.length, decisions.length, research?.included];
    };
    expect(await at(received - 1)).toEqual([0, 0, undefined]);
    expect(await at(received)).toEqual([1, 0, true]);
    expect(await at(decided)).toEqual([1, 1, false]);
  });

  it('says in words what direct care sees now, and of nothing that is withheld or was seen once', async () => {
    const { wiring } = await region();
    const code = { text: 'Body weight' };
    await publish(wiring, [
      observation(ANNE, 'a', { resource: { resourceType: 'Observation', id: 'a', status: 'final', code } }),
    ]);
    const about = async (at?: number) => (await explainRecord(wiring, wiring.keys.patient(ANNE), at)).entries[0]?.about;
    const before = wiring.clock.now();
    expect(await about()).toBe('Body weight');
    expect(await about(before)).toBeNull();
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    expect(await about()).toBeNull();
  });
});

describe('a new policy', () => {
  it('is obeyed by the very next read, and rebuilds what it changes', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const rules = DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning');
    await wiring.policies.adopt({ ...POLICY, rules });
    expect(await read(wiring, ANNE, 'research')).toMatchObject({ fromView: false, record: { entries: [], withheld: 1 } });
    expect(await applyPolicy(wiring, { ...POLICY, rules })).toBe(2);
    expect(await read(wiring, ANNE, 'research')).toMatchObject({ fromView: true, record: { entries: [], policyVersion: 2 } });
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
    expect(await ids(wiring, BERT)).toHaveLength(1);
  });

  it('is obeyed by the topic also of whom it passed over, because their first event was not in a record yet', async () => {
    const { wiring } = await region();
    const rules = DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning');
    const isRecord = (stream: string): boolean => stream.startsWith(CARE_RECORD_PREFIX);
    const overtaken = meeting(wiring, isRecord, () => applyPolicy(wiring, { ...POLICY, rules }));
    await new RecordCareEvents(overtaken).handle({ messages: [arriving(observation(ANNE, 'a'))] });
    expect(await ids(wiring, ANNE)).toHaveLength(1);
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });
});

describe('a policy under which something is withheld without a sign', () => {
  const silent = { ...POLICY, notices: { silent: ['local-dissent'] } } as const;
  const toTell = async (wiring: Wiring, purpose: Purpose = 'direct-care') => {
    const { record, fromView } = await read(wiring, ANNE, purpose);
    return { toTell: record.toTell, withheld: record.withheld, fromView };
  };

  it('has nobody told from the moment it is adopted, and everybody from the moment it is not in force', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    expect(await toTell(wiring)).toEqual({ toTell: ['clinician', 'governance'], withheld: 1, fromView: true });
    await wiring.policies.adopt(silent);
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 1, fromView: false });
    await applyPolicy(wiring, silent);
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 1, fromView: true });
    await applyPolicy(wiring, POLICY);
    expect(await toTell(wiring)).toEqual({ toTell: ['clinician', 'governance'], withheld: 1, fromView: true });
  });

  it('has a view count both by every way it is written: by an event, a decision, a rebuild', async () => {
    const { wiring } = await region();
    await applyPolicy(wiring, silent);
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    await publish(wiring, [observation(ANNE, 'a')]);
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 1, fromView: true });
    await decide(wiring, ANNE, ['direct-care'], 'permit');
    await publish(wiring, [observation(ANNE, 'b')]);
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 0, fromView: true });
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 2, fromView: true });
    const heldBack = { id: 'held-back', purposes: ['direct-care'], when: {}, effect: 'deny', plainEnglish: 'No.' } as const;
    await applyPolicy(wiring, { ...silent, rules: [heldBack] });
    expect(await toTell(wiring)).toEqual({ toTell: ['clinician', 'governance'], withheld: 2, fromView: true });
  });
});
