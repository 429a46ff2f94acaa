import { fhirProblems } from '@weft/care-events';
import { Client } from 'fhir-kit-client';
import { NOTICE, provision } from '@weft/domain';
import { applyPolicy } from '@weft/processing';
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
    expect(await everything(BERT)).toMatchObject({ total: 0, entry: [{ search: { mode: 'outcome' } }] });
  });

  it('is told on the first page alone that something is withheld, and to start again when it is told of it between two pages', async () => {
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
    await expect(follow(whole)).rejects.toMatchObject({ response: { status: 410 } });
    const pages = await pagesOf(await everything(CARL, { _count: 1 }));
    expect(pages.map(modes)).toEqual([['match', 'outcome'], ['match']]);
    expect(pages.map(({ total }) => total)).toEqual([2, 2]);
    expect(pages[0]!.entry![1]!.resource).toMatchObject({ issue: [{ code: 'suppressed', details: { text: NOTICE } }] });
    for (const page of pages) expect(fhirProblems(page as never)).toEqual([]);
    // One more that this reader never saw changes nothing of what they see.
    const first = await everything(CARL, { _count: 1 });
    await region.publish('RX901', CARL, observation(CARL, 'b4', '2026-01-01'));
    await withheld('Observation/b4');
    expect(await everything(CARL, { _count: 1 })).toEqual(first);
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
