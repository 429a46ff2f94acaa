import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { provision } from '@weft/domain';
import { CONSENT_TOPIC } from '@weft/processing';
import { DEFAULT_ORGANISATIONS, openEngines } from '@weft/service';
import { Processes, type Running } from './processes.js';

const ANNE = '9990000018';
const BERT = '9990000026';
const FHIR = { 'content-type': 'application/fhir+json' };

const observation = (nhsNumber: string, id: string) => ({
  resourceType: 'Observation',
  ...{ id, status: 'final', code: { text: 'Blood pressure' }, effectiveDateTime: '2026-02-03' },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber } },
});

const objection = (subject: string, consentId: string) =>
  consentOf({
    ...{ subject, consentId, authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
    decidedAt: new Date().toISOString(),
    provision: provision('deny', ['direct-care', 'care-coordination']),
  });

describe('while the apps do not agree on the organisations of the region', () => {
  let region: Processes;
  let gateway: Running;
  let recordApi: Running;
  /** The file of organisations that an app is started with. */
  const listOf = (name: string, organisations: readonly object[]): { readonly WEFT_ORGANISATIONS: string } => {
    const file = join(region.directory, `${name}.json`);
    writeFileSync(file, JSON.stringify(organisations));
    return { WEFT_ORGANISATIONS: file };
  };
  const grown = [...DEFAULT_ORGANISATIONS, { ods: 'RX999', name: 'New trust', kind: 'acute' }];
  const shrunk = DEFAULT_ORGANISATIONS.filter(({ ods }) => ods !== 'RX902');

  beforeAll(async () => {
    region = new Processes({});
    gateway = await region.start('gateway', listOf('grown', grown));
    recordApi = await region.start('record-api');
    await region.start('record-projector');
    await region.start('opt-out-projector', listOf('shrunk', shrunk));
  }, 120_000);
  afterAll(() => region.close(), 60_000);

  const post = async (organisation: string, path: string, resource: object) => {
    const init = { method: 'POST', body: JSON.stringify(resource), headers: { ...FHIR, prefer: 'wait=30' }, organisation };
    const response = await region.as(['publisher'], `${gateway.url}${path}`, init);
    return { status: response.status, body: (await response.json()) as { readonly id: string; readonly state: string } };
  };
  const entriesOf = async (nhsNumber: string): Promise<number> => {
    const response = await region.as(['governance'], `${recordApi.url}/records/${nhsNumber}?purpose=direct-care`);
    return response.status === 404 ? 0 : ((await response.json()) as { readonly entries: unknown[] }).entries.length;
  };
  const statusOf = async () =>
    (await (await region.as(['operations'], `${recordApi.url}/status`)).json()) as { readonly decisionsInQuarantine: number };
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it.each([
    ['the projector does not know yet', 'RX999', ANNE],
    ['the projector knows no longer', 'RX902', BERT],
  ])('an objection through an organisation that %s is obeyed when it is answered obeyed', async (_, organisation, person) => {
    expect((await post('RX901', '/fhir', observation(person, `of-${person}`))).status).toBe(202);
    await until(async () => (await entriesOf(person)) === 1);
    const answer = await post(organisation, '/consents', objection(person, `by-${organisation}`));
    expect(answer).toMatchObject({ status: 200, body: { state: 'obeyed' } });
    expect(await entriesOf(person)).toBe(0);
    expect((await statusOf()).decisionsInQuarantine).toBe(0);
  });

  it('what may be an objection and cannot be read closes its person, is red in status, and opens again once it is mended', async () => {
    const person = '9990000034';
    await post('RX901', '/fhir', observation(person, 'seen'));
    await until(async () => (await entriesOf(person)) === 1);
    const { bus, close } = await openEngines(region.settings);
    const [place] = await bus.publish([
      { topic: CONSENT_TOPIC, key: person, value: Buffer.from('{"resourceType":'), headers: {} },
    ]);
    await close();
    await until(async () => (await statusOf()).decisionsInQuarantine === 1);
    expect(await entriesOf(person)).toBe(0);
    const status = await region.weft('status', '--json', '--url', recordApi.url);
    expect(status.status).toBe(1);
    expect((await fetch(`${recordApi.url}/readyz`)).status).toBe(200);
    const objected = { ...objection(person, 'mended'), provision: { type: 'deny', purpose: [{ code: 'HRESCH' }] } };
    const headers = {
      ...{ ce_specversion: '1.0', ce_id: 'mended', ce_source: 'urn:ods:RX901', ce_type: 'consent-decision-recorded-1' },
      ...{ ce_subject: person, ce_time: new Date().toISOString(), 'content-type': 'application/fhir+json' },
    };
    const id = encodeURIComponent(`${place!.topic}/${place!.partition}/${place!.offset}`);
    const govern = (subject: string, act: string, body: object) =>
      region.as(['governance'], `${recordApi.url}/quarantine/${id}/${act}`, {
        ...{ subject, method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
      });
    const proposed = await govern('anna', 'mend', { text: JSON.stringify(objected), headers, reason: 'it was cut off' });
    expect(proposed.status).toBe(202);
    const { digest } = (await proposed.json()) as { digest: string };
    const approved = await govern('bert', 'approve', { digest });
    expect([approved.status, await approved.text()]).toEqual([200, expect.any(String)]);
    await until(async () => (await entriesOf(person)) === 1);
    expect((await statusOf()).decisionsInQuarantine).toBe(0);
  });

  it('every view is what record, decisions and policy make of it', async () => {
    expect((await region.weft('verify')).status).toBe(0);
  });
});
