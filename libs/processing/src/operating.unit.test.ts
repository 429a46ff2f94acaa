import { DEFAULT_RULES, PROJECTIONS, provision, type Projection, type Purpose } from '@weft/domain';
import { applyDecisions } from './apply-decisions.js';
import { applyPolicy } from './apply-policy.js';
import { encode, textOf } from './encoding.js';
import { explainRecord } from './explain-record.js';
import {
  ANNE,
  arriving,
  BERT,
  decide,
  decisionMessage,
  ids,
  killedBeforeTelling,
  meeting,
  merge,
  observation,
  POLICY,
  publish,
  read,
  region,
  standingOnTopic,
} from './region.fixture.js';
import { loadView } from './load.js';
import { mergeNumbers } from './merge-numbers.js';
import type { EventStore } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { patientKeys, replayView } from './replay-views.js';
import { CARE_RECORD_PREFIX, CONSENT_PREFIX, replayStream, viewStream } from './streams.js';
import { recordChangesTopic } from './topics.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const LATER = 1_500;
const DIRECT_CARE = PROJECTIONS.find(({ purpose }) => purpose === 'direct-care') as Projection;
const RESEARCH = PROJECTIONS.find(({ purpose }) => purpose === 'research') as Projection;
/** An entry of research is told of under its name, and withdrawn under the one that version 1 gave it. */
const NAMES = 2;
/** Names its entries differently. */
const NEXT_RESEARCH: Projection = {
  ...RESEARCH,
  version: RESEARCH.version + 1,
  entryId: (id, pseudonyms) => RESEARCH.entryId(`again/${id}`, pseudonyms),
  project: (entry, pseudonyms) => RESEARCH.project({ ...entry, id: `again/${entry.id}` }, pseudonyms),
};

/** Takes away an entry that the view ought to have, as a fault of ours would. */
async function damage(wiring: Wiring, subject: string): Promise<void> {
  const { store, keys, random } = wiring;
  const stream = viewStream(RESEARCH, keys.view('research', keys.patient(subject)));
  const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
  const { closing } = JSON.parse(textOf(last!.data));
  const [entry] = (await read(wiring, subject, 'research')).record.entries;
  const change = { type: 'entry-withdrawn-1', id: entry?.id, closing };
  await store.append(stream, last?.revision ?? -1, [encode(change, random)]);
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

  it('tells what an interrupted one wrote and did not live to tell', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(ANNE, 'b'), observation(BERT, 'a')]);
    await damage(wiring, ANNE);
    const dying = { ...wiring, bus: { ...wiring.bus, publish: () => Promise.reject(new Error('killed')) } };
    await expect(replayView(dying, RESEARCH)).rejects.toThrow('killed');
    const before = await toldOf(wiring, 'research');
    await replayView(wiring, RESEARCH);
    expect((await toldOf(wiring, 'research')) - before).toBe(3 * NAMES);
  });

  it('that tells everything withdraws what version 1 of research’s view told, under the name that it had there', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    const { keys, bus } = wiring;
    const patient = keys.view('research', keys.patient(ANNE));
    const key = `${patient}.${keys.pseudonym('research', 'RX901/Observation/a')}`;
    const topic = recordChangesTopic('research');
    await bus.publish([{ topic, key, partitionKey: patient, value: Buffer.from('{}'), headers: { ce_viewrevision: '7' } }]);
    await replayView(wiring, RESEARCH, { tellAll: true });
    const told = await Promise.all((await bus.offsets(topic)).map(({ partition, low }) => bus.read(topic, partition, low)));
    const last = told
      .flat()
      .filter((message) => message.key === key)
      .at(-1);
    expect(last?.value).toBeNull();
    expect(Number(last?.headers['ce_viewrevision'])).toBeGreaterThan(7);
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
    expect((await toldOf(wiring, 'research')) - before).toBe(people.length * NAMES);
  });
});

