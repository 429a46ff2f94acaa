import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fhirProblems } from '@weft/care-events';
import { readRecord } from '@weft/processing';
import { issueToken } from '@weft/service';
import { Client } from 'fhir-kit-client';
import { type Region, startRegion } from '../e2e/region.js';

const run = promisify(execFile);
const HAPI = fileURLToPath(new URL('./hapi', import.meta.url));
const ANNE = '9990000018';
const BERT = '9990000026';
const condition = (id: string | undefined, text: unknown = 'Asthma', subject = ANNE) => ({
  ...{ resourceType: 'Condition', ...(id !== undefined && { id }), code: typeof text === 'string' ? { text } : text },
  subject: { type: 'Patient', identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: subject } },
});
const put = (resource: { readonly id?: string }) => ({ resource, request: { method: 'PUT', url: `Condition/${resource.id}` } });

interface Bundle {
  readonly type: string;
  readonly entry: readonly { readonly response: { readonly status: string; readonly outcome?: object } }[];
}

let region: Region;
let bearerToken: string;
beforeAll(async () => {
  region = await startRegion();
  const { settings, clock } = region.service;
  bearerToken = await issueToken(settings, clock, { roles: ['publisher'], organisation: 'RX901' });
});
afterAll(() => region.close());

/** The texts of a person’s conditions, by id. */
async function conditionsOf(number: string): Promise<Record<string, unknown>> {
  await region.settled();
  const { record } = await readRecord(region.wiring, region.wiring.keys.patient(number), 'direct-care');
  return Object.fromEntries(
    record.entries.map(({ id, resource }) => [id.split('/').at(-1), (resource['code'] as { text: string }).text]),
  );
}

describe('fhir-kit-client', () => {
  const client = () => new Client({ baseUrl: `${region.url}/fhir`, bearerToken });
  const refusal = async (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: { response: { status: number; data: { resourceType: string; issue: { expression: string[] }[] } } }) =>
        error.response,
    );

  it('reads metadata, without a token', async () => {
    const statement = await new Client({ baseUrl: `${region.url}/fhir` }).capabilityStatement();
    expect(statement).toMatchObject({ resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' });
    expect(JSON.stringify(statement)).toContain('SMART-on-FHIR');
    expect(fhirProblems(statement)).toEqual([]);
  });

  it('publishes a transaction and a batch', async () => {
    const transaction = { resourceType: 'Bundle', type: 'transaction', entry: [put(condition('k1')), put(condition('k2'))] };
    const done = (await client().transaction({ body: transaction } as never)) as unknown as Bundle;
    expect([done.type, done.entry.map(({ response }) => response.status)]).toEqual([
      'transaction-response',
      ['200 OK', '200 OK'],
    ]);
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [put(condition('k3')), put(condition('k4', 5))] };
    const answered = (await client().batch({ body: batch } as never)) as unknown as Bundle;
    expect([answered.type, answered.entry.map(({ response }) => response.status)]).toEqual([
      'batch-response',
      ['200 OK', '422 Unprocessable Entity'],
    ]);
    const failed = await refusal(
      client().transaction({
        body: { ...batch, type: 'transaction', entry: [put(condition('k5')), put(condition('k6', 5))] },
      } as never),
    );
    expect(failed).toMatchObject({
      status: 422,
      data: { resourceType: 'OperationOutcome', issue: [{ expression: ['entry[1].resource.code'] }] },
    });
    expect(await conditionsOf(ANNE)).toEqual({ k1: 'Asthma', k2: 'Asthma', k3: 'Asthma' });
  });

  it('creates, updates and deletes', async () => {
    const headers = { prefer: 'return=representation' };
    const created = await client().create({
      resourceType: 'Condition',
      body: condition(undefined, 'Eczema', BERT),
      options: { headers },
    } as never);
    const { id } = created as unknown as { id: string };
    await client().update({ resourceType: 'Condition', id, body: condition(id, 'Gout', BERT) } as never);
    expect(await conditionsOf(BERT)).toEqual({ [id]: 'Gout' });
    await client().delete({ resourceType: 'Condition', id });
    expect(await conditionsOf(BERT)).toEqual({});
    expect(await refusal(client().create({ resourceType: 'Condition', body: condition('k7', 5) } as never))).toMatchObject({
      status: 422,
      data: { resourceType: 'OperationOutcome' },
    });
  });
});

