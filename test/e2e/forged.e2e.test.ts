import { join } from 'node:path';
import { AUDIT_PREFIX, bytesOf, CONSENT_PREFIX, type EventStore, NO_STREAM, textOf } from '@weft/processing';
import { openService } from '@weft/service';
import { type Database, loadDriver } from '../../libs/embedded/src/driver.js';
import { Processes } from './processes.js';
import { startRegion } from './region.js';

const NHS = '9990000018';
const LOOKS = 140;
const OF_STREAM = 'id / 16777216 = (SELECT id FROM streams WHERE name = ?)';
const OBJECTION = {
  resourceType: 'Consent',
  status: 'active',
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IDSCL' }] }],
  policyRule: { coding: [{ system: 'urn:weft:decision-authority', code: 'national-data-opt-out' }] },
  patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: NHS } },
  performer: [{ identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: NHS } }],
  dateTime: '2026-01-02T10:00:00Z',
  provision: { type: 'deny', purpose: [{ system: 'urn:weft:purpose', code: 'research' }] },
};

interface Verified {
  readonly differing: readonly unknown[];
  readonly chains: { readonly events: number; readonly unchained: number; readonly damaged: readonly { damage: string }[] };
}

async function streamOf(store: EventStore, prefix: string): Promise<string> {
  for await (const { stream } of store.streams(prefix)) return stream;
  throw new Error(`no stream begins with ${prefix}`);
}

describe('a store that somebody changed by hand', () => {
  let region: Processes;
  const verify = async () => {
    const { status, stdout } = await region.weft('verify', '--json');
    return { status, ...(JSON.parse(stdout) as Verified) };
  };
  const opened = async <T>(work: (store: EventStore) => Promise<T>): Promise<T> => {
    const service = await openService(region.settings);
    try {
      return await work(service.store);
    } finally {
      await service.close();
    }
  };

  beforeAll(async () => {
    region = new Processes({ WEFT_LOG_LEVEL: 'fatal' });
    const running = await startRegion({ directory: region.directory });
    const decided = await running.as(['publisher'], '/consents', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json' },
      body: JSON.stringify(OBJECTION),
    });
    expect([200, 202]).toContain(decided.status);
    await running.settled();
    for (let look = 0; look < LOOKS; look += 1) {
      await running.as(['clinician'], `/records/${NHS}?purpose=direct-care`);
    }
    await running.close();
  }, 120_000);
  afterAll(() => region.close());

  it('is found whole before anything is changed', async () => {
    const { status, chains } = await verify();
    expect({ status, ...chains }).toMatchObject({ status: 0, unchained: 0, damaged: [] });
    expect(chains.events).toBeGreaterThan(2 * LOOKS);
  }, 60_000);

  it('is named where a permit was forged, of which every checksum is right', async () => {
    await opened(async (store) => {
      const stream = await streamOf(store, CONSENT_PREFIX);
      const [denial] = await store.read(stream);
      const data = bytesOf(textOf(denial!.data).replaceAll('"deny"', '"permit"'));
      await store.append(stream, await store.head(stream), [{ id: crypto.randomUUID(), type: 'decision-recorded-2', data }]);
    });
    const { status, chains } = await verify();
    expect({ status, damaged: chains.damaged }).toMatchObject({ status: 1, damaged: [{ damage: 'changed' }] });
  }, 60_000);

  it('is named where a hundred entries of the audit were taken out and the rest written anew, with no word of a replay', async () => {
    const [stream, rest] = await opened(async (store) => {
      const name = await streamOf(store, AUDIT_PREFIX);
      return [name, (await store.read(name)).filter(({ revision }) => revision < 10 || revision >= 110)];
    });
    await inStore((database) => database.prepare(`DELETE FROM events WHERE ${OF_STREAM}`).run(stream));
    await opened(async (store) => store.append(stream, await store.append(stream, NO_STREAM, rest.slice(0, 32)), rest.slice(32)));
    const { status, stdout } = await region.weft('verify');
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`${stream} +10 +\\d+ +changed`));
    expect(stdout).toContain('keep a copy of the store');
    expect(stdout).not.toMatch(/weft replay/);
  }, 60_000);

  it('is named where entries are simply gone', async () => {
    const stream = await opened((store) => streamOf(store, AUDIT_PREFIX));
    await inStore((database) => database.prepare(`DELETE FROM events WHERE ${OF_STREAM} AND id % 16777216 = 0`).run(stream));
    const { status, stderr } = await region.weft('verify');
    expect(status).not.toBe(0);
    expect(stderr).toContain(`stream ${stream} lacks revision 0`);
    expect(stderr).not.toMatch(/weft replay/);
  }, 60_000);

  async function inStore(work: (database: Database) => void): Promise<void> {
    const { DatabaseSync } = await loadDriver();
    const database = new DatabaseSync(join(region.directory, 'weft.db'));
    work(database);
    database.close();
  }
});
