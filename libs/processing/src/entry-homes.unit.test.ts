import { provision, type CareEvent, type Provision } from '@weft/domain';
import { eventMessage, type SaidDecision } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { EngineUnavailable } from './errors.js';
import { explainRecord } from './explain-record.js';
import { loadConsent } from './load.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, idleRegion, killedBeforeTelling, meeting, merge, observation, read } from './region.fixture.js';
import { Reviews } from './reviews.js';
import type { Message, NewEvent } from './ports.js';
import { careRecordStream, consentStream } from './streams.js';
import { CONSENT_TOPIC } from './topics.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const CARA = '9990000034';

let offset = 5_000;
const message = (event: CareEvent): Message => ({ ...arriving(event), offset: (offset += 1) });
const handle = (wiring: Wiring, ...messages: Message[]) => new RecordCareEvents(wiring).handle({ messages });
const record = (wiring: Wiring, ...events: CareEvent[]) => handle(wiring, ...events.map(message));

/** A version of one Observation, under a number; without a version it says nothing of its age. */
function said(subject: string, valueString: string, versionId?: number, more: object = {}): CareEvent {
  const meta = versionId === undefined ? {} : { meta: { versionId: String(versionId) } };
  return observation(subject, 'x', {
    resource: { resourceType: 'Observation', id: 'x', status: 'final', valueString, ...meta, ...more },
  });
}
const retraction = (subject: string, versionId?: number): CareEvent => ({
  ...said(subject, '', versionId),
  type: 'care-event-retracted-1',
});

async function seen(wiring: Wiring, purpose: 'direct-care' | 'research' = 'direct-care'): Promise<string[]> {
  const of = async (number: string, name: string) =>
    (await read(wiring, number, purpose)).record.entries.map(({ resource }) => `${name}: ${String(resource['valueString'])}`);
  return [...(await of(ANNE, 'Anne')), ...(await of(BERT, 'Bert')), ...(await of(CARA, 'Cara'))];
}

/** What stands on a purpose's topic, by the person's key. */
async function told(wiring: Wiring, purpose: 'direct-care' | 'research'): Promise<number[]> {
  const standing = new Map<string, boolean>();
  for (const { partition } of await wiring.bus.offsets(`weft.record-changes.${purpose}`))
    for (const { key, value } of await wiring.bus.read(`weft.record-changes.${purpose}`, partition, 0))
      standing.set(key, value !== null);
  return [ANNE, BERT, CARA].map((number) => {
    const viewKey = wiring.keys.view(purpose, wiring.keys.patient(number));
    return [...standing].filter(([key, stands]) => stands && key.startsWith(viewKey)).length;
  });
}

async function inLine(wiring: Wiring): Promise<void> {
  expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
}

let decisions = 0;
function denial(subject: string, whole: Provision): Message {
  const id = `d${(decisions += 1)}`;
  const decision: SaidDecision = {
    ...{ id, source: 'urn:ods:Y90001', consentId: id, digest: id, status: 'active', authority: 'local-dissent' },
    ...{ decidedBy: 'not-stated', provision: whole, decidedAt: '2025-01-01T00:00:00Z' },
    recorder: { as: 'organisation', organisation: 'Y90001', subject: null },
  };
  const sent = eventMessage(CONSENT_TOPIC, subject, { subject, decisions: [decision], isVetted: true });
  return { ...sent, partition: 0, offset: (offset += 1), timestamp: Date.parse('2025-01-01T00:00:00Z') };
}
const deny = (wiring: Wiring, subject: string, whole: Provision) =>
  applyDecisions(wiring, { messages: [denial(subject, whole)] });