describe('a replay of everybody', () => {
  it('withdraws what another version of a view told of a number that gave way before the new one was written', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    // Whoever was at work on it was killed here: the old version's view of the number is not emptied.
    await mergeNumbers(wiring, merge(ANNE, BERT), { topic: 'weft.care-events.RX901', partition: 0, offset: 1_000 });
    const nextServes = await servingTheNext(wiring);
    await replayView(nextServes, NEXT_RESEARCH, { tellAll: true });
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
  });

  it('passes over nobody of whom there were only decisions, and whose record begins while patients are gone through', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(BERT, 'a')]);
    await decide(wiring, ANNE, ['research'], 'permit');
    const streams = async function* (prefix: string, after?: string) {
      if (prefix === CONSENT_PREFIX) await publish(wiring, [observation(ANNE, 'a')]);
      yield* wiring.store.streams(prefix, after);
    };
    const store = Object.create(wiring.store, { streams: { value: streams } }) as EventStore;
    const keys: string[] = [];
    for await (const key of patientKeys({ ...wiring, store })) keys.push(key);
    expect(keys).toEqual([BERT, ANNE].map((subject) => wiring.keys.patient(subject)));
  });

  it('empties a new version of a view for a number that gave way while not every process wrote it', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    const writesBoth = { ...wiring, projections: [...PROJECTIONS, NEXT_RESEARCH] };
    const entriesOf = async (subject: string): Promise<number> => {
      const viewKey = wiring.keys.view('research', wiring.keys.patient(subject));
      return (await loadView(wiring.store, viewStream(NEXT_RESEARCH, viewKey))).view.entries.size;
    };
    await replayView(writesBoth, NEXT_RESEARCH);
    expect(await entriesOf(ANNE)).toBe(1);
    await publish(wiring, [merge(ANNE, BERT)]);
    await replayView(writesBoth, NEXT_RESEARCH);
    expect([await entriesOf(ANNE), await entriesOf(BERT)]).toEqual([0, 2]);
  });
});

/** A new version of a view begins to serve: it is filled, and not told yet. */
async function servingTheNext(wiring: Wiring): Promise<Wiring> {
  await replayView({ ...wiring, projections: [...PROJECTIONS, NEXT_RESEARCH] }, NEXT_RESEARCH);
  return { ...wiring, projections: [NEXT_RESEARCH, ...PROJECTIONS] };
}

describe('a retraction', () => {
  it('takes an entry from the topic also under the name that another version of the view gave it', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(ANNE, 'b')]);
    const nextServes = await servingTheNext(wiring);
    const retraction = arriving(observation(ANNE, 'a', { type: 'care-event-retracted-1' }));
    await new RecordCareEvents(nextServes).handle({ messages: [retraction] });
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
  });

  it.each([
    ['the first event since', 0],
    ['not the first event since', 1],
  ])('takes from the topic also what a policy took from the view and was not told of, being %s', async (_, others) => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const rules = DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning');
    await applyPolicy(killedBeforeTelling(wiring), { ...POLICY, rules });
    expect(await ids(wiring, ANNE, 'research')).toEqual([]);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    await publish(wiring, Array(others).fill(observation(ANNE, 'b')));
    await publish(wiring, [observation(ANNE, 'a', { type: 'care-event-retracted-1' })]);
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
  });
});

describe('a decision', () => {
  it('is obeyed by the topic also under the names of another version of the view, before everything was told anew', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const nextServes = await servingTheNext(wiring);
    const said = decisionMessage(wiring, ANNE, provision('deny', ['research']));
    const message = { ...said, partition: 0, offset: 1_000, timestamp: wiring.clock.now() };
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    await applyDecisions(nextServes, { messages: [message] });
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
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

  it('is obeyed by the topic also where it was interrupted before it told what another version of the view lost', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const nextServes = await servingTheNext(wiring);
    const rules = DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning');
    let dies = false;
    const isReplayOfOther = (stream: string): boolean => stream === replayStream(RESEARCH);
    const dying = meeting(nextServes, isReplayOfOther, () => Promise.resolve((dies = true)));
    const telling: Wiring['bus']['publish'] = (messages) =>
      dies ? Promise.reject(new Error('killed')) : wiring.bus.publish(messages);
    const bus = { ...wiring.bus, publish: telling };
    await expect(applyPolicy({ ...dying, bus }, { ...POLICY, rules })).rejects.toThrow('killed');
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    await applyPolicy(nextServes, { ...POLICY, rules });
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
  });

  it('is obeyed by the topic also under the names of another version of the view', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const nextServes = await servingTheNext(wiring);
    const rules = DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning');
    await applyPolicy(nextServes, { ...POLICY, rules });
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
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

  it('is not obeyed by the counts of a process that did not know of it: a read is decided again, and a replay or the next event mends them', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await applyPolicy(wiring, silent);
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    const { store, keys, random } = wiring;
    const stream = viewStream(DIRECT_CARE, keys.view('direct-care', keys.patient(ANNE)));
    const forgetUnsaid = async () => {
      const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
      const { unsaid, ...closing } = JSON.parse(textOf(last!.data)).closing;
      expect(unsaid).toBeGreaterThan(0);
      const confirmed = { type: 'view-confirmed-1', closing };
      await store.append(stream, last?.revision ?? -1, [encode(confirmed, random)]);
    };
    await forgetUnsaid();
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 1, fromView: false });
    await replayView(wiring, DIRECT_CARE);
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 1, fromView: true });
    await forgetUnsaid();
    await new RecordCareEvents(wiring).handle({ messages: [arriving(observation(ANNE, 'b'))] });
    expect(await toTell(wiring)).toEqual({ toTell: [], withheld: 2, fromView: true });
  });
});
