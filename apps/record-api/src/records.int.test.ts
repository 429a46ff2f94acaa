import { NOTICE, type Notices, provision } from '@weft/domain';
import { applyPolicy, bytesOf, careRecordStream, digestOf, readRecord } from '@weft/processing';
import {
  ANNE,
  BERT,
  CARL,
  carePlan,
  condition,
  NOBODY,
  observation,
  openRegion,
  patient,
  type Region,
} from './region.fixture.js';

describe('reading a record', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('Y90001', ANNE, patient(ANNE));
    await region.publish('Y90001', ANNE, condition(ANNE, 'c1'));
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', ANNE, carePlan(ANNE, 'plan'));
  });
  afterAll(() => region.close());

  const read = (nhsNumber: string, purpose = 'direct-care', headers: Record<string, string> = {}) =>
    region.ask(`/records/${nhsNumber}?purpose=${purpose}`, { roles: ['governance'], headers });

  it('gives what the purpose may see, with what it was decided by', async () => {
    const { status, body, headers } = await region.ask(`/records/${ANNE}`, { roles: ['clinician'] });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(Object.keys(body)).toEqual(['purpose', 'policyVersion', 'version', 'entries']);
    expect(body).toMatchObject({ purpose: 'direct-care', policyVersion: 1, version: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(headers.get('etag')).toBe(`"${body.version}"`);
    expect(body.entries.map(({ id }: { id: string }) => id)).toEqual([
      'Y90001/Patient/p1',
      'Y90001/Condition/c1',
      'RX901/Observation/o1',
      'RX901/CarePlan/plan',
    ]);
    expect(body.entries[2]).toEqual({
      id: 'RX901/Observation/o1',
      organisation: 'RX901',
      resourceType: 'Observation',
      occurredAt: '2025-06-01T09:00:00Z',
      recordedAt: expect.stringMatching(/^\d{4}-/),
      nhsNumber: ANNE,
      resource: observation(ANNE, 'o1'),
    });
  });

  it('flags for review what cannot be one person’s, to whoever is given it and to nobody else', async () => {
    const carl = { ...patient(CARL), name: [{ family: 'Archer' }], birthDate: '1950-01-01' };
    await region.publish('Y90001', CARL, carl);
    expect((await read(CARL)).body).not.toHaveProperty('review');
    await region.publish('RX901', CARL, { ...carl, name: [{ family: 'Baker' }], birthDate: '1985-06-07' });
    const fields = ['birthDate', 'family'];
    expect((await region.ask(`/records/${CARL}`, { roles: ['clinician'] })).body.review).toEqual([
      { entry: 'RX901/Patient/p1', fields },
      { entry: 'Y90001/Patient/p1', fields },
    ]);
    for (const purpose of ['care-coordination', 'population-health', 'research'])
      expect((await read(CARL, purpose)).body).not.toHaveProperty('review');
  });

  it.each([1, 3, 4, 1_000])(
    'gives it in pages of %d, which together are the whole, each with what is said of the whole',
    async (limit) => {
      const whole = (await read(ANNE)).body;
      const entries = [];
      const etags = new Set<string>();
      for (let next: string | null = `/records/${ANNE}?purpose=direct-care&limit=${limit}`; next !== null;) {
        const { status, body, headers } = await region.ask(next, { roles: ['governance'] });
        expect(status).toBe(200);
        const { entries: page, total, next: following, ...more } = body;
        const { entries: _, ...ofWhole } = whole;
        expect({ total, ...more }).toEqual({ total: whole.entries.length, ...ofWhole });
        expect(page.length).toBe(Math.min(limit, whole.entries.length - entries.length));
        entries.push(...page);
        etags.add(headers.get('etag')!);
        next = following;
      }
      expect(entries).toEqual(whole.entries);
      expect(etags.size).toBe(Math.ceil(whole.entries.length / limit));
    },
  );

  it('gives a page of nothing of a view that has none', async () => {
    const { status, body } = await region.ask(`/records/${ANNE}?purpose=direct-care&limit=2&cursor=${'0'.repeat(32)}.0`, {
      roles: ['clinician'],
    });
    expect([status, body.type]).toEqual([410, 'urn:weft:problem:moved-on']);
    await region.publish('RX902', BERT, observation(BERT, 'none', undefined, { status: 'entered-in-error' }));
    const empty = await region.ask(`/records/${BERT}?limit=2`, { roles: ['governance'] });
    expect([empty.status, empty.body]).toEqual([
      200,
      expect.objectContaining({ entries: [], total: 0, next: null, withheld: 0 }),
    ]);
  });

  it('gives no page of a record that has changed since the first one', async () => {
    const subject = '9990000042';
    for (const id of ['o1', 'o2', 'o3']) await region.publish('RX901', subject, observation(subject, id));
    const first = await region.ask(`/records/${subject}?limit=2`, { roles: ['clinician'] });
    await region.publish('RX901', subject, observation(subject, 'o4'));
    const second = await region.ask(first.body.next, { roles: ['clinician'] });
    expect([second.status, second.body.type]).toEqual([410, 'urn:weft:problem:moved-on']);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=a.0', 'limit=2&cursor=x', 'limit=2&cursor=..%2Fx.1'])(
    'refuses %s, which is no page',
    async (query) => expect((await region.ask(`/records/${ANNE}?${query}`, { roles: ['clinician'] })).status).toBe(400),
  );

  it('names the purposes that a clinician may read for when asked for another', async () => {
    const { status, body } = await region.ask(`/records/${ANNE}?purpose=research`, { roles: ['clinician'] });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      type: 'urn:weft:problem:wrong-purpose',
      purposes: ['direct-care', 'care-coordination'],
      detail: 'You may read for direct-care and care-coordination.',
    });
  });

  it('lets governance read for every purpose, without what could name the person beyond their care', async () => {
    const coordination = await read(ANNE, 'care-coordination');
    expect(coordination.body.entries.map(({ resourceType }: { resourceType: string }) => resourceType)).toEqual(['CarePlan']);
    for (const purpose of ['population-health', 'research']) {
      const { status, text } = await read(ANNE, purpose);
      expect(status).toBe(200);
      expect(text).toContain('Observation');
      for (const name of [ANNE, 'Fernsby', 'p1', '1950-03-04']) expect(text).not.toContain(name);
    }
  });

  it.each(['population-health', 'research'] as const)(
    'joins no number with what %s calls the person or an entry',
    async (purpose) => {
      const { keys } = region.wiring;
      const { record } = await readRecord(region.wiring, keys.patient(ANNE), purpose);
      expect(record.entries.length).toBeGreaterThan(0);
      const names = [
        keys.view(purpose, keys.patient(ANNE)),
        digestOf(keys, record.entries).slice(0, 32),
        ...record.entries.map(({ id }) => id),
      ];
      for (const path of [`/records/${ANNE}?purpose=${purpose}`, `/fhir/Patient/${ANNE}/$everything?purpose=${purpose}`]) {
        const { status, text, headers } = await region.ask(path, { roles: ['governance'] });
        expect(status).toBe(200);
        for (const name of names) expect(text + JSON.stringify([...headers])).not.toContain(name);
      }
    },
  );

  it('says 404 of a number of which nothing is known', async () => {
    const { status, body } = await read(NOBODY);
    expect(status).toBe(404);
    expect(body.type).toBe('urn:weft:problem:nothing-known');
  });

  it.each([
    ['/records/9990000019', 'nhs'],
    ['/records/123', 'nhs'],
    ['/records/9999999999', 'nhs'],
    [`/records/${ANNE}?purpose=curiosity`, 'purpose'],
    [`/records/${ANNE}?purpose=research&purpose=direct-care`, 'purpose'],
    [`/records/${ANNE}?porpose=research`, 'query'],
    [`/records/${ANNE}/explain?at=yesterday`, 'at'],
    [`/records/${ANNE}/explain?at=2026-02-30`, 'at'],
    [`/records/${ANNE}/explain?at=2026-01-01T25:00:00Z`, 'at'],
    [`/records/${ANNE}/explain?at=2199-01-01`, 'at'],
    [`/records/${ANNE}/audit?from=2026-02-02&to=2026-02-01`, 'from'],
    ['/audit?day=today', 'day'],
    ['/audit?from=-1', 'from'],
  ])('answers %s with 400, naming the field and repeating no number', async (path, field) => {
    const { status, body, text } = await region.ask(path, { roles: ['governance'] });
    expect(status).toBe(400);
    expect(body.errors).toEqual([{ field, code: expect.any(String), message: expect.any(String) }]);
    expect(text).not.toMatch(/\b(999\d{7}|123)\b/);
  });

  it('answers 304 to who has it already, until anything changes', async () => {
    const first = await read(ANNE);
    const etag = first.headers.get('etag')!.replace(/^W\//, '');
    const again = await read(ANNE, 'direct-care', { 'if-none-match': `"other", W/${etag}` });
    expect(again.status).toBe(304);
    expect(again.text).toBe('');
    await region.publish('RX901', ANNE, observation(ANNE, 'o2', '2025-07-01'));
    const changed = await read(ANNE, 'direct-care', { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.body.entries).toHaveLength(first.body.entries.length + 1);
  });

  it('is found under a number that was merged into another, which it names', async () => {
    await region.publish('Y90001', BERT, observation(BERT, 'b1'));
    expect((await read(BERT)).body.entries).toHaveLength(1);
    const before = (await read(ANNE)).body.entries.length;
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: ANNE } } }];
    await region.publish('Y90001', BERT, { ...patient(BERT), id: 'b', link }, 'patient-merged-1');
    const merged = await read(BERT);
    expect(merged.headers.get('content-location')).toBe(`/records/${ANNE}?purpose=direct-care`);
    expect(merged.body.entries).toHaveLength(before + 1);
    expect((await read(ANNE)).body).toEqual(merged.body);
    expect(new Set(merged.body.entries.map(({ nhsNumber }: { nhsNumber: string }) => nhsNumber))).toEqual(new Set([ANNE]));
    const replaced = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: BERT };
    const everything = await region.ask(`/fhir/Patient/${BERT}/$everything`, { roles: ['clinician'] });
    const resources = everything.body.entry.map(({ resource }: { resource: object }) => resource);
    expect(resources).toContainEqual({
      ...patient(ANNE),
      link: [{ other: { type: 'Patient', identifier: replaced }, type: 'replaces' }],
    });
    const research = await read(ANNE, 'research');
    for (const number of [ANNE, BERT]) expect(research.text).not.toContain(number);
    const audit = await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] });
    const keys = audit.body.entries.map((entry: { patient: string }) => entry.patient);
    expect(keys).toContain(region.wiring.keys.patient(BERT));
  });
});