describe('the CapabilityStatement', () => {
  it('lists the interactions that there are, and no other', async () => {
    const { rest } = (await (await fetch(`${region.url}/fhir/metadata`)).json()) as {
      rest: [
        {
          resource: {
            type: string;
            interaction: { code: string }[];
            conditionalUpdate: boolean;
            operation?: { name: string }[];
          }[];
          interaction: { code: string }[];
          operation: { name: string }[];
        },
      ];
    };
    const [{ resource, interaction, operation }] = rest;
    const said = resource.flatMap(({ type, interaction, conditionalUpdate, operation = [] }) => [
      ...interaction.map(({ code }) => `${code} ${type}`),
      ...(conditionalUpdate ? [`conditional ${type}`] : []),
      ...operation.map(({ name }) => `$${name} ${type}`),
    ]);
    const types = readFileSync(fileURLToPath(new URL('../../libs/domain/src/resource-types.ts', import.meta.url)), 'utf8').match(
      /\b[A-Z][A-Za-z]+\b/g,
    )!;
    const there: string[] = [];
    const headers = { 'content-type': 'application/fhir+json' };
    const isThere = async (method: string, path: string, role: 'publisher' | 'clinician' = 'publisher', body?: string) => {
      const answer = await region.as([role], `/fhir/${path}`, { method, ...(body !== undefined && { headers, body }) });
      const text = await answer.text();
      return answer.status !== 405 && !/no such type|nothing at this address/.test(text) && !/known by its id alone/.test(text);
    };
    const bodyOf = (type: string) => JSON.stringify({ resourceType: type });
    for (const type of new Set(types)) {
      if (await isThere('POST', type, 'publisher', '{}')) there.push(`create ${type}`);
      if (await isThere('PUT', `${type}/1`, 'publisher', '{}')) there.push(`update ${type}`);
      if (await isThere('DELETE', `${type}/1`)) there.push(`delete ${type}`);
      if (await isThere('PUT', `${type}?identifier=a|b`, 'publisher', bodyOf(type))) there.push(`conditional ${type}`);
      if (await isThere('GET', `${type}/1`, 'clinician')) there.push(`read ${type}`);
      if (await isThere('GET', type, 'clinician')) there.push(`search ${type}`);
      for (const name of ['everything', 'summary', 'validate'])
        if (await isThere('GET', `${type}/${ANNE}/$${name}`, 'clinician')) there.push(`$${name} ${type}`);
    }
    expect(there.sort()).toEqual(said.sort());
    const modes = interaction.map(({ code }) => code);
    for (const type of modes) {
      const body = JSON.stringify({ resourceType: 'Bundle', type, entry: [put(condition(`c-${type}`))] });
      const answer = await region.as(['publisher'], '/fhir', { method: 'POST', headers, body });
      expect(((await answer.json()) as Bundle).type).toBe(`${type}-response`);
    }
    expect([modes, operation.map(({ name }) => name)]).toEqual([['transaction', 'batch'], ['process-message']]);
    expect(await isThere('POST', '$process-message', 'publisher', '{}')).toBe(true);
  });
});

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const whereThereIsHapi = runs('javac', '-version') && runs('mvn', '--version') ? describe : describe.skip;

whereThereIsHapi('HAPI’s client (needs a JDK 17 and Maven)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hapi-fhir-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('reads metadata, publishes a transaction and a batch, creates, updates and deletes', async () => {
    const person = '9990000042';
    const classpath = join(directory, 'classpath');
    await run('mvn', ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`], { cwd: HAPI });
    const program = [
      '-cp',
      readFileSync(classpath, 'utf8'),
      join(HAPI, 'Publish.java'),
      `${region.url}/fhir`,
      bearerToken,
      person,
    ];
    const { stdout } = await run('java', program);
    expect(stdout.trim().split('\n')).toEqual([
      'metadata 4.0.1',
      'create true 36',
      'update true true',
      'transaction transaction-response 200 200',
      'batch batch-response 200 422',
      'refused 422 entry[1].resource',
      'delete',
    ]);
    expect(Object.values(await conditionsOf(person)).sort()).toEqual(['Asthma', 'Asthma', 'Gout']);
  }, 300_000);
});
