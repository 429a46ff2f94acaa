import { fhirProblems } from '@weft/care-events';
import { Client } from 'fhir-kit-client';
import { NOTICE, provision } from '@weft/domain';
import { applyPolicy } from '@weft/processing';
import { WAITING } from './reader.js';
import { ANNE, BERT, CARL, condition, NOBODY, observation, openRegion, patient, type Region } from './region.fixture.js';

interface Bundle {
  readonly type: string;
  readonly total: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly {
    readonly resource: { readonly resourceType: string; readonly id: string };
    readonly search: { readonly mode: string };
  }[];
}

const DORA = '9990000050';
const EVE = '9990000069';
const EDDA = '9990000077';

describe('a FHIR client', () => {
  let region: Region;
  let client: Client;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('Y90001', ANNE, patient(ANNE));
    await region.publish('Y90001', ANNE, condition(ANNE, 'c1'));
    for (let index = 0; index < 23; index += 1) {
      await region.publish('RX901', ANNE, observation(ANNE, `o${index}`, `2025-01-01T09:00:${10 + index}Z`));
    }
    client = new Client({ baseUrl: `${region.url}/fhir`, bearerToken: await region.tokenOf('clinician') });
  });
  afterAll(() => region.close());

  const everything = (id: string, input: { _count?: number } = {}) =>
    client.operation({ name: 'everything', resourceType: 'Patient', id, method: 'GET', input }) as unknown as Promise<Bundle>;
  const nextOf = (bundle: Bundle) => bundle.link.find(({ relation }) => relation === 'next')?.url;
  const follow = (bundle: Bundle) => client.nextPage({ bundle } as never) as unknown as Promise<Bundle>;
  async function pagesOf(first: Bundle): Promise<Bundle[]> {
    const pages = [first];
    while (nextOf(pages.at(-1)!) !== undefined) pages.push(await follow(pages.at(-1)!));
    return pages;
  }

  it('reads what Weft does, as a valid CapabilityStatement', async () => {
    const statement = await client.capabilityStatement();
    expect(statement).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', kind: 'instance' });
    expect(fhirProblems(statement as never)).toEqual([]);
    expect(JSON.stringify(statement)).toContain('everything');
  });

  it('follows the pages of $everything and has every entry once', async () => {
    const pages = await pagesOf(await everything(ANNE, { _count: 10 }));
    expect(pages.map(({ entry }) => entry?.length)).toEqual([10, 10, 5]);
    expect(pages.map(({ total }) => total)).toEqual([25, 25, 25]);
    for (const page of pages) expect(fhirProblems(page as never)).toEqual([]);
    const ids = pages.flatMap(({ entry }) => entry!.map(({ resource }) => `${resource.resourceType}/${resource.id}`));
    expect(new Set(ids).size).toBe(25);
  });

  it('comes to the end of a record to which something is added at each page, with what was there at the first', async () => {
    const page = await everything(ANNE, { _count: 10 });
    const pages = [page];
    for (let index = 0; nextOf(pages.at(-1)!) !== undefined; index += 1) {
      await region.publish('RX901', ANNE, observation(ANNE, `between-${index}`, '2025-01-01T09:00:00Z'));
      // An amended one is given in its version now, wherever it was sent by then.
      await region.publish('Y90001', ANNE, { ...condition(ANNE, 'c1'), onsetDateTime: `201${index}` });
      pages.push(await follow(pages.at(-1)!));
    }
    expect(pages.map(({ entry, total }) => [entry?.length, total])).toEqual([
      [10, 25],
      [10, 25],
      [5, 25],
    ]);
    const given = pages.flatMap(({ entry }) => entry!.map(({ resource }) => resource));
    expect(new Set(given.map(({ id }) => id)).size).toBe(25);
    expect(given.filter(({ id }) => id.startsWith('between'))).toEqual([]);
    expect(given.find(({ id }) => id === 'c1')).toHaveProperty('onsetDateTime', '2011');
    expect(await everything(ANNE, { _count: 10 })).toHaveProperty('total', 27);
  });

  it('is given nothing more of what an opt-out forbids between two pages, and told of it', async () => {
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await region.publish('RX901', BERT, observation(BERT, 'b2'));
    const first = await everything(BERT, { _count: 1 });
    await region.appendDecision(BERT, {});
    expect(await follow(first)).toMatchObject({ total: 0, entry: [{ search: { mode: 'outcome' } }] });
    expect(await everything(BERT)).toMatchObject({ total: 0, entry: [{ search: { mode: 'outcome' } }] });
  });

  it('is told once that something is withheld: on the first page, or on the one that it came before', async () => {
    for (const id of ['b1', 'b2']) await region.publish('RX901', CARL, observation(CARL, id));
    const modes = (bundle: Bundle) => bundle.entry!.map(({ search }) => search.mode);
    const whole = await everything(CARL, { _count: 1 });
    expect(modes(whole)).toEqual(['match']);
    const withheld = (entry: string) =>
      region.decide(CARL, {
        authority: 'withheld-item',
        provision: provision('deny', ['direct-care'], {
          limits: [{ kind: 'entries', entries: [entry].map((entry) => ({ entry, reach: 'instance' })) }],
        }),
      });
    await region.publish('RX901', CARL, observation(CARL, 'b3'));
    await withheld('Observation/b3');
    expect(modes(await follow(whole))).toEqual(['match', 'outcome']);
    const pages = await pagesOf(await everything(CARL, { _count: 1 }));
    expect(pages.map(modes)).toEqual([['match', 'outcome'], ['match']]);
    expect(pages.map(({ total }) => total)).toEqual([2, 2]);
    expect(pages[0]!.entry![1]!.resource).toMatchObject({ issue: [{ code: 'suppressed', details: { text: NOTICE } }] });
    for (const page of pages) expect(fhirProblems(page as never)).toEqual([]);
    // One more that this reader never saw changes nothing of what they see.
    const without = ({ link: _, ...bundle }: Bundle) => bundle;
    const first = await everything(CARL, { _count: 1 });
    await region.publish('RX901', CARL, observation(CARL, 'b4', '2026-01-01'));
    await withheld('Observation/b4');
    expect(without(await everything(CARL, { _count: 1 }))).toEqual(without(first));
    expect(without(await follow(first))).toEqual(without(pages[1]!));
  });

  it('is told to start again where entries have no names that last: beyond individual care', async () => {
    const ask = (path: string) => region.ask(path, { roles: ['governance'] });
    const { body } = await ask(`/fhir/Patient/${ANNE}/$everything?purpose=population-health&_count=10`);
    const next = nextOf(body as Bundle)!.slice(region.url.length);
    expect((await ask(next)).status).toBe(200);
    await region.publish('RX901', ANNE, observation(ANNE, 'beyond', '2025-01-01T09:00:00Z'));
    const { status, body: outcome, headers } = await ask(next);
    expect(status).toBe(410);
    expect(headers.get('content-type')).toBe('application/fhir+json');
    expect(outcome.issue).toMatchObject([
      { severity: 'error', code: 'conflict', diagnostics: expect.stringContaining('start again') },
    ]);
  });

  it.each(['$everything', '$summary'])('may write the dollar of %s as %%24', async (operation) => {
    const paths = [operation, operation.replace('$', '%24')].map((name) => `/fhir/Patient/${ANNE}/${name}`);
    const [plain, encoded] = await Promise.all(paths.map((path) => region.ask(path, { roles: ['clinician'] })));
    expect([plain!.status, encoded!.status]).toEqual([200, 200]);
    expect(encoded!.body.entry.length).toBe(plain!.body.entry.length);
  });

  it('is given links to the address of this server, whatever Host and X-Forwarded-Host say', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { body } = await region.ask(`/fhir/Patient/${ANNE}/$everything?_count=1`, { roles: ['clinician'], headers });
    for (const { url } of (body as Bundle).link) expect(url.startsWith(`${region.url}/fhir/`)).toBe(true);
  });

  it('finds in record, $everything and $summary nothing that names a withheld entry, and in its place that it is masked', async () => {
    const display = 'HIV infection, newly diagnosed';
    const reason = { reference: 'Condition/hiv1', display };
    const { effectiveDateTime: _, valueQuantity: __, ...about } = observation(EDDA, 'e1');
    await region.publish('RX901', EDDA, { ...condition(EDDA, 'hiv1'), code: { text: 'a condition' } });
    await region.publish('RX901', EDDA, {
      ...{ resourceType: 'Encounter', id: 'e1', status: 'in-progress', subject: about['subject'] },
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      reasonReference: [reason],
      diagnosis: [{ condition: reason }],
    });
    await region.publish('RX901', EDDA, {
      ...{ resourceType: 'MedicationRequest', id: 'm1', status: 'active', intent: 'order', subject: about['subject'] },
      medicationCodeableConcept: { text: 'a tablet' },
      reasonReference: [reason],
    });
    await region.decide(EDDA, {
      authority: 'withheld-item',
      provision: provision('deny', ['direct-care'], {
        limits: [{ kind: 'entries', entries: [{ entry: 'Condition/hiv1', reach: 'instance' }] }],
      }),
    });
    const paths = [`/records/${EDDA}`, `/fhir/Patient/${EDDA}/$everything`, `/fhir/Patient/${EDDA}/$summary`];
    const answers = await Promise.all(paths.map((path) => region.ask(path, { roles: ['clinician'] })));
    for (const { text } of answers) {
      expect(text).not.toMatch(/HIV|hiv1/);
      expect(text).toContain('"valueCode":"masked"');
    }
    for (const { body } of answers.slice(1)) expect(fhirProblems(body)).toEqual([]);
    expect(answers[1]!.body.entry).toHaveLength(3);
  });

  it('is told in a summary that something is withheld, unless the policy has nothing said', async () => {
    const emptyReasonsOf = async () => {
      const { text, body } = await region.ask(`/fhir/Patient/${CARL}/$summary`, { roles: ['clinician'] });
      const { section } = body.entry[0].resource;
      const codes = section.map(
        ({ emptyReason }: { emptyReason?: { coding: [{ code: string }] } }) => emptyReason?.coding[0].code,
      );
      return { codes, isSaid: text.includes(NOTICE) };
    };
    expect(await emptyReasonsOf()).toEqual({ codes: ['withheld', 'withheld', 'withheld'], isSaid: true });
    const { policy } = await region.wiring.policies.current();
    await applyPolicy(region.wiring, { ...policy, notices: { silent: ['withheld-item'] } });
    expect(await emptyReasonsOf()).toEqual({ codes: ['unavailable', 'unavailable', 'unavailable'], isSaid: false });
    expect((await everything(CARL)).entry!.map(({ search }) => search.mode)).toEqual(['match', 'match']);
  });

  it('is told in record, $everything and $summary that something is in quarantine, and no more once it is denied anything', async () => {
    const of = async (path: string) => (await region.ask(path, { roles: ['clinician'] })).body;
    const isSaid = async () => {
      const [summary, pages, record] = await Promise.all(
        [`fhir/Patient/${DORA}/$summary`, `fhir/Patient/${DORA}/$everything`, `records/${DORA}`].map((path) => of(`/${path}`)),
      );
      const [composition] = summary.entry ?? [];
      const outcomes = (pages.entry ?? []).filter(({ search }: { search?: { mode: string } }) => search?.mode === 'outcome');
      return {
        summary: JSON.stringify(composition ?? '').includes(WAITING),
        everything: JSON.stringify(outcomes).includes(WAITING),
        record: record.waiting === true,
      };
    };
    const all = (said: boolean) => ({ summary: said, everything: said, record: said });
    await region.publish('RX901', DORA, observation(DORA, 'd1'));
    expect(await isSaid()).toEqual(all(false));
    await region.publish('RX901', DORA, { resourceType: 'AllergyIntolerance', id: 'broken' });
    expect(await isSaid()).toEqual(all(true));
    expect(await of(`/fhir/Patient/${BERT}/$everything`)).not.toHaveProperty('entry.1');
    await region.decide(DORA, {
      authority: 'withheld-item',
      provision: provision('deny', ['direct-care'], {
        limits: [{ kind: 'entries', entries: [{ entry: 'Observation/not-there', reach: 'instance' }] }],
      }),
    });
    expect(await isSaid()).toEqual(all(false));
  });

  it('is told in record, $everything and $summary that something is arriving, until it is there', async () => {
    const paths = [`/records/${EVE}`, `/fhir/Patient/${EVE}/$everything`, `/fhir/Patient/${EVE}/$summary`];
    const answers = () => Promise.all(paths.map((path) => region.ask(path, { roles: ['clinician'] })));
    const isSaid = async () => {
      const [record, ...fhir] = await answers();
      return [record!.body.waiting === true, ...fhir.map(({ text }) => text.includes(WAITING))];
    };
    await region.publish('RX901', EVE, observation(EVE, 'e1'));
    await region.stopRecordProjector();
    await region.send('RX901', EVE, observation(EVE, 'e2'));
    // Until they look again, readers are told what was so a second ago.
    while ((await isSaid()).includes(false)) await region.wiring.timers.sleep(50);
    expect((await region.ask(`/records/${EVE}`, { roles: ['clinician'] })).body.entries).toHaveLength(1);
    await region.startRecordProjector();
    while ((await isSaid()).includes(true)) await region.wiring.timers.sleep(50);
    expect((await region.ask(`/records/${EVE}`, { roles: ['clinician'] })).body.entries).toHaveLength(2);
  });

  it('gets an International Patient Summary that is valid FHIR R4', async () => {
    const summary = (await client.operation({
      name: 'summary',
      resourceType: 'Patient',
      id: ANNE,
      method: 'GET',
    })) as unknown as {
      type: string;
      entry: { resource: { resourceType: string; section: { title: string; entry?: object[] }[] } }[];
    };
    expect(summary.type).toBe('document');
    expect(fhirProblems(summary as never)).toEqual([]);
    const [composition, who] = summary.entry;
    expect(composition!.resource.resourceType).toBe('Composition');
    expect(who!.resource).toMatchObject({ resourceType: 'Patient', birthDate: '1950-03-04' });
    expect(summary.entry.map(({ resource }) => resource.resourceType)).toContain('Condition');
  });

  it.each([
    ['Patient/9990000019/$everything', 400, 'invalid'],
    [`Patient/${ANNE}/$everything?_count=none`, 400, 'invalid'],
    [`Patient/${ANNE}/$everything?_offset=10`, 400, 'invalid'],
    [`Patient/${ANNE}/$everything?_after=RX901/Observation/o1`, 400, 'invalid'],
    [`Patient/${ANNE}/$everything?_after=RX901/Observation/o1&_asAt=today`, 400, 'invalid'],
    [`Patient/${ANNE}/$everything?_type=Observation`, 400, 'invalid'],
    [`Patient/${ANNE}/$everything?purpose=research`, 403, 'forbidden'],
    [`Patient/${NOBODY}/$everything`, 404, 'not-found'],
    [`Patient/${NOBODY}/$summary`, 404, 'not-found'],
    ['Observation/1', 404, 'not-found'],
  ])('gets an OperationOutcome from %s: %d, %s', async (path, status, code) => {
    const answer = await region.ask(`/fhir/${path}`, { roles: ['clinician'] });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json');
    expect(answer.body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] });
    expect(fhirProblems(answer.body)).toEqual([]);
  });

  it.each([
    ['GET', `Patient/${ANNE}/$everything`, { accept: 'application/fhir+xml' }, 406, null],
    ['GET', `Patient/${ANNE}/$summary?_format=xml`, {}, 406, null],
    ['GET', 'metadata', { accept: 'text/html;q=0.9, application/fhir+xml' }, 406, null],
    ['DELETE', `Patient/${ANNE}/$everything`, {}, 405, 'GET, HEAD'],
    ['PUT', 'metadata', {}, 405, 'GET, HEAD'],
    ['DELETE', 'Condition/1', {}, 404, null],
  ] as const)('gets an OperationOutcome from %s %s with %o: %d', async (method, path, headers, status, allow) => {
    const answer = await region.ask(`/fhir/${path}`, { roles: ['clinician'], method, headers });
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow]);
    expect(answer.headers.get('content-type')).toBe('application/fhir+json');
    expect(fhirProblems(answer.body)).toEqual([]);
    expect(answer.text).not.toContain(ANNE);
  });
});