describe('what is withheld', () => {
  let region: Region;
  beforeEach(async () => void (region = await openRegion()));
  afterEach(() => region.close());

  const as =
    (role: 'clinician' | 'governance') =>
    async (nhsNumber: string, purpose = 'direct-care') =>
      region.ask(`/records/${nhsNumber}?purpose=${purpose}`, { roles: [role] });
  const clinician = as('clinician');
  const governance = as('governance');
  const withhold = (nhsNumber: string, ...entries: string[]) =>
    region.decide(nhsNumber, {
      authority: 'withheld-item',
      provision: provision('deny', ['direct-care', 'care-coordination'], {
        limits: [{ kind: 'entries', entries: entries.map((entry) => ({ entry, reach: 'instance' })) }],
      }),
    });
  async function adopt(notices: Notices): Promise<void> {
    const { policy } = await region.wiring.policies.current();
    await applyPolicy(region.wiring, { ...policy, notices });
  }
  /** All that an answer can tell by. */
  const tells = ({ status, headers, body }: Awaited<ReturnType<typeof clinician>>) => ({
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))),
    body: { ...body, instance: undefined },
  });

  it('is said to a clinician in one sentence, and to governance with its count', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    expect((await clinician(ANNE)).body).not.toHaveProperty('notice');
    expect((await governance(ANNE)).body).toMatchObject({ withheld: 0, digest: expect.any(String) });
    await withhold(ANNE, 'Observation/o2');
    const { body } = await clinician(ANNE);
    expect(Object.keys(body)).toEqual(['purpose', 'policyVersion', 'version', 'entries', 'notice']);
    expect(body).toMatchObject({ entries: [{ id: 'RX901/Observation/o1' }], notice: NOTICE });
    const seen = (await governance(ANNE)).body;
    expect(seen).toMatchObject({ entries: [{ id: 'RX901/Observation/o1' }], notice: NOTICE, withheld: 1 });
    expect((await governance(ANNE, 'research')).body).toMatchObject({ withheld: 0 });
  });

  it('changes nothing else of what a clinician is given, however much it is and however it was decided', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    await withhold(ANNE, 'Observation/o2');
    const before = tells(await clinician(ANNE));
    await region.publish('Y90001', ANNE, observation(ANNE, 'o3', '2024-01-01', { interpretation: [{ text: 'a long one' }] }));
    expect((await clinician(ANNE)).body.version).not.toBe(before.body.version);
    await withhold(ANNE, 'Y90001/Observation/o3');
    expect(tells(await clinician(ANNE))).toEqual(before);
    await region.decide(ANNE, { authority: 'national-data-opt-out', provision: provision('deny', ['research']) });
    expect(tells(await clinician(ANNE))).toEqual(before);
    const etag = before.headers['etag']!;
    const again = await region.ask(`/records/${ANNE}`, { roles: ['clinician'], headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect((await governance(ANNE)).body).toMatchObject({ withheld: 2 });
  });

  it('shows no sign of itself to a clinician under an authority of which the policy has nothing said', async () => {
    await adopt({ silent: ['withheld-item'] });
    for (const nhsNumber of [ANNE, BERT]) await region.publish('RX901', nhsNumber, observation(nhsNumber, 'o1'));
    const before = (await clinician(ANNE)).body.entries;
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    await withhold(ANNE, 'Observation/o2');
    const { body } = await clinician(ANNE);
    expect(Object.keys(body)).toEqual(['purpose', 'policyVersion', 'version', 'entries']);
    expect(body.entries).toEqual(before);
    expect((await governance(ANNE)).body).toMatchObject({ withheld: 1 });
    expect((await governance(ANNE)).body).not.toHaveProperty('notice');
    await region.decide(BERT, {});
    expect((await clinician(BERT)).body).toMatchObject({ entries: [], notice: NOTICE });
  });

  it('is said to those roles alone that the policy names, also where an answer was kept for another', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    await withhold(ANNE, 'Observation/o2');
    expect((await clinician(ANNE)).body).toHaveProperty('notice');
    await adopt({ withheld: ['governance'] });
    for (let time = 0; time < 2; time += 1) {
      expect((await governance(ANNE)).body).toMatchObject({ notice: NOTICE, withheld: 1 });
      expect(Object.keys((await clinician(ANNE)).body)).toEqual(['purpose', 'policyVersion', 'version', 'entries']);
    }
    const both = await region.ask(`/records/${ANNE}`, { roles: ['clinician', 'governance'] });
    expect(both.body).toMatchObject({ notice: NOTICE, withheld: 1 });
  });

  it('makes a number unknown to a clinician where there is nothing to see and nothing is said', async () => {
    await adopt({ silent: ['withheld-item'] });
    await region.decide(ANNE, {});
    await region.publish('RX901', BERT, observation(BERT, 'o1'));
    await withhold(BERT, 'Observation/o1');
    for (const path of [
      '/records/$',
      '/records/$?purpose=care-coordination',
      '/fhir/Patient/$/$everything',
      '/fhir/Patient/$/$summary',
    ]) {
      const ask = async (nhsNumber: string) => tells(await region.ask(path.replace('$', nhsNumber), { roles: ['clinician'] }));
      const unknown = await ask(NOBODY);
      expect(unknown.status).toBe(404);
      expect(await ask(ANNE)).toEqual(unknown);
      expect(await ask(BERT)).toEqual(unknown);
      const seen = await region.ask(path.replace('$', BERT), { roles: ['governance'] });
      expect(seen.status).toBe(200);
    }
    expect((await governance(ANNE)).body).toMatchObject({ entries: [], withheld: 0 });
    expect((await governance(NOBODY)).status).toBe(404);
  });

  it('is answered to a clinician at an answer time where its own would tell of it', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', BERT, observation(BERT, 'o1'));
    await withhold(BERT, 'Observation/o1');
    const heldFor = async (nhsNumber: string, reader = clinician): Promise<number> => {
      region.held();
      await reader(nhsNumber);
      return region.held();
    };
    expect(await heldFor(NOBODY)).toBe(1);
    expect(await heldFor(BERT)).toBe(1);
    expect(await heldFor(ANNE)).toBe(0);
    for (const path of ['/fhir/Patient/$/$everything', '/fhir/Patient/$/$summary']) {
      const ask = (nhsNumber: string) => region.ask(path.replace('$', nhsNumber), { roles: ['clinician'] });
      expect(await heldFor(BERT, ask)).toBe(1);
      expect(await heldFor(ANNE, ask)).toBe(0);
    }
    expect(await heldFor(NOBODY, governance)).toBe(0);
    await region.stopOptOutProjector();
    await region.appendDecision(ANNE, { provision: provision('deny', ['research']) });
    expect(await heldFor(ANNE)).toBe(1);
  });

  it('leaves a number known for every purpose of which a clinician may see something for one', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    expect(await clinician(ANNE, 'care-coordination')).toMatchObject({ status: 200, body: { entries: [] } });
    await region.decide(ANNE, { provision: provision('deny', ['direct-care']) });
    const coordination = await clinician(ANNE, 'care-coordination');
    expect(coordination).toMatchObject({ status: 200, body: { entries: [] } });
    expect(coordination.body).not.toHaveProperty('notice');
  });
});

