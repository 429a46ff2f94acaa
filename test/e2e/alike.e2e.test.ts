import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { type Decision, type Limit, provision, type Purpose, PURPOSES } from '@weft/domain';
import { applyPolicy } from '@weft/processing';
import type { Role } from '@weft/service';
import { type Region, startRegion } from './region.js';

/** Three people who to everybody but governance must be the same: somebody of whom Weft knows nothing. */
const UNKNOWN = '9990000034';
const OPTED_OUT = '9990000018';
const WITHHELD = '9990000026';
const PEOPLE = [UNKNOWN, OPTED_OUT, WITHHELD] as const;

const subjectOf = (nhsNumber: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } });
const observation = (nhsNumber: string, id: string) => ({
  ...{ resourceType: 'Observation', id, status: 'final', subject: subjectOf(nhsNumber) },
  code: { coding: [{ system: 'http://snomed.info/sct', code: '165816005', display: 'HIV positive' }] },
  effectiveDateTime: '2025-06-01T09:00:00Z',
});
const patient = (nhsNumber: string) => ({
  ...{ resourceType: 'Patient', id: 'p1', identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }] },
  deceasedDateTime: '2026-01-01',
});
const consent = (nhsNumber: string, more: Partial<Decision> = {}) =>
  consentOf({
    ...{ subject: nhsNumber, consentId: `c-${nhsNumber}`, authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
    ...{ decidedAt: new Date().toISOString(), provision: provision('deny', ['direct-care']) },
    ...more,
  });
const denying = (limits: readonly Limit[], purposes: readonly Purpose[] = ['direct-care']) => ({
  provision: provision('deny', purposes, { limits }),
});

interface Probe {
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Record<string, string>;
}
const get = (path: string): Probe => ({ path });
const fhir = (path: string, body: unknown, headers: Record<string, string> = {}): Probe => ({ path, body, headers });
const event = (nhsNumber: string, id: string, type: string, data: unknown): Probe => ({
  path: '/events',
  type: 'application/cloudevents+json',
  body: {
    ...{ specversion: '1.0', id, source: 'urn:ods:RX902', type, subject: nhsNumber, time: '2026-01-01T10:00:00Z' },
    ...{ datacontenttype: 'application/fhir+json', data },
  },
});
const bundle = (...resources: unknown[]) => ({
  ...{ resourceType: 'Bundle', type: 'collection' },
  entry: resources.map((resource) => ({ resource })),
});

/** What somebody may ask or send about one person, in this order: some of it changes what stands. */
const PROBES: Readonly<Record<string, (nhsNumber: string) => Probe>> = {
  'the record': (nhs) => get(`/records/${nhs}`),
  'the record again, which may be kept': (nhs) => get(`/records/${nhs}`),
  'the record for care co-ordination': (nhs) => get(`/records/${nhs}?purpose=care-coordination`),
  'the record for research': (nhs) => get(`/records/${nhs}?purpose=research`),
  'a page of the record': (nhs) => get(`/records/${nhs}?limit=1`),
  'the record by its version': (nhs) => ({ path: `/records/${nhs}`, headers: { 'if-none-match': '*' } }),
  'why it is shared': (nhs) => get(`/records/${nhs}/explain`),
  'who looked': (nhs) => get(`/records/${nhs}/audit`),
  everything: (nhs) => get(`/fhir/Patient/${nhs}/$everything`),
  'the summary': (nhs) => get(`/fhir/Patient/${nhs}/$summary`),
  'what an objection to all of it would do': (nhs) => fhir('/consents?validate-only=true', consent(nhs)),
  'what an objection of years ago would do': (nhs) =>
    fhir('/consents?validate-only=true', consent(nhs, { decidedAt: '2020-01-01T00:00:00.000Z', ...denying([], PURPOSES) })),
  'an objection to a code': (nhs) =>
    fhir('/consents', consent(nhs, { consentId: 'code', ...denying([{ kind: 'classes', codes: [{ code: '165816005' }] }]) })),
  'an objection to an entry': (nhs) =>
    fhir(
      '/consents',
      consent(nhs, {
        consentId: 'entry',
        ...denying([{ kind: 'entries', entries: [{ entry: 'RX901/Observation/o1', reach: 'instance' }] }]),
      }),
    ),
  'an objection to an organisation': (nhs) =>
    fhir('/consents', consent(nhs, { consentId: 'org', ...denying([{ kind: 'recorded-by', organisations: ['RX901'] }]) })),
  'an objection that it does not wait for': (nhs) =>
    fhir('/consents', consent(nhs, { consentId: 'later', ...denying([], ['research']) }), { prefer: 'wait=0' }),
  'an objection that is not theirs to make': (nhs) => fhir('/consents', consent(nhs, { authority: 'national-data-opt-out' })),
  'an agreement': (nhs) =>
    fhir(
      '/consents',
      consent(nhs, { consentId: 'yes', authority: 'explicit-consent', provision: provision('permit', ['research']) }),
    ),
  'a withdrawal of what was never recorded': (nhs) => fhir('/consents', consent(nhs, { consentId: 'none', status: 'withdrawn' })),
  'a decision under an id of its own': (nhs) => fhir('/consents', consent(nhs, { consentId: 'own' }), { 'ce-id': `own-${nhs}` }),
  'another decision under that id': (nhs) =>
    fhir('/consents', consent(nhs, { consentId: 'other', decidedBy: 'proxy' }), { 'ce-id': `own-${nhs}` }),
  'a Consent that is none': (nhs) => fhir('/consents', { ...consent(nhs), provision: 'no' }),
  'a decision as an event': (nhs) =>
    event(nhs, 'decision-1', 'consent-decision-recorded-1', consent(nhs, { consentId: 'event' })),
  'an event under an id that somebody else used': (nhs) => event(nhs, 'e1', 'care-event-recorded-1', observation(nhs, 'o1')),
  'a retraction of what there is not': (nhs) =>
    event(nhs, 'e2', 'care-event-retracted-1', { resourceType: 'Observation', id: 'none' }),
  'a retraction of an entry of somebody else': (nhs) =>
    event(nhs, 'e3', 'care-event-retracted-1', { resourceType: 'Observation', id: 'o1' }),
  'a death': (nhs) => event(nhs, 'e4', 'patient-died-1', patient(nhs)),
  'an entry by FHIR': (nhs) => fhir('/fhir', observation(nhs, 'o7')),
  'an entry that is created': (nhs) => fhir('/fhir/Observation', observation(nhs, 'o11'), { prefer: 'return=OperationOutcome' }),
  'what becomes of an entry': (nhs) => fhir('/fhir', observation(nhs, 'o10'), { prefer: 'wait=20' }),
  'a decision and an entry by FHIR': (nhs) =>
    fhir('/fhir', bundle(consent(nhs, { consentId: 'bundled', ...denying([], ['research']) }), observation(nhs, 'o8'))),
  'what they would do': (nhs) =>
    fhir('/fhir?validate-only=true', bundle(consent(nhs, { consentId: 'b2' }), observation(nhs, 'o9'))),
};

let region: Region;
beforeAll(async () => {
  region = await startRegion();
  const { policies } = region.wiring;
  await applyPolicy(region.wiring, { ...(await policies.current()).policy, notices: { withheld: [], silent: [] } });
  const send = (path: string, role: Role, body: unknown) =>
    region.as([role], path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/fhir+json' } });
  const optOut = { authority: 'national-data-opt-out', provision: provision('deny', ['research']) } as const;
  expect((await send('/consents', 'governance', consent(OPTED_OUT, optOut))).status).toBe(200);
  expect((await send('/consents', 'governance', consent(WITHHELD, denying([], PURPOSES)))).status).toBe(200);
  const entries = ['o1', 'o2', 'o3'].map((id) => observation(WITHHELD, id));
  expect((await send('/fhir', 'publisher', bundle(...entries))).status).toBe(200);
  await region.settled();
}, 60_000);
afterAll(() => region.close());

/** All that an answer can tell by, but its time. Where something was put is another place each time. */
async function toldOf(nhsNumber: string, role: Role, probe: Probe) {
  const { path, body, type = 'application/fhir+json', headers } = probe;
  const response = await region.as([role], path, {
    organisation: 'RX902',
    headers: { 'content-type': type, ...headers },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(
      [...response.headers]
        .filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name))
        .map(([name, value]) => [name, alike(value)]),
    ),
    body: alike(text.replaceAll(nhsNumber, 'NHS').replaceAll(new RegExp(`"offset":\\d+|"partition":\\d+`, 'g'), 'place')),
  };
}

const alike = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uuid')
    .replaceAll(/\b\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'time')
    // Of what was sent, which says whom it is about.
    .replaceAll(/(?<=W\/\\?"|_history\/)[0-9a-f]{32}/g, 'digest')
    .replaceAll(/(?<="id":"|\/consents\/)\d+-\d+/g, 'place');

/** Publishers last: what they send stands from then on. */
const ASKING = ['clinician', 'subscriber', 'operations', 'publisher'] as const satisfies readonly Role[];
const asked = ASKING.flatMap((role) => Object.keys(PROBES).map((what) => ({ role, what })));

describe('of three people, one unknown, one with an opt-out from research alone, one of whom all is withheld,', () => {
  it('governance, who may see what there is, is told of each something else', async () => {
    const told = await Promise.all(PEOPLE.map((nhsNumber) => region.as(['governance'], `/records/${nhsNumber}`)));
    const withheld = await Promise.all(told.map(async (one) => ((await one.json()) as { withheld?: number }).withheld));
    expect(withheld).toEqual([undefined, 0, 3]);
  });

  it.each(PURPOSES)('a subscriber of %s is told nothing', async (purpose) => {
    const leaving = new AbortController();
    const feed = await region.as(['subscriber'], `/record-changes/${purpose}?from=beginning`, { signal: leaving.signal });
    const reader = feed.body!.getReader();
    const { value } = await reader.read();
    // The empty line says that everything up to now was told.
    expect(Buffer.from(value!).toString()).toBe('\n');
    leaving.abort();
  });

  it.each(asked)('a $role is told the same: $what', async ({ role, what }) => {
    const told = await Promise.all(PEOPLE.map((nhsNumber) => toldOf(nhsNumber, role, PROBES[what]!(nhsNumber))));
    expect(told[0]!.status).toBeLessThan(500);
    for (const other of told.slice(1)) expect(other).toEqual(told[0]);
  });

  it('a writer who asks for a decision again later is told the same', async () => {
    const ids = await Promise.all(
      PEOPLE.map(async (nhsNumber) => {
        const answer = await region.as(['publisher'], '/consents', {
          ...{ method: 'POST', organisation: 'RX902', body: JSON.stringify(consent(nhsNumber, { consentId: 'asked' })) },
          headers: { 'content-type': 'application/fhir+json' },
        });
        return ((await answer.json()) as { id: string }).id;
      }),
    );
    const [unknown, ...others] = await Promise.all(
      PEOPLE.map((nhsNumber, index) => toldOf(nhsNumber, 'publisher', get(`/consents/${ids[index]}`))),
    );
    expect(JSON.parse(unknown!.body)).toMatchObject({ state: 'obeyed' });
    for (const other of others) expect(other).toEqual(unknown);
  });
});
