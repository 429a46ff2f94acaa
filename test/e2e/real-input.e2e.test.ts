import { randomUUID } from 'node:crypto';
import { consentOf } from '@weft/care-events';
import { verifyViews } from '@weft/processing';
import { publishBundle, samples, startRegion, type Region, type Sample } from './region.js';

const SAMPLES = samples();
const withSamples = SAMPLES.length === 0 ? describe.skip : describe;

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

async function record(region: Region, nhsNumber: string, purpose: string) {
  const response = await region.as(['governance'], `/records/${nhsNumber}?purpose=${purpose}`);
  expect(response.status).toBe(200);
  return response.json() as Promise<{ entries: { id: string }[]; withheld: number; digest: string }>;
}

async function decide(region: Region, nhsNumber: string, effect: 'permit' | 'deny'): Promise<void> {
  const decision = { authority: 'local-dissent', status: 'active', decidedBy: 'patient', exceptions: [] } as const;
  const about = { subject: nhsNumber, consentId: randomUUID(), decidedAt: new Date().toISOString() };
  const consent = consentOf({ ...decision, ...about, provision: { effect, purposes: ['research'] } });
  const response = await region.as(['governance'], '/consents', {
    method: 'POST',
    body: JSON.stringify(consent),
    headers: { 'content-type': 'application/fhir+json' },
  });
  expect(response.status).toBe(200);
}

withSamples('a region of four organisations and 48 people, on the sample Bundles', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
    await publishAll(region, SAMPLES);
  }, 300_000);
  afterAll(() => region.close());

  it('has every entry of everybody in their direct-care record exactly once, twice published or once', async () => {
    await publishAll(region, [...SAMPLES].reverse());
    for (const [nhsNumber, ids] of expectedEntries()) {
      const { entries } = await record(region, nhsNumber, 'direct-care');
      expect(entries.map(({ id }) => id).sort()).toEqual([...ids].sort());
    }
  }, 300_000);

  it('has views that verify finds without a difference, the same whatever the order of the files', async () => {
    const report = await verifyViews(region.wiring);
    expect(report).toMatchObject({ records: expectedEntries().size, views: expectedEntries().size * 4, differing: [] });
    const other = await startRegion();
    await publishAll(
      other,
      [...SAMPLES].sort((a, b) => (a.text < b.text ? -1 : 1)),
    );
    expect((await verifyViews(other.wiring)).digests).toEqual(report.digests);
    await other.close();
  }, 300_000);

  it('empties the research view of whoever opts out, leaves everybody else’s bytes alone, and gives all back after opting in', async () => {
    const [person, ...others] = [...expectedEntries().keys()];
    const before = await verifyViews(region.wiring);
    const mine = await record(region, person as string, 'research');
    const theirs = await Promise.all(others.map((other) => record(region, other, 'research')));
    await decide(region, person as string, 'deny');
    expect(await record(region, person as string, 'research')).toMatchObject({ entries: [], withheld: mine.entries.length });
    expect(await Promise.all(others.map((other) => record(region, other, 'research')))).toEqual(theirs);
    await decide(region, person as string, 'permit');
    expect((await verifyViews(region.wiring)).digests).toEqual(before.digests);
  });
});