describe('a kept answer', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    for (const nhsNumber of [ANNE, BERT]) await region.publish('RX901', nhsNumber, observation(nhsNumber, 'o1'));
  });
  afterAll(() => region.close());
  const read = async (nhsNumber: string) => (await region.ask(`/records/${nhsNumber}`, { roles: ['clinician'] })).body;
  const readsFrom = async (source: string): Promise<number> => {
    const text = await region.service.metrics.registry.metrics();
    return Number(
      new RegExp(`weft_record_reads_total\\{purpose="direct-care",source="${source}"\\} (\\d+)`).exec(text)?.[1] ?? 0,
    );
  };

  it('is given again while all it rests on stands', async () => {
    const first = await read(ANNE);
    const before = await readsFrom('kept');
    expect(await read(ANNE)).toEqual(first);
    expect(await readsFrom('kept')).toBe(before + 1);
  });

  it('is sent packed from the second time on to whoever takes gzip, and whole to everybody', async () => {
    const taking = (coding: string) => ({ roles: ['clinician' as const], headers: { 'accept-encoding': coding } });
    const [packed, plain] = [taking('gzip'), taking('identity')];
    const note = {
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'As before. '.repeat(300)}</div>` },
    };
    await region.publish('RX901', ANNE, { ...observation(ANNE, 'long'), ...note });
    const first = await region.ask(`/records/${ANNE}`, packed);
    const encodings = [];
    for (const asking of [packed, plain, packed]) {
      const again = await region.ask(`/records/${ANNE}`, asking);
      expect(again.text).toBe(first.text);
      expect(again.headers.get('vary')).toBe('Accept-Encoding');
      encodings.push(again.headers.get('content-encoding'));
      const etag = again.headers.get('etag') as string;
      expect(etag.replace(/^W\//, '')).toBe(first.headers.get('etag'));
      const unchanged = await region.ask(`/records/${ANNE}`, {
        ...asking,
        headers: { ...asking.headers, 'if-none-match': etag },
      });
      expect(unchanged.status).toBe(304);
    }
    expect(encodings).toEqual(['gzip', null, 'gzip']);
    const page = await region.ask(`/records/${ANNE}?limit=1`, packed);
    expect(page.body).toMatchObject({ total: 2 });
  });

  it('is not given once a decision stands in the person’s stream, though no projector has seen it', async () => {
    await region.stopOptOutProjector();
    await read(ANNE);
    await read(BERT);
    await region.appendDecision(ANNE, {});
    const after = await read(ANNE);
    expect(after).toMatchObject({ entries: [], notice: NOTICE });
    expect(await readsFrom('decided-afresh')).toBe(1);
    const before = await readsFrom('kept');
    expect((await read(BERT)).entries).toHaveLength(1);
    expect(await readsFrom('kept')).toBe(before + 1);
  });

  it('is not given once its number was merged into another, though no view was rebuilt', async () => {
    expect((await read(BERT)).entries).toHaveLength(1);
    const { store, keys, random } = region.wiring;
    const merge = { by: keys.patient(ANNE), byNhsNumber: ANNE, cause: 'test', recordedAt: new Date().toISOString() };
    const event = (data: object, type: string) => [{ id: random.uuid(), type, data: bytesOf(JSON.stringify(data)) }];
    const stream = careRecordStream(keys.patient(BERT));
    const append = async (events: ReturnType<typeof event>) => store.append(stream, await store.head(stream), events);
    await append(event(merge, 'number-superseded-1'));
    const moved = await region.ask(`/records/${BERT}`, { roles: ['clinician'] });
    expect(moved.headers.get('content-location')).toBe(`/records/${ANNE}?purpose=direct-care`);
    expect(moved.body).toMatchObject({ entries: [], notice: NOTICE });
    const undo = { cause: 'test-undo', recordedAt: merge.recordedAt };
    await append(event(undo, 'number-restored-1'));
    expect((await read(BERT)).entries).toHaveLength(1);
  });

  it('is not given once a new policy is adopted, though no view was rebuilt', async () => {
    expect((await read(BERT)).entries).toHaveLength(1);
    const { policy } = await region.wiring.policies.current();
    await region.wiring.policies.adopt({ ...policy, name: 'Nothing is shared', rules: [] });
    expect(await read(BERT)).toMatchObject({ entries: [], notice: NOTICE, policyVersion: 2 });
  });
});
