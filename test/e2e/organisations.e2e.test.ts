import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { provision } from '@weft/domain';
import { careEventsTopic, CONSENT_TOPIC } from '@weft/processing';
import { openEngines } from '@weft/service';
import { Processes, type Running } from './processes.js';

const ANNE = '9990000018';
const BERT = '9990000026';
const FHIR = { 'content-type': 'application/fhir+json' };

interface Organisation {
  readonly proposal?: { readonly id: string };
}
interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}
interface Group {
  readonly topic: string;
  readonly lag: number;
}

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

describe('organisations that come and are suspended, with no app started anew', () => {
  let region: Processes;
  let gateway: Running;
  let recordApi: Running;
  let recordProjector: Running;
  let optOutProjector: Running;

  beforeAll(async () => {
    region = new Processes({});
    gateway = await region.start('gateway');
    recordApi = await region.start('record-api');
    recordProjector = await region.start('record-projector');
    optOutProjector = await region.start('opt-out-projector');
  }, 120_000);
  afterAll(() => region.close(), 60_000);

  /** Of governance, by one of two people. */
  const weft = async (...words: readonly string[]) => {
    const { status, stdout, stderr } = await region.weft(...words, '--json', '--url', recordApi.url);
    return { status, stderr, answer: JSON.parse(stdout.split('\n')[0]!) as Organisation };
  };
  const reason = ['--reason', 'The board agreed'] as const;
  const add = (ods: string, kind: string) =>
    weft('organisations', 'add', ods, '--name', 'New trust', '--kind', kind, ...reason, '--subject', 'anna');
  const suspend = (ods: string) => weft('organisations', 'suspend', ods, ...reason, '--subject', 'anna');
  const reinstate = (ods: string, subject: string) => weft('organisations', 'reinstate', ods, ...reason, '--subject', subject);
  const post = async (organisation: string, path: string, resource: object, wait = 30) => {
    const init = {
      method: 'POST',
      body: JSON.stringify(resource),
      headers: { ...FHIR, prefer: `wait=${wait}, return=OperationOutcome` },
      organisation,
    };
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

  /** As one that the gateway has not judged: written to the topic by its sender. */
  async function written(organisation: string, nhsNumber: string, id: string): Promise<Place> {
    const headers = {
      ...{ ce_specversion: '1.0', ce_id: id, ce_source: `urn:ods:${organisation}`, ce_type: 'care-event-recorded-1' },
      ...{ ce_subject: nhsNumber, ce_time: '2026-02-03T10:00:00Z', 'content-type': 'application/fhir+json' },
    };
    const { bus, close } = await openEngines(region.settings);
    const value = Buffer.from(JSON.stringify(observation(nhsNumber, id)));
    const [place] = await bus.publish([{ topic: careEventsTopic(organisation), key: nhsNumber, value, headers }]);
    await close();
    return place!;
  }

  it('let one that a person added send at once, and its people read once a second person has authorised its kind', async () => {
    const person = '9990000042';
    const read = async () =>
      (await region.as(['clinician'], `${recordApi.url}/records/${person}`, { organisation: 'RX999' })).status;
    expect((await post('RX999', '/fhir', observation(person, 'a'))).status).toBe(403);
    const { answer } = await add('RX999', 'acute');
    expect(answer).toMatchObject({ sends: true, reads: false, kind: null, proposal: { state: 'waiting', opens: true } });
    await until(async () => (await post('RX999', '/fhir', observation(person, 'a'))).status === 201);
    await until(async () => (await entriesOf(person)) === 1);
    expect(await read()).toBe(403);
    const authorised = await region.weft('policy', 'authorise', answer.proposal!.id, '--subject', 'bert', '--url', recordApi.url);
    expect(authorised.status).toBe(0);
    expect(await read()).toBe(200);
    expect((await add('RX999', 'acute')).answer).toMatchObject({ reads: true, kind: 'acute' });
  });

  it('keep the kind in force until a second person has authorised another one, whoever was added meanwhile', async () => {
    const waiting = await add('RX999', 'gp');
    expect(waiting.answer).toMatchObject({ kind: 'acute', proposal: { state: 'waiting' } });
    const other = await add('RX998', 'community');
    for (const { answer } of [other, waiting])
      await region.weft('policy', 'authorise', answer.proposal!.id, '--subject', 'bert', '--url', recordApi.url);
    const { organisations } = (await (await fetch(`${recordApi.url}/policy`)).json()) as { organisations: object };
    expect(organisations).toMatchObject({ RX999: 'gp', RX998: 'community' });
  });

  it('an objection through an organisation that was added a moment ago is obeyed when it is answered obeyed', async () => {
    expect((await post('RX901', '/fhir', observation(ANNE, 'of-anne'))).status).toBe(201);
    await until(async () => (await entriesOf(ANNE)) === 1);
    const answer = await post('RX999', '/consents', objection(ANNE, 'by-RX999'));
    expect(answer).toMatchObject({ status: 200, body: { state: 'obeyed' } });
    expect(await entriesOf(ANNE)).toBe(0);
    expect((await statusOf()).decisionsInQuarantine).toBe(0);
  });

  it('take nothing more of a suspended one, and lose nothing that it sent before', async () => {
    expect((await post('RX902', '/fhir', observation(BERT, 'recorded'))).status).toBe(201);
    await until(async () => (await entriesOf(BERT)) === 1);
    await recordProjector.end('SIGTERM');
    await optOutProjector.end('SIGTERM');
    expect((await post('RX902', '/fhir', observation(BERT, 'sealed'), 0)).status).toBe(201);
    await written('RX902', BERT, 'written-before');
    const decided = region.as(['publisher'], `${gateway.url}/consents`, {
      ...{ method: 'POST', body: JSON.stringify(objection('9990000050', 'before')), organisation: 'RX902' },
      headers: { ...FHIR, prefer: 'wait=0' },
    });
    const { status, headers } = await decided;
    expect(status).toBe(202);
    expect((await suspend('RX902')).answer).toMatchObject({ sends: false, reads: true });
    // What the gateway takes until it has heard of it is of somebody else: it is kept, and counts for nothing below.
    await until(async () => (await post('RX902', '/fhir', observation('9990000069', 'refused'), 0)).status === 403);
    const late = await written('RX902', BERT, 'written-after');
    recordProjector = await region.start('record-projector');
    optOutProjector = await region.start('opt-out-projector');
    await until(async () => (await entriesOf(BERT)) === 3);
    const consent = `${gateway.url}${headers.get('location')}`;
    const stateOf = async () => ((await (await region.as(['governance'], consent)).json()) as { readonly state: string }).state;
    await until(async () => (await stateOf()) !== 'pending');
    expect(await stateOf()).not.toBe('superseded');
    const quarantine = await region.weft('quarantine', 'list', '--json', '--url', recordApi.url);
    expect(quarantine.stdout).toContain(`"id":"${late.topic}/${late.partition}/${late.offset}"`);
    expect(quarantine.stdout).toContain('suspended-organisation');
    const { groups } = (await (await region.as(['operations'], `${recordApi.url}/status`)).json()) as { groups: Group[] };
    expect(groups.find(({ topic }) => topic === late.topic)).toMatchObject({ lag: 0 });
    expect((await region.as(['clinician'], `${recordApi.url}/records/${BERT}`, { organisation: 'RX902' })).status).toBe(200);
  });

  it('reinstate one on the word of two people', async () => {
    for (const subject of ['anna', 'anna'])
      expect((await reinstate('RX902', subject)).answer).toMatchObject({ sends: false, reinstatement: { by: { subject } } });
    expect((await reinstate('RX902', 'bert')).answer).toMatchObject({ sends: true, suspended: null });
    await until(async () => (await post('RX902', '/fhir', observation(BERT, 'again'))).status === 201);
    expect((await reinstate('RX902', 'bert')).status).toBe(1);
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
    const [found] = (JSON.parse(status.stdout) as { findings: readonly object[] }).findings;
    expect([status.status, found]).toEqual([1, expect.objectContaining({ code: 'decisions-in-quarantine' })]);
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
