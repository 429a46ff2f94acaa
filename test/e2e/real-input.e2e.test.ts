import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { consentOf, fhirProblems } from '@weft/care-events';
import { PURPOSES, type Purpose, type Resource, provision } from '@weft/domain';
import { readRecord, recordChangesTopic, verifyViews } from '@weft/processing';
import { issueToken } from '@weft/service';
import { Client } from 'fhir-kit-client';
import { outsideEngines, publishBundle, samples, startRegion, type Region, type Sample } from './region.js';

const WEFT = join(import.meta.dirname, '..', '..', 'tools', 'weft.mjs');

const SAMPLES = samples();
const withSamples = SAMPLES.length === 0 ? describe.skip : describe;

/** The samples' Patients have ids made for the message, and identifiers: those are what they are known by. */
const asCalled = (id: string): string => id.replace(/(^|\/)Patient\/.*$/, '$1Patient');

/** Of each person the ids of all their entries: one for each distinct organisation, type and id. */
function expectedEntries(): Map<string, Set<string>> {
  const expected = new Map<string, Set<string>>();
  for (const { organisation, nhsNumber, text } of SAMPLES) {
    const entries = expected.get(nhsNumber) ?? new Set();
    expected.set(nhsNumber, entries);
    for (const { resource } of JSON.parse(text).entry) entries.add(`${organisation}/${resource.resourceType}/${resource.id}`);
  }
  return expected;
}

async function publishAll(region: Region, order: readonly Sample[]): Promise<void> {
  for (const sample of order) await publishBundle(region, sample);
  await region.settled();
}

