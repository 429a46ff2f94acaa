import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { PURPOSES, provision } from '@weft/domain';
import { careEventsTopic, recordChangesTopic } from '@weft/processing';
import type { Role } from '@weft/service';
import { startRegion, type Region } from './region.js';

const ANNE = '9990000018';
const MERGED = '9990000026';
const WRONG = '9990000019';
const STRANGER = '9990000034';
/** What names a person: numbers as they are written, names, addresses, and what a publisher calls them. */
const IDENTIFIERS = [
  ...[ANNE, MERGED, WRONG, STRANGER].map((number) => new RegExp(number.replace(/(...)(...)/, '$1[ -]?$2[ -]?'))),
  /Fernsby/i,
  /High Street/i,
  /local-patient-7/,
];
const patientReference = (number: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const patient = (number: string, more: object = {}) => ({
  resourceType: 'Patient',
  id: `local-patient-7-${number}`,
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: number }],
  name: [{ family: 'Fernsby', given: ['Anne'] }],
  address: [{ line: ['1 High Street'], postalCode: 'LS1 4AP' }],
  birthDate: '1950-03-04',
  ...more,
});
const observation = (number: string, more: object = {}) => ({
  resourceType: 'Observation',
  id: `of-${number}`,
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8480-6', display: `of ${number}` }], text: 'Fernsby’s pressure' },
  subject: { ...patientReference(number), display: 'Anne Fernsby' },
  effectiveDateTime: '2025-06-01T09:00:00Z',
  note: [{ text: `${number}, 1 High Street` }],
  ...more,
});
const event = (subject: string, data: object, more: object = {}) => ({
  specversion: '1.0',
  id: `event-of-${subject}-${Math.random()}`,
  source: 'urn:ods:RX901',
  type: 'care-event-recorded-1',
  subject,
  time: '2026-01-01T10:00:00Z',
  datacontenttype: 'application/fhir+json',
  data,
  ...more,
});

function expectNobodyIn(what: string, text: string): void {
  for (const identifier of IDENTIFIERS) {
    const found = identifier.exec(text);
    const around = found && text.slice(Math.max(0, found.index - 80), found.index + 80);
    expect({ what, around }).toEqual({ what, around: null });
  }
}