describe('a later version of an entry under another number', () => {
  it('takes the entry from the number that had it, and from its subscribers', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1));
    expect([await told(wiring, 'direct-care'), await told(wiring, 'research')]).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ]);
    await record(wiring, said(BERT, 'corrected', 2));
    expect(await seen(wiring)).toEqual(['Bert: corrected']);
    expect([await told(wiring, 'direct-care'), await told(wiring, 'research')]).toEqual([
      [0, 1, 0],
      [0, 1, 0],
    ]);
    await inLine(wiring);
  });

  it('goes back by a later one under the former number, and not by one that came late', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1), said(BERT, 'corrected', 3), said(ANNE, 'late', 2));
    expect(await seen(wiring)).toEqual(['Bert: corrected']);
    await record(wiring, said(ANNE, 'after all', 4));
    expect(await seen(wiring)).toEqual(['Anne: after all']);
    await record(wiring, said(BERT, 'late too', 3), said(CARA, 'late as well', 2));
    expect(await seen(wiring)).toEqual(['Anne: after all']);
    await record(wiring, said(CARA, 'a third', 5));
    expect(await seen(wiring)).toEqual(['Cara: a third']);
    await inLine(wiring);
  });

  it('that says it is the earlier joins the history, and what comes later is looked at by itself', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'third', 3), said(BERT, 'first', 1), said(BERT, 'second', 2));
    expect(await seen(wiring)).toEqual(['Anne: third']);
    await record(wiring, said(BERT, 'fourth', 4));
    expect(await seen(wiring)).toEqual(['Bert: fourth']);
    await inLine(wiring);
  });

  it.each<[string, CareEvent[]]>([
    ['nothing of its age', [said(ANNE, 'of Anne'), said(BERT, 'of Bert')]],
    ['the same', [said(ANNE, 'of Anne', 1), said(BERT, 'of Bert', 1)]],
    [
      'what contradicts itself',
      [
        said(ANNE, 'of Anne', 1, { meta: { versionId: '1', lastUpdated: '2026-01-02T00:00:00Z' } }),
        said(BERT, 'of Bert', 2, { meta: { versionId: '2', lastUpdated: '2026-01-01T00:00:00Z' } }),
      ],
    ],
  ])('that says %s leaves both where they are, to be reviewed', async (_, events) => {
    const wiring = await idleRegion();
    await record(wiring, ...events);
    expect(await seen(wiring)).toEqual(['Anne: of Anne', 'Bert: of Bert']);
    const reviews = await Promise.all([ANNE, BERT].map((number) => read(wiring, number, 'direct-care')));
    expect(reviews.map((one) => one.record.entries.map(({ review }) => review))).toEqual([
      ['number-unclear'],
      ['number-unclear'],
    ]);
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 2, organisations: { RX901: 2 } });
    await record(wiring, said(ANNE, 'newer', 7), said(BERT, 'newer', 7));
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 0, organisations: {} });
    await inLine(wiring);
  });

  it('is to be reviewed where it came to, until a newer one says the same number', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1), said(BERT, 'corrected', 2));
    expect((await read(wiring, BERT, 'direct-care')).record.entries.map(({ review }) => review)).toEqual(['number-corrected']);
    expect((await read(wiring, BERT, 'research')).record.entries.map(({ review }) => review)).toEqual([undefined]);
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 1, organisations: { RX901: 1 } });
    await record(wiring, said(BERT, 'again', 3));
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 0, organisations: {} });
    await inLine(wiring);
  });

  it('that retracts takes it from the number that had it; a bare retraction says nothing of its age and retracts nothing of somebody else', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1), retraction(BERT));
    expect(await seen(wiring)).toEqual(['Anne: first']);
    await record(wiring, said(CARA, '', 2, { status: 'entered-in-error' }));
    expect(await seen(wiring)).toEqual([]);
    await inLine(wiring);
  });

  it('moves nothing between numbers that are one person', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1), merge(ANNE, BERT));
    await record(wiring, said(BERT, 'corrected', 2));
    const { record: found } = await read(wiring, BERT, 'direct-care');
    expect(found.entries.map(({ resource, review }) => [resource['valueString'], review])).toEqual([['corrected', undefined]]);
    expect(await told(wiring, 'direct-care')).toEqual([0, 1, 0]);
    await inLine(wiring);
  });

  it('is explained to both, and to neither by the other one’s number', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1), said(BERT, 'corrected', 2));
    const [anne, bert] = await Promise.all([ANNE, BERT].map((number) => explainRecord(wiring, wiring.keys.patient(number))));
    expect(anne!.corrected.map(({ entry, plainEnglish }) => [entry, plainEnglish])).toEqual([
      ['RX901/Observation/x', 'A later version says another NHS number, so it moved to that one.'],
    ]);
    expect(bert!.corrected.map(({ plainEnglish }) => plainEnglish)).toEqual([
      'It came from another NHS number, as a later version says this one. What protected it there protects it here.',
    ]);
    expect(JSON.stringify(anne)).not.toContain(BERT);
    expect(JSON.stringify(bert)).not.toContain(ANNE);
  });
});