/** As `weft publish` sends the files of one organisation, in this order. Gives how many of their entries were taken. */
async function publishFiles({ url, service }: Region, organisation: string, files: readonly string[]): Promise<number> {
  const env = { ...outsideEngines(), WEFT_URL: url, WEFT_DATA_DIR: service.settings.dataDirectory };
  const args = [WEFT, 'publish', ...files, '--org', organisation, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  const { accepted, kept = 0, refused } = JSON.parse(stdout) as { accepted: number; kept?: number; refused: number };
  expect(refused).toBe(0);
  return accepted + kept;
}

/** The bytes that a reader is given. */
async function bytesOf(region: Region, nhsNumber: string, purpose: Purpose): Promise<string> {
  const response = await region.as(['governance'], `/records/${nhsNumber}?purpose=${purpose}`);
  expect(response.status).toBe(200);
  return response.text();
}

interface Read {
  readonly entries: readonly { readonly id: string }[];
  readonly withheld: number;
}

const record = async (region: Region, nhsNumber: string, purpose: Purpose) =>
  JSON.parse(await bytesOf(region, nhsNumber, purpose)) as Read;

/** What a purpose's topic holds of each subject, key by key, tombstones left out; and the topic's ends. */
async function told({ wiring }: Region, purpose: Purpose) {
  const topic = recordChangesTopic(purpose);
  const bySubject = new Map<string, Map<string, string>>();
  const ends = await wiring.bus.offsets(topic);
  for (const { partition, low, high } of ends) {
    for (let offset = low; offset < high;) {
      const page = await wiring.bus.read(topic, partition, offset, 1_000);
      for (const { key, value, headers } of page) {
        const subject = headers['ce_subject'] as string;
        const standing = bySubject.get(subject) ?? new Map<string, string>();
        bySubject.set(subject, standing);
        if (value === null) standing.delete(key);
        else standing.set(key, Buffer.from(value).toString());
      }
      offset = (page.at(-1)?.offset ?? high) + 1;
    }
  }
  return { bySubject, messages: ends.reduce((sum, { high }) => sum + high, 0) };
}

interface Bundle {
  readonly total: number;
  readonly link: readonly { readonly relation: string }[];
  readonly entry: readonly { readonly resource: Resource }[];
}

const subjectOf = ({ wiring }: Region, nhsNumber: string, purpose: Purpose) =>
  wiring.keys.view(purpose, wiring.keys.patient(nhsNumber));

async function decide(region: Region, nhsNumber: string, effect: 'permit' | 'deny'): Promise<void> {
  const decision = { authority: 'local-dissent', status: 'active', decidedBy: 'patient' } as const;
  const about = { subject: nhsNumber, consentId: randomUUID(), decidedAt: new Date().toISOString() };
  const consent = consentOf({ ...decision, ...about, provision: provision(effect, ['research']) });
  const response = await region.as(['governance'], '/consents', {
    method: 'POST',
    body: JSON.stringify(consent),
    headers: { 'content-type': 'application/fhir+json' },
  });
  expect(response.status).toBe(200);
}

withSamples('a region of four organisations and 48 people, on the sample Bundles', () => {
  let region: Region;
  const people = [...expectedEntries().keys()];
  const everyEntryOnce = async () => {
    for (const [nhsNumber, ids] of expectedEntries()) {
      const { entries } = await record(region, nhsNumber, 'direct-care');
      expect(entries.map(({ id }) => asCalled(id)).sort()).toEqual([...ids].map(asCalled).sort());
    }
  };
  const allBytes = (who: readonly string[]) =>
    Promise.all(who.flatMap((nhsNumber) => PURPOSES.map((purpose) => bytesOf(region, nhsNumber, purpose))));

  beforeAll(async () => {
    region = await startRegion();
    await publishAll(region, SAMPLES);
  }, 300_000);
  afterAll(() => region.close());

  it('has every entry of everybody in their direct-care record exactly once', everyEntryOnce, 300_000);

  it('is the same to the byte when everything is published again', async () => {
    const before = await allBytes(people);
    await publishAll(region, [...SAMPLES].reverse());
    await everyEntryOnce();
    expect(await allBytes(people)).toEqual(before);
  }, 300_000);

  it('has views that verify finds without a difference, the same when weft publish sends the files in another order', async () => {
    const report = await verifyViews(region.wiring);
    expect(report).toMatchObject({ records: people.length, views: people.length * 4, differing: [] });
    const other = await startRegion();
    let accepted = 0;
    for (const organisation of ['RX903', 'Y90001', 'RX902', 'RX901']) {
      const files = SAMPLES.filter((sample) => sample.organisation === organisation).map(({ path }) => path);
      accepted += await publishFiles(other, organisation, files.reverse());
    }
    await other.settled();
    expect(accepted).toBe(SAMPLES.reduce((sum, { text }) => sum + JSON.parse(text).entry.length, 0));
    expect((await verifyViews(other.wiring)).digests).toEqual(report.digests);
    await other.close();
  }, 300_000);

  it('has in each purpose’s topic exactly what the views hold', async () => {
    for (const { purpose } of region.wiring.projections) {
      const { bySubject } = await told(region, purpose);
      for (const nhsNumber of people) {
        const subject = subjectOf(region, nhsNumber, purpose);
        const { record } = await readRecord(region.wiring, region.wiring.keys.patient(nhsNumber), purpose);
        const texts = [...(bySubject.get(subject)?.values() ?? [])];
        const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
        expect(texts.map((text) => JSON.parse(text) as { id: string }).sort(byId)).toEqual([...record.entries].sort(byId));
      }
    }
  }, 120_000);

  it('gives a FHIR client each record whole, page by page, and each summary as valid FHIR R4', async () => {
    const { settings, clock } = region.service;
    const bearerToken = await issueToken(settings, clock, { roles: ['clinician'], organisation: 'RX901' });
    const client = new Client({ baseUrl: `${region.url}/fhir`, bearerToken });
    const ask = (name: string, id: string, input: Record<string, number>) =>
      client.operation({ name, resourceType: 'Patient', id, method: 'GET', input }) as unknown as Promise<Bundle>;
    const byEntries = [...expectedEntries()].sort(([, a], [, b]) => b.size - a.size);
    for (const [nhsNumber, ids] of byEntries.slice(0, 3)) {
      const found: string[] = [];
      let pages = 0;
      for (let page: Bundle | undefined = await ask('everything', nhsNumber, { _count: 50 }); page !== undefined; pages += 1) {
        expect(page.total).toBe(ids.size);
        found.push(...page.entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`));
        const hasNext = page.link.some(({ relation }) => relation === 'next');
        page = hasNext ? ((await client.nextPage({ bundle: page } as never)) as unknown as Bundle) : undefined;
      }
      expect(pages).toBe(Math.ceil(ids.size / 50));
      expect(found.map(asCalled).sort()).toEqual([...ids].map((id) => asCalled(id.slice(id.indexOf('/') + 1))).sort());
    }
    for (const nhsNumber of people) {
      const summary = await ask('summary', nhsNumber, {});
      expect(summary).toMatchObject({
        resourceType: 'Bundle',
        type: 'document',
        entry: { 0: { resource: { resourceType: 'Composition' } } },
      });
      expect(fhirProblems(summary as unknown as Resource)).toEqual([]);
    }
  }, 120_000);

  it('empties the research view and topic of whoever opts out, leaves everybody else’s bytes alone, and gives all back after opting in', async () => {
    const [person, ...others] = people as [string, ...string[]];
    const subject = subjectOf(region, person, 'research');
    const theirs = await allBytes(others);
    const { digests } = await verifyViews(region.wiring);
    const before = { research: await record(region, person, 'research'), topic: await told(region, 'research') };
    const mine = before.topic.bySubject.get(subject) as Map<string, string>;
    expect(mine.size).toBe(before.research.entries.length);
    expect(mine.size).toBeGreaterThan(0);

    await decide(region, person, 'deny');
    expect(await record(region, person, 'research')).toMatchObject({ entries: [], withheld: mine.size });
    const after = await told(region, 'research');
    expect(after.bySubject.get(subject)).toEqual(new Map());
    // A withdrawal for each entry, and not a word about anybody else.
    expect(after.messages).toBe(before.topic.messages + mine.size);
    expect(await allBytes(others)).toEqual(theirs);
    expect((await verifyViews(region.wiring)).differing).toEqual([]);

    await decide(region, person, 'permit');
    expect(await record(region, person, 'research')).toMatchObject({ entries: before.research.entries, withheld: 0 });
    expect((await told(region, 'research')).bySubject).toEqual(before.topic.bySubject);
    expect(await allBytes(others)).toEqual(theirs);
    expect(await verifyViews(region.wiring)).toMatchObject({ digests, differing: [] });
  }, 120_000);
});
