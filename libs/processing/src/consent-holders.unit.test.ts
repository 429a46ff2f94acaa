import { grants, provision, type Authority, type Provision } from '@weft/domain';
import { eventMessage, type SaidDecision } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { loadNumber } from './number.js';
import { ANNE, arriving, BERT, idleRegion, ids, observation } from './region.fixture.js';
import type { EventStore } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { careRecordStream } from './streams.js';
import { CONSENT_TOPIC } from './topics.js';
import type { Wiring } from './wiring.js';

const DENIED = provision('deny', ['research']);
const PERMITTED = provision('permit', ['research']);
const [DAY, ISO] = [86_400_000, (at: number) => new Date(at).toISOString()];

/** A version of one Consent, as the practice sends it. */
interface Version {
  readonly of: string;
  readonly versionId?: number;
  readonly lastUpdated?: number;
  readonly says: Provision;
  readonly status?: SaidDecision['status'];
}

async function receive(
  wiring: Wiring,
  versions: readonly Version[],
  authority: Authority = 'local-dissent',
  first = 0,
): Promise<void> {
  for (const [place, { of: subject, versionId, lastUpdated, says, status = 'active' }] of versions.entries()) {
    const offset = first + place;
    const age = { ...(versionId !== undefined && { versionId }), ...(lastUpdated !== undefined && { lastUpdated }) };
    const decision: SaidDecision = {
      ...{ id: `d${offset}`, source: 'urn:ods:Y90001', consentId: 'c', digest: `digest ${offset}`, version: age, status },
      ...{ authority, decidedBy: 'not-stated', provision: says, decidedAt: ISO(wiring.clock.now() + offset) },
      recorder: { as: 'organisation', organisation: 'Y90001', subject: null },
    };
    const message = eventMessage(CONSENT_TOPIC, subject, { subject, decisions: [decision], isVetted: true });
    await applyDecisions(wiring, { messages: [{ ...message, partition: 0, offset, timestamp: wiring.clock.now() + offset }] });
  }
}

async function regionOf(...subjects: readonly string[]): Promise<Wiring> {
  const wiring = await idleRegion();
  const messages = subjects.map((subject, at) => ({ ...arriving(observation(subject, `of-${subject}`)), offset: 1_000 + at }));
  await new RecordCareEvents(wiring).handle({ messages });
  return wiring;
}

describe('a Consent that goes on to another person', () => {
  it.each<[string, Omit<Version, 'of' | 'versionId'>]>([
    ['permits', { says: PERMITTED }],
    ['permits but for an exception', { says: { ...PERMITTED, provisions: [provision('deny', ['direct-care'])] } }],
    ['withdraws', { says: DENIED, status: 'withdrawn' }],
  ])('leaves the first one’s objection as it is, though an older version comes late that %s', async (_, late) => {
    const wiring = await regionOf(ANNE, BERT);
    expect(await ids(wiring, ANNE, 'research')).toHaveLength(1);
    const [first, third] = [
      { of: ANNE, versionId: 1, says: DENIED },
      { of: BERT, versionId: 3, says: PERMITTED },
    ];
    await receive(wiring, [first, third, { of: ANNE, versionId: 2, ...late }]);
    expect(await ids(wiring, ANNE, 'research')).toEqual([]);
  });

  it('ends what it permitted the first one, and no objection that this could not end', async () => {
    const wiring = await regionOf(ANNE, BERT);
    const versions = [DENIED, PERMITTED].map((says, at) => ({ of: ANNE, versionId: at + 1, says }));
    // Nobody is named as giver, so this permission lifts nothing.
    await receive(wiring, [...versions, { of: BERT, versionId: 3, says: PERMITTED }], 'explicit-consent');
    expect(await ids(wiring, ANNE, 'research')).toEqual([]);
    expect((await loadNumber(wiring.store, wiring.keys.patient(ANNE))).decisions).toHaveLength(3);
  });

  it('takes also what was being recorded for the first one meanwhile', async () => {
    const wiring = await regionOf(ANNE, BERT);
    await receive(wiring, [{ of: ANNE, says: PERMITTED }]);
    const anne = careRecordStream(wiring.keys.patient(ANNE));
    let meanwhile: (() => Promise<void>) | null = () =>
      receive(wiring, [{ of: BERT, versionId: 2, says: PERMITTED }], undefined, 2);
    const append: EventStore['append'] = async (stream, ...rest) => {
      const happens = stream === anne ? meanwhile : null;
      if (happens !== null) meanwhile = null;
      await happens?.();
      return wiring.store.append(stream, ...rest);
    };
    const store = new Proxy(wiring.store, { get: (target, name) => (name === 'append' ? append : Reflect.get(target, name)) });
    await receive({ ...wiring, store }, [{ of: ANNE, versionId: 1, says: PERMITTED }], undefined, 1);
    expect(meanwhile).toBeNull();
    expect((await loadNumber(wiring.store, wiring.keys.patient(ANNE))).decisions.map(({ id }) => id)).toEqual([
      'd0',
      'd2',
      'd1',
      'd2',
    ]);
  });

  it('does not stay with somebody because a version about them is dated ahead of its receipt', async () => {
    const wiring = await regionOf(ANNE, BERT);
    const [ahead, sound] = [Date.parse('2099-01-01'), wiring.clock.now() - DAY];
    await receive(wiring, [
      { of: ANNE, lastUpdated: ahead, says: PERMITTED },
      { of: BERT, lastUpdated: sound, says: PERMITTED },
    ]);
    const { decisions } = await loadNumber(wiring.store, wiring.keys.patient(BERT));
    expect(decisions.map((decision) => grants(decision.provision))).toEqual([true]);
  });
});
