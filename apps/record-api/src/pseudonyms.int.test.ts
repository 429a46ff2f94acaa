import { PROJECTIONS, type Purpose, PURPOSES } from '@weft/domain';
import { keysOfPerson, readRecord, StreamDeleted } from '@weft/processing';
import { createLogger, type Role } from '@weft/service';
import { ANNE, BERT, condition, observation, openRegion, patient, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const BEYOND = PROJECTIONS.filter(({ identifies }) => !identifies);
const ROLES: readonly Role[] = ['governance', 'operations', 'clinician'];
/** What stands for the parts of an address; of a purpose every one. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  nhs: [ANNE, BERT],
  purpose: PURPOSES,
  version: ['1'],
};

/** What purposes beyond individual care call the person, their entries, and the organisations of these. */
async function pseudonymsOf({ wiring }: Region, nhsNumber: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const projection of BEYOND) {
    for (const key of await keysOfPerson(wiring.store, wiring.keys.patient(nhsNumber))) {
      const name = wiring.keys.view(projection.purpose, key);
      found.add(name);
    }
    for (const entry of (await readRecord(wiring, wiring.keys.patient(nhsNumber), projection.purpose)).record.entries) {
      found.add(entry.id);
      if (projection.purpose === 'research') found.add(entry.organisation);
    }
  }
  return found;
}

describe('what purposes beyond individual care call a person', () => {
  let region: Region;
  let names: ReadonlySet<string>;
  const logged: string[] = [];
  const acts: string[] = [];
  beforeAll(async () => {
    const log = createLogger({ logLevel: 'trace' }, { write: (line) => void logged.push(line) });
    region = await openRegion({ service: { log } });
    for (const resource of [patient(ANNE), condition(ANNE, 'c1'), observation(ANNE, 'o1'), observation(ANNE, 'o2')])
      await region.publish('RX901', ANNE, resource);
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: ANNE } } }];
    await region.publish('RX901', BERT, { ...patient(BERT), id: 'b', link }, 'patient-merged-1');
    await region.publish('RX901', ANNE, { resourceType: 'Observation', id: 'bad', status: 'nonsense' });
    for (const { purpose } of BEYOND) {
      const project = await Subscriber.open(region, `${purpose}?from=beginning`, { subject: 'a project' });
      await project.until(isUpToDate);
      await project.leave();
    }
    names = await pseudonymsOf(region, ANNE);
    for (const { purpose } of BEYOND) {
      await reIdentify(purpose, { nhsNumber: ANNE });
      await reIdentify(purpose, { pseudonym: region.wiring.keys.view(purpose, region.wiring.keys.patient(ANNE)) });
    }
  });
  afterAll(() => region.close());

  /** The one act that joins the two leaves nothing behind that does. */
  async function reIdentify(purpose: Purpose, known: object): Promise<void> {
    const post = (path: string, subject: string, body: object) => region.govern(subject, `/re-identifications${path}`, body);
    const { id } = (await post('', 'anna', { purpose, reason: 'They left the study', ...known })).body;
    await post(`/${id}/authorisations`, 'bert', known);
    const { body } = await post(`/${id}/disclosures`, 'anna', known);
    expect(body).toMatchObject({ nhsNumber: ANNE, pseudonym: expect.any(String) });
    acts.push(id);
  }

  /** Every GET route of the app and what can be asked with it, as its own document says. */
  async function addresses(): Promise<string[]> {
    const { paths } = (await region.ask('/docs-json')).body as { paths: Record<string, Record<string, { parameters?: any[] }>> }; // eslint-disable-line @typescript-eslint/no-explicit-any -- OpenAPI
    const found = Object.entries(paths).flatMap(([path, { get }]) => {
      if (get === undefined || path.startsWith('/record-changes')) return [];
      let filled = [path];
      for (const part of path.match(/\{\w+\}/g) ?? [])
        filled = filled.flatMap((one) => (PARTS[part.slice(1, -1)] ?? ['none']).map((value) => one.replace(part, value)));
      const asked = new Set((get.parameters ?? []).map(({ name }: { name: string }) => name));
      const queries = [
        ...(asked.has('purpose') ? PURPOSES.map((purpose) => `purpose=${purpose}`) : ['']),
        ...(asked.has('limit') ? PURPOSES.map((purpose) => `purpose=${purpose}&limit=1`) : []),
        ...(asked.has('_count') ? PURPOSES.map((purpose) => `purpose=${purpose}&_count=1`) : []),
      ];
      return filled.flatMap((one) => queries.map((query) => (query === '' ? one : `${one}?${query}`)));
    });
    const { body } = await region.ask('/quarantine', { roles: ['governance'] });
    const more = acts.map((id) => `/re-identifications/${id}`);
    return [
      ...found,
      ...more,
      ...body.map(({ id }: { id: string }) => `/quarantine/${encodeURIComponent(id)}`),
      '/metrics',
      '/readyz',
    ];
  }

  /** Where an answer goes on: pages, and what was merged. */
  function linksIn({ body, headers }: Awaited<ReturnType<Region['ask']>>): string[] {
    const bundled = (body?.link ?? []).filter(({ relation }: { relation: string }) => relation === 'next');
    const next = [body?.next, ...bundled.map(({ url }: { url: string }) => url), headers.get('content-location')];
    return next.filter((one) => typeof one === 'string').map((one) => one.replace(region.url, ''));
  }

  it('is in no answer to who may know the number: body, header, tag and link', async () => {
    expect(names.size).toBeGreaterThan(10);
    const given = new Set<string>();
    const asked = new Set<string>();
    const ask = async (role: Role, path: string): Promise<void> => {
      if (asked.has(`${role} ${path}`)) return;
      asked.add(`${role} ${path}`);
      const answer = await region.ask(path, { roles: [role] });
      if (answer.status === 200) given.add(path);
      const text = `${answer.text}\n${JSON.stringify([...answer.headers])}`;
      expect({ role, path, found: [...names].filter((name) => text.includes(name)) }).toEqual({ role, path, found: [] });
      for (const next of linksIn(answer)) await ask(role, next);
    };
    const all = await addresses();
    for (const role of ROLES) await Promise.all(all.map((path) => ask(role, path)));
    for (const path of [`/records/${ANNE}?purpose=research`, `/records/${ANNE}/explain`, `/records/${ANNE}/audit`, '/audit'])
      expect(given).toContain(path);
  });

  it('is told a person’s audit by the day, and not by the request that the subscriber knows', async () => {
    const { entries } = (await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] })).body;
    const told = entries.filter(({ action }: { action: string }) => action === 'told');
    expect(told.map(({ purpose }: { purpose: string }) => purpose)).toEqual(expect.arrayContaining(['research']));
    for (const entry of told) expect(entry).toMatchObject({ time: expect.stringContaining('T00:00:00.000Z'), request: null });
  });

  it('is in no line of the log, whatever fails', async () => {
    const { store } = region.wiring;
    const append = store.append.bind(store);
    store.append = async (stream, ...rest) => {
      if (stream.startsWith('auditOf-')) throw new StreamDeleted(stream);
      return append(stream, ...rest);
    };
    try {
      for (const { purpose } of BEYOND) {
        const project = await Subscriber.open(region, `${purpose}?from=beginning`, { subject: 'another project' });
        await project.ended;
      }
    } finally {
      store.append = append;
    }
    const text = logged.join('');
    expect(text).toContain('auditOf-[pseudonym] was deleted');
    expect([...names].filter((name) => text.includes(name))).toEqual([]);
  });
});