describe('what protected an entry', () => {
  const named = (entry: string): Provision =>
    provision('deny', ['research'], { limits: [{ kind: 'entries', entries: [{ entry, reach: 'instance' }] }] });
  const ahead = provision('deny', ['research'], { from: Date.parse('2999-01-01') });

  it.each<[string, Provision]>([
    ['everything', provision('deny', ['research'])],
    ['the entry', named('Observation/x')],
    ['its organisation', provision('deny', ['research'], { limits: [{ kind: 'recorded-by', organisations: ['RX901'] }] })],
    ['its code', provision('deny', ['research'], { limits: [{ kind: 'codes', codes: [{ code: '77386006' }] }] })],
  ])('follows it where %s was denied', async (_, whole) => {
    const wiring = await idleRegion();
    const code = { code: { coding: [{ system: 'http://snomed.info/sct', code: '77386006' }] } };
    await record(wiring, said(ANNE, 'first', 1, code), observation(BERT, 'own'));
    await deny(wiring, ANNE, whole);
    await record(wiring, said(BERT, 'corrected', 2));
    expect((await read(wiring, BERT, 'direct-care')).record.entries).toHaveLength(2);
    expect((await read(wiring, BERT, 'research')).record.entries).toHaveLength(1);
    expect(await told(wiring, 'research')).toEqual([0, 1, 0]);
    await inLine(wiring);
  });

  it('follows it as a denial of the entry alone, also where it is to begin, and on to a third, each once', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1));
    await deny(wiring, ANNE, named('Observation/other'));
    await deny(wiring, ANNE, ahead);
    await deny(wiring, ANNE, provision('permit', ['research']));
    await record(wiring, said(BERT, 'second', 2), said(CARA, 'third', 3), said(BERT, 'fourth', 4), said(CARA, 'fifth', 5));
    for (const [number, from] of [
      [BERT, ANNE],
      [CARA, BERT],
    ] as const) {
      const { decisions: found } = await loadConsent(wiring.store, wiring.keys.patient(number));
      expect(found.map(({ saidOf, follows, provision: whole }) => [saidOf, follows?.entry, whole])).toEqual([
        [wiring.keys.patient(from), 'RX901/Observation/x', { ...named('RX901/Observation/x'), from: ahead.from }],
      ]);
    }
    await inLine(wiring);
  });

  it('follows it though it was denied while the entry was on its way', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1));
    const bert = careRecordStream(wiring.keys.patient(BERT));
    const isVersion = (stream: string, events: readonly NewEvent[]): boolean =>
      stream === bert && events[0]?.type === 'care-event-recorded-1';
    await record(
      meeting(wiring, isVersion, () => deny(wiring, ANNE, provision('deny', ['research']))),
      said(BERT, 'corrected', 2),
    );
    expect([await seen(wiring), await seen(wiring, 'research')]).toEqual([['Bert: corrected'], []]);
    expect(await told(wiring, 'research')).toEqual([0, 0, 0]);
    await inLine(wiring);
  });
});

