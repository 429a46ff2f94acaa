import { PROJECTIONS, provision, type CareEvent, type Projection, type Provision } from '@weft/domain';
import { World } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { Boundaries } from './boundaries.js';
import { whatBecame } from './became.js';
import { changesOf } from './changes-of.js';
import { loadNumber } from './number.js';
import type { Message } from './ports.js';
import { planPolicy } from './plan-policy.js';
import { isAllPublished, isPublished, unreadableCounts } from './publisher.js';
import { listQuarantine, redrive } from './quarantine.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  decisionMessage,
  idleRegion,
  ids,
  merge,
  observation,
  POLICY,
  published,
  publishes,
  read,
  standingOnTopic,
} from './region.fixture.js';
import { replayView } from './replay-views.js';
import { CARE_RECORD_PREFIX } from './streams.js';
import { timesAsOne } from './times-as-one.js';
import { loseTheBeginning, losing, writeAsANewerWeft } from './unreadable.fixture.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const CARL = '9990000042';
const DIRECT_CARE = PROJECTIONS.find(({ purpose }) => purpose === 'direct-care') as Projection;

let offset = 0;
const next = (message: Message): Message => ({ ...message, offset: (offset += 1) });
const says = (wiring: Wiring, subject: string, said: Provision): Message =>
  next({ ...decisionMessage(wiring, subject, said), partition: 0, offset: 0, timestamp: 0 });
const record = (wiring: Wiring, ...events: readonly CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map((event) => next(arriving(event))) });
const load = (wiring: Wiring, subject: string) => loadNumber(wiring.store, wiring.keys.patient(subject));
const inQuarantine = async ({ bus }: Wiring) =>
  (await listQuarantine(bus)).map(({ problems, closes }) => [problems[0]?.code, closes]);
const looked = () => new Promise((resolve) => setImmediate(resolve));

/** Anne, whose record is of two events and a decision, and Bert. */
async function twoPeople(world = new World({ seed: 1 }), publishing = publishes()): Promise<Wiring> {
  const wiring = await idleRegion(world, publishing);
  await record(wiring, observation(ANNE, 'a'), observation(ANNE, 'b'), observation(BERT, 'c'));
  await applyDecisions(wiring, { messages: [says(wiring, ANNE, provision('deny', ['research']))] });
  await published(wiring);
  return wiring;
}

const damaged: readonly [string, string, (wiring: Wiring) => Promise<Wiring>][] = [
  ['lost its beginning', 'record-damaged', async (wiring) => (await loseTheBeginning(wiring, ANNE), wiring)],
  ['has a hole', 'record-damaged', async (wiring) => losing(wiring, ANNE, ({ revision }) => revision === 1)],
  ['lost everything', 'record-damaged', async (wiring) => losing(wiring, ANNE, () => true)],
  [
    'holds an event of a newer Weft',
    'written-by-a-newer-weft',
    async (wiring) => (await writeAsANewerWeft(wiring, ANNE), wiring),
  ],
];

describe.each(damaged)('a stream that %s', (_, code, damage) => {
  it('is not folded, not even up to an instant before, and its error names the number by its key alone', async () => {
    const wiring = await damage(await twoPeople());
    const error = await load(wiring, ANNE).catch((one: unknown) => one);
    expect(error).toMatchObject({ type: code, key: wiring.keys.patient(ANNE) });
    expect((error as Error).message).not.toContain(ANNE);
    await expect(loadNumber(wiring.store, wiring.keys.patient(ANNE), { until: 0 })).rejects.toMatchObject({ type: code });
    expect((await load(wiring, BERT)).record.entries.size).toBe(1);
  });

  it('answers no other question about its number', async () => {
    const wiring = await damage(await twoPeople());
    const { store, keys } = wiring;
    await expect(timesAsOne(store, keys.patient(ANNE))).rejects.toMatchObject({ type: code });
    await expect(whatBecame(store, keys.patient(ANNE), [])).rejects.toMatchObject({ type: code });
  });

  it('has what comes about its person stand in quarantine, and others recorded', async () => {
    const wiring = await damage(await twoPeople());
    await record(wiring, observation(ANNE, 'd'), observation(BERT, 'e'), observation(ANNE, 'f'));
    expect(await inQuarantine(wiring)).toEqual([
      [code, false],
      [code, false],
    ]);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/c', 'RX901/Observation/e']);
  });

  it('has an objection of its person stand in quarantine as one, and others obeyed', async () => {
    const wiring = await damage(await twoPeople());
    const messages = [ANNE, BERT].map((subject) => says(wiring, subject, provision('deny', ['direct-care'])));
    messages.push(says(wiring, ANNE, provision('permit', ['research'])));
    await applyDecisions(wiring, { messages });
    expect((await inQuarantine(wiring)).sort()).toEqual([
      [code, false],
      [code, true],
    ]);
    expect(await ids(wiring, BERT)).toEqual([]);
  });

  it('is named by verify and by a replay, which go on with the others', async () => {
    const wiring = await damage(await twoPeople());
    const unreadable = [{ key: wiring.keys.patient(ANNE), why: code }];
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ records: 1, differing: [], unreadable });
    expect(await replayView(wiring, DIRECT_CARE)).toMatchObject({ done: 2, total: 2, changed: 0, unreadable });
  });

  it('does not keep a policy from being planned, and may be opened by it', async () => {
    const plan = await planPolicy(await damage(await twoPeople()), POLICY);
    expect(plan).toMatchObject({ people: 1, openings: [expect.stringContaining('cannot be read')] });
  });

  it('has nothing told of it, and others are', async () => {
    const wiring = await damage(await twoPeople());
    const faults: string[] = [];
    const events = await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] });
    const changes = await changesOf(wiring, events, new Set(['direct-care']), (key) => void faults.push(key));
    expect(changes.map(({ viewKey }) => viewKey)).toEqual([wiring.keys.patient(BERT)]);
    expect(faults).toEqual([wiring.keys.patient(ANNE)]);
  });
});

