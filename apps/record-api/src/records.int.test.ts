import { ANNE, BERT, carePlan, condition, NOBODY, observation, openRegion, patient, type Region } from './region.fixture.js';

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
    expect(Object.keys(body)).toEqual([
      'purpose',
      'policyVersion',
      'recordRevision',
      'consentRevision',
      'entries',
      'withheld',
      'digest',
    ]);
    expect(body).toMatchObject({ purpose: 'direct-care', policyVersion: 1, recordRevision: 3, consentRevision: -1, withheld: 0 });
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
      resource: observation(ANNE, 'o1'),
    });
  });

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
    const etag = first.headers.get('etag')!;
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
    const audit = await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] });
    const keys = audit.body.entries.map((entry: { patient: string }) => entry.patient);
    expect(keys).toContain(region.wiring.keys.patient(BERT));
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

  it('is not given once a decision stands in the consent stream, though no projector has seen it', async () => {
    await region.stopOptOutProjector();
    await read(ANNE);
    await read(BERT);
    await region.appendDecision(ANNE, {});
    const after = await read(ANNE);
    expect(after).toMatchObject({ entries: [], withheld: 1, consentRevision: 0 });
    expect(await readsFrom('decided-afresh')).toBe(1);
    const before = await readsFrom('kept');
    expect((await read(BERT)).entries).toHaveLength(1);
    expect(await readsFrom('kept')).toBe(before + 1);
  });

  it('is not given once its number was merged into another, though no view was rebuilt', async () => {
    expect((await read(BERT)).entries).toHaveLength(1);
    const { store, keys, random } = region.wiring;
    const merge = { by: keys.patient(ANNE), byNhsNumber: ANNE, cause: 'test', recordedAt: new Date().toISOString() };
    const event = (data: object, type: string) => [{ id: random.uuid(), type, data: JSON.stringify(data) }];
    await store.append(`identity-${keys.patient(BERT)}`, -1, event(merge, 'number-superseded-1'));
    const moved = await region.ask(`/records/${BERT}`, { roles: ['clinician'] });
    expect(moved.headers.get('content-location')).toBe(`/records/${ANNE}?purpose=direct-care`);
    expect(moved.body.entries).toEqual([]);
    const undo = { cause: 'test-undo', recordedAt: merge.recordedAt };
    await store.append(`identity-${keys.patient(BERT)}`, 0, event(undo, 'number-restored-1'));
    expect((await read(BERT)).entries).toHaveLength(1);
  });

  it('is not given once a new policy is adopted, though no view was rebuilt', async () => {
    expect((await read(BERT)).entries).toHaveLength(1);
    const { policy } = await region.wiring.policies.current();
    await region.wiring.policies.adopt({ ...policy, name: 'Nothing is shared', rules: [] });
    expect(await read(BERT)).toMatchObject({ entries: [], withheld: 1, policyVersion: 2 });
  });
});