describe('a projector that is killed while an entry moves', () => {
  const steps: readonly [string, (wiring: Wiring) => (stream: string, events: readonly NewEvent[]) => boolean][] = [
    [
      'it leaves',
      () =>
        (_, [event]) =>
          event?.type === 'entry-moved-away-1',
    ],
    [
      'its home says where it went',
      () =>
        (_, [event]) =>
          event?.type === 'entry-home-1' && event.data.includes('from'),
    ],
    [
      'what protected it follows',
      ({ keys }) =>
        (stream) =>
          stream === consentStream(keys.patient(BERT)),
    ],
    [
      'the other record learns of it',
      () =>
        (_, [event]) =>
          event?.type === 'entry-learnt-1',
    ],
    [
      'the version is there',
      ({ keys }) =>
        (stream, [event]) =>
          stream === careRecordStream(keys.patient(BERT)) && event?.type === 'care-event-recorded-1',
    ],
  ];
  const killed = () => Promise.reject(new EngineUnavailable('store', 'killed'));

  async function begun() {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1));
    await deny(wiring, ANNE, provision('deny', ['research']));
    return { wiring, correction: message(said(BERT, 'corrected', 2)) };
  }

  async function isWhole(wiring: Wiring): Promise<void> {
    expect([await seen(wiring), await seen(wiring, 'research')]).toEqual([['Bert: corrected'], []]);
    expect([await told(wiring, 'direct-care'), await told(wiring, 'research')]).toEqual([
      [0, 1, 0],
      [0, 0, 0],
    ]);
    await inLine(wiring);
  }

  for (const when of ['before', 'after'] as const) {
    it.each(steps)(`just ${when} %s leaves it to the redelivery, and nothing is read that was denied`, async (_, isStep) => {
      const { wiring, correction } = await begun();
      await expect(handle(meeting(wiring, isStep(wiring), killed, when), correction)).rejects.toThrow('killed');
      expect(await seen(wiring, 'research')).toEqual([]);
      await handle(wiring, correction);
      await isWhole(wiring);
    });

    it.each(steps)(`just ${when} %s leaves it to a later version under a third number, too`, async (_, isStep) => {
      const { wiring, correction } = await begun();
      await expect(handle(meeting(wiring, isStep(wiring), killed, when), correction)).rejects.toThrow('killed');
      await record(wiring, said(CARA, 'a third', 3));
      expect([(await seen(wiring)).at(-1), await seen(wiring, 'research')]).toEqual(['Cara: a third', []]);
      await handle(wiring, correction);
      expect([await seen(wiring), await seen(wiring, 'research')]).toEqual([['Cara: a third'], []]);
      expect([await told(wiring, 'direct-care'), await told(wiring, 'research')]).toEqual([
        [0, 0, 1],
        [0, 0, 0],
      ]);
      await inLine(wiring);
    });

    it.each(steps)(`just ${when} %s leaves it to a later version under the former number, too`, async (_, isStep) => {
      const { wiring, correction } = await begun();
      await expect(handle(meeting(wiring, isStep(wiring), killed, when), correction)).rejects.toThrow('killed');
      await record(wiring, said(ANNE, 'after all', 3));
      await handle(wiring, correction);
      expect([await seen(wiring), await seen(wiring, 'research')]).toEqual([['Anne: after all'], []]);
      expect([await told(wiring, 'direct-care'), await told(wiring, 'research')]).toEqual([
        [1, 0, 0],
        [0, 0, 0],
      ]);
      await inLine(wiring);
    });
  }

  it('before it tells leaves it to the next one', async () => {
    const { wiring, correction } = await begun();
    await handle(killedBeforeTelling(wiring), correction);
    await handle(wiring, correction);
    await isWhole(wiring);
  });
});

describe('two projectors at the two numbers of an entry', () => {
  const isHome = (_: string, [event]: readonly NewEvent[]): boolean => event?.type === 'entry-home-1';
  const recordOf =
    ({ keys }: Wiring, number: string) =>
    (stream: string): boolean =>
      stream === careRecordStream(keys.patient(number));

  it.each([isHome, null])('leave a new entry with one of them: the later version', async (isStep) => {
    const wiring = await idleRegion();
    const meet = meeting(wiring, isStep ?? recordOf(wiring, ANNE), () => record(wiring, said(BERT, 'second', 2)));
    await record(meet, said(ANNE, 'first', 1));
    expect(await seen(wiring)).toEqual(['Bert: second']);
    await inLine(wiring);
  });

  it('leave it with who said the later one, though it came to the former home in the middle of the move', async () => {
    const wiring = await idleRegion();
    await record(wiring, said(ANNE, 'first', 1));
    const isLeaving = (_: string, [event]: readonly NewEvent[]): boolean => event?.type === 'entry-moved-away-1';
    await record(
      meeting(wiring, isLeaving, () => record(wiring, said(ANNE, 'third', 3))),
      said(BERT, 'second', 2),
    );
    expect(await seen(wiring)).toEqual(['Anne: third']);
    await inLine(wiring);
  });

  it('do not write what they remember from before it left', async () => {
    const wiring = await idleRegion();
    const remembering = new RecordCareEvents(wiring);
    await remembering.handle({ messages: [message(said(ANNE, 'first', 1))] });
    await record(wiring, said(BERT, 'third', 3));
    await remembering.handle({ messages: [message(said(ANNE, 'second', 2))] });
    expect(await seen(wiring)).toEqual(['Bert: third']);
    await inLine(wiring);
  });
});