describe('a record that cannot be read', () => {
  it('is found by an event of a newer Weft alone, which says nothing of any view that is known', async () => {
    const wiring = await twoPeople();
    await writeAsANewerWeft(wiring, ANNE);
    while ((await unreadableCounts(wiring.store))['written-by-a-newer-weft'] !== 1) await looked();
    expect(await isAllPublished(wiring.store)).toBe(false);
  });

  it('closes whoever it is merged with, and nobody else', async () => {
    const wiring = await twoPeople();
    await record(wiring, merge(ANNE, BERT), observation(CARL, 'g'));
    await writeAsANewerWeft(wiring, ANNE);
    for (const subject of [ANNE, BERT])
      await expect(read(wiring, subject, 'direct-care')).rejects.toMatchObject({ key: wiring.keys.patient(ANNE) });
    expect(await ids(wiring, CARL)).toHaveLength(1);
    await applyDecisions(wiring, { messages: [says(wiring, BERT, provision('deny', ['research']))] });
    expect(await inQuarantine(wiring)).toEqual([['written-by-a-newer-weft', true]]);
  });

  it('is one from where it was remembered, too', async () => {
    const world = new World({ seed: 1 });
    const hole = { stands: false };
    const whole = await twoPeople(world);
    const wiring = losing(whole, ANNE, ({ revision }) => revision === 70, hole);
    const many = Array.from({ length: 80 }, () => says(wiring, ANNE, provision('deny', ['research'])));
    await applyDecisions(wiring, { messages: many.slice(0, 65) });
    const remembered = (await load(wiring, ANNE)).revision;
    expect(remembered).toBeLessThan(70);
    await applyDecisions(whole, { messages: many.slice(65) });
    hole.stands = true;
    await expect(load(wiring, ANNE)).rejects.toMatchObject({ type: 'record-damaged' });
  });

  it('takes what stood in quarantine once it is whole again', async () => {
    const hole = { stands: true };
    const whole = await twoPeople();
    const wiring = losing(whole, ANNE, ({ revision }) => revision === 0, hole);
    await applyDecisions(wiring, { messages: [says(wiring, ANNE, provision('deny', ['direct-care']))] });
    hole.stands = false;
    const [found] = await listQuarantine(wiring.bus);
    const { topic, partition, offset: at } = await redrive(wiring.bus, found!);
    await applyDecisions(wiring, { messages: await wiring.bus.read(topic, partition, at, 1) });
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(await ids(wiring, ANNE)).toEqual([]);
  });

  it('fails no look at the dates of decisions, and is looked at again in a minute', async () => {
    const hole = { stands: true };
    const whole = await twoPeople();
    const wiring = losing(whole, ANNE, ({ revision }) => revision === 0, hole);
    const from = wiring.clock.now() - 1_000;
    const messages = [ANNE, BERT].map((subject) => says(wiring, subject, provision('deny', ['direct-care'], { from })));
    await applyDecisions(whole, { messages });
    const boundaries = new Boundaries(wiring);
    const wait = (await boundaries.runDue()) as number;
    expect(Math.round(wait / 60_000)).toBe(1);
  });
});

describe('a publisher', () => {
  it('holds whoever cannot be read, says so once, and tells of them whole once they can be', async () => {
    const hole = { stands: false };
    const seen: unknown[] = [];
    const failing = (wiring: Wiring): Wiring => losing(wiring, ANNE, ({ revision }) => revision === 0, hole);
    const wiring = await twoPeople(
      new World({ seed: 1 }),
      publishes(failing, (error) => void seen.push(error)),
    );
    hole.stands = true;
    for (const id of ['d', 'e']) {
      await record(wiring, observation(ANNE, id), observation(BERT, id));
      const last = (await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] })).at(-1)!.position;
      while (!(await isPublished(wiring.store, last))) await looked();
      expect(await isPublished(wiring.store, last, [wiring.keys.patient(ANNE)])).toBe(false);
    }
    expect(await unreadableCounts(wiring.store)).toEqual({ 'record-damaged': 1 });
    expect(await isAllPublished(wiring.store)).toBe(false);
    expect(await keysOnTopic(wiring)).toBe(5);
    expect(seen).toEqual([expect.objectContaining({ type: 'record-damaged' })]);
    hole.stands = false;
    await published(wiring);
    expect(await unreadableCounts(wiring.store)).toEqual({});
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(7);
  });
});

/** Without waiting until all is published. */
async function keysOnTopic({ bus }: Wiring): Promise<number> {
  const topic = 'weft.record-changes.direct-care';
  const standing = new Set<string>();
  for (const { partition, low } of await bus.offsets(topic))
    for (const { key } of await bus.read(topic, partition, low)) standing.add(key);
  return standing.size;
}