describe('what a region writes, looked through for people', () => {
  let region: Region;
  const log: string[] = [];
  const refusals: { readonly status: number; readonly text: string }[] = [];

  async function ask(role: Role, path: string, init: RequestInit = {}): Promise<Response> {
    const response = await region.as([role], path, { organisation: 'RX901', ...init });
    if (response.status >= 400) refusals.push({ status: response.status, text: await response.clone().text() });
    return response;
  }
  const documentation = async (): Promise<string> => (await ask('operations', '/docs-json')).text();
  let documentedBefore: string;
  const publish = (body: unknown, type = 'application/cloudevents+json', path = '/events') =>
    ask('publisher', path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': type },
    });
  const decide = (subject: string, authority: 'local-dissent' | 'national-data-opt-out', effect: 'permit' | 'deny') => {
    const about = { subject, consentId: `of-${subject}`, decidedAt: '2026-01-01T10:00:00Z', decidedBy: 'patient' as const };
    return ask('governance', '/consents', {
      method: 'POST',
      body: JSON.stringify(
        consentOf({ ...about, authority, status: 'active', provision: provision(effect, ['care-coordination']) }),
      ),
      headers: { 'content-type': 'application/fhir+json' },
    });
  };

  beforeAll(async () => {
    region = await startRegion({ log: (line) => log.push(line) });
    documentedBefore = await documentation();
    for (const number of [ANNE, MERGED]) {
      for (const data of [patient(number), observation(number)]) expect((await publish(event(number, data))).status).toBe(202);
    }
    const link = [{ type: 'replaced-by', other: patientReference(ANNE) }];
    expect((await publish(event(MERGED, patient(MERGED, { link }), { type: 'patient-merged-1' }))).status).toBe(202);
    expect((await decide(ANNE, 'local-dissent', 'deny')).status).toBe(200);

    // Everything that can be wrong, with people in it everywhere.
    const bundle = (...resources: object[]) => ({
      resourceType: 'Bundle',
      type: 'collection',
      entry: resources.map((resource) => ({ fullUrl: `urn:uuid:${ANNE}`, resource })),
    });
    await publish(event(WRONG, observation(WRONG)));
    await publish(event(ANNE, observation(STRANGER)));
    await publish(event(ANNE, observation(ANNE, { [ANNE]: 'Fernsby', status: ANNE, code: ANNE })));
    await publish(event(ANNE, observation(ANNE), { type: ANNE, source: `urn:ods:${ANNE}`, time: 'Fernsby', [`x${ANNE}`]: 1 }));
    await publish(JSON.stringify(event(ANNE, observation(ANNE))).slice(0, -30));
    await publish(JSON.stringify([event(WRONG, observation(ANNE))]), 'application/cloudevents-batch+json');
    await publish(bundle(observation(WRONG), observation(STRANGER, { status: 'Fernsby' })), 'application/fhir+json', '/fhir');
    await publish(bundle(patient(ANNE), patient(STRANGER), observation(WRONG)), 'application/fhir+json', '/fhir');
    await publish(`{"resourceType":"${ANNE}"}`, `text/${ANNE}`, '/fhir');
    await decide(WRONG, 'local-dissent', 'deny');
    for (const number of [WRONG, STRANGER, ANNE.slice(0, 9), `${ANNE}%20Fernsby`, `${ANNE}%`]) {
      for (const path of [`/records/${number}`, `/records/${number}/explain`, `/fhir/Patient/${number}/$everything`]) {
        await ask('governance', path);
      }
    }
    await ask('governance', `/records/${ANNE}?purpose=${ANNE}`);
    await ask('governance', `/records/${ANNE}?${ANNE}=Fernsby`);
    await ask('governance', `/records/${ANNE}/explain?at=${ANNE}`);
    await ask('governance', `/fhir/Patient/${ANNE}/$everything?page=${ANNE}&_count=Fernsby`);
    await ask('governance', `/${ANNE}/Fernsby`);
    await ask('subscriber', `/records/${ANNE}`);
    await ask('subscriber', `/record-changes/research?after=${ANNE}`);
    await ask('governance', `/consents/${ANNE}`);
    await ask('operations', `/quarantine/${ANNE}`);
    // And past the gateway, straight into the topic.
    const topic = careEventsTopic('RX901');
    const headers = { 'content-type': 'application/cloudevents+json', [`x-${ANNE}`]: 'Fernsby' };
    for (const body of [event(WRONG, observation(WRONG)), event(ANNE, observation(STRANGER)), `Fernsby ${ANNE}`]) {
      const value = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
      await region.service.bus.publish([{ topic, key: ANNE, value, headers }]);
    }
    await region.settled();
    for (const purpose of PURPOSES) await ask('governance', `/records/${ANNE}?purpose=${purpose}`);
    await ask('governance', `/records/${ANNE}/explain`);
    await ask('clinician', `/fhir/Patient/${ANNE}/$summary`);
  }, 120_000);
  afterAll(() => region.close());

  it('finds none in the log, though every line is written', () => {
    expect(log.filter((line) => line.includes('"answered"')).length).toBeGreaterThan(40);
    expectNobodyIn('log', log.join(''));
  });

  it('finds none in any refusal', () => {
    expect(refusals.length).toBeGreaterThan(25);
    for (const { status, text } of refusals) {
      expect(status).toBeLessThan(500);
      expect(JSON.parse(text)).toBeInstanceOf(Object);
      expectNobodyIn('refusal', text);
    }
  });

  it('finds none in metrics, readiness, status and the list of what is in quarantine', async () => {
    for (const path of ['/metrics', '/readyz', '/status?counts=true', '/quarantine', '/policy']) {
      const response = await ask('operations', path);
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
      expectNobodyIn(path, await response.text());
    }
    const { counts } = (await (await ask('operations', '/status?counts=true')).json()) as { counts: { quarantined: number } };
    expect(counts.quarantined).toBe(3);
  });

  it('finds the documentation, whose examples have numbers, as it was before anybody was known', async () => {
    expect(await documentation()).toBe(documentedBefore);
  });

  it('finds none in the names of streams or in the audit', async () => {
    const names: string[] = [];
    for await (const { stream } of region.service.store.streams('')) names.push(stream);
    expect(names.length).toBeGreaterThan(10);
    expectNobodyIn('stream names', names.join('\n'));
    const audits = names.filter((name) => name.startsWith('audit'));
    for (const prefix of ['audit-', 'auditOf-']) expect(audits.some((name) => name.startsWith(prefix))).toBe(true);
    for (const name of audits) expectNobodyIn(name, (await region.service.store.read(name)).map(({ data }) => data).join('\n'));
    const audit = await ask('governance', '/audit');
    expect(audit.status).toBe(200);
    expectNobodyIn('/audit', await audit.text());
  });

  it.each(PURPOSES)('finds none in the keys and headers of what is told for %s, and beyond care none at all', async (purpose) => {
    const topic = recordChangesTopic(purpose);
    const beyondCare = purpose === 'research' || purpose === 'population-health';
    let messages = 0;
    for (const { partition, low } of await region.service.bus.offsets(topic)) {
      for (const { key, headers, value } of await region.service.bus.read(topic, partition, low, 1_000)) {
        messages += 1;
        expectNobodyIn(`${topic} key`, key);
        expectNobodyIn(`${topic} headers`, JSON.stringify(headers));
        if (!beyondCare || value === null) continue;
        const told = Buffer.from(value).toString();
        expectNobodyIn(topic, told);
        // Nor when it happened or arrived, to the day.
        expect(told).not.toMatch(/\d{4}-\d\d-\d\d/);
      }
    }
    if (purpose !== 'care-coordination') expect(messages).toBeGreaterThan(0);
  });

  it.each(['population-health', 'research'] as const)('finds none in what a reader for %s is given', async (purpose) => {
    const text = await (await ask('governance', `/records/${ANNE}?purpose=${purpose}`)).text();
    expect(text).toContain('Observation');
    expectNobodyIn(purpose, text.replace(/,"movedTo":null/, ''));
    expect(text).not.toContain(region.wiring.keys.patient(ANNE));
  });
});
