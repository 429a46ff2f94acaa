import { fhirProblems } from '@weft/care-events';
import { Client } from 'fhir-kit-client';
import { ANNE, BERT, condition, NOBODY, observation, openRegion, patient, type Region } from './region.fixture.js';

interface Bundle {
  readonly type: string;
  readonly total: number;
  readonly link: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource: { readonly resourceType: string; readonly id: string } }[];
}

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

  it('is told to start again when the record changed between two pages, and never skips an entry', async () => {
    const first = await everything(ANNE, { _count: 10 });
    await region.publish('RX901', ANNE, observation(ANNE, 'between', '2025-01-01T09:00:00Z'));
    const { status, body, headers } = await region.ask(nextOf(first)!.slice(region.url.length), { roles: ['clinician'] });
    expect(status).toBe(410);
    expect(headers.get('content-type')).toBe('application/fhir+json');
    expect(body.issue).toEqual([{ severity: 'error', code: 'conflict', diagnostics: expect.stringContaining('start again') }]);
    const again = await pagesOf(await everything(ANNE, { _count: 10 }));
    expect(again.flatMap(({ entry }) => entry!)).toHaveLength(26);
  });

  it('is told to start again when an opt-out came between two pages', async () => {
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await region.publish('RX901', BERT, observation(BERT, 'b2'));
    const first = await everything(BERT, { _count: 1 });
    await region.appendDecision(BERT, {});
    await expect(follow(first)).rejects.toMatchObject({ response: { status: 410 } });
    expect(await everything(BERT)).toMatchObject({ total: 0 });
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
});
