import { type AuditEntry, EngineUnavailable } from '@weft/processing';
import { ANNE, NOBODY, observation, openRegion, type Region } from './region.fixture.js';

const today = () => new Date().toISOString().slice(0, 10);
const streamOf = (day: string) => `audit-${day.replaceAll('-', '')}`;

describe('the audit', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
  });
  afterAll(() => region.close());

  async function written(): Promise<AuditEntry[]> {
    const stored = await region.wiring.store.read(streamOf(today()));
    return stored.map(({ data }) => JSON.parse(data) as AuditEntry);
  }
  /** The entries that a request leaves behind. */
  async function entriesOf(path: string, roles: Parameters<Region['tokenOf']>, headers: Record<string, string> = {}) {
    const before = (await written()).length;
    const answer = await region.ask(path, { roles, organisation: 'RX901', headers });
    return { answer, entries: (await written()).slice(before) };
  }

  it.each([
    [`/records/${ANNE}`, 'clinician', 200, 'record', 'given', 'direct-care'],
    [`/records/${ANNE}?purpose=research`, 'governance', 200, 'record', 'given', 'research'],
    [`/records/${ANNE}/explain`, 'governance', 200, 'explain', 'given', null],
    [`/records/${ANNE}/audit`, 'governance', 200, 'audit', 'given', null],
    [`/fhir/Patient/${ANNE}/$everything`, 'clinician', 200, 'everything', 'given', 'direct-care'],
    [`/fhir/Patient/${ANNE}/$summary`, 'clinician', 200, 'summary', 'given', 'direct-care'],
    [`/records/${ANNE}?purpose=research`, 'clinician', 403, 'record', 'refused', 'research'],
    [`/records/${ANNE}`, 'publisher', 403, 'record', 'refused', null],
    [`/records/${ANNE}/explain`, 'clinician', 403, 'explain', 'refused', null],
    [`/fhir/Patient/${ANNE}/$everything`, 'operations', 403, 'everything', 'refused', null],
    [`/fhir/Patient/${ANNE}/$summary`, 'subscriber', 403, 'summary', 'refused', null],
    [`/fhir/Patient/${ANNE}/$everything?_state=old`, 'clinician', 410, 'everything', 'moved-on', null],
  ] as const)('has %s by %s, answered %d: %s, %s', async (path, role, status, action, outcome, purpose) => {
    const { answer, entries } = await entriesOf(path, [role]);
    expect(answer.status).toBe(status);
    const given = outcome === 'given';
    expect(entries).toEqual([
      {
        time: expect.stringMatching(/Z$/),
        request: answer.headers.get('x-request-id'),
        who: 'somebody',
        organisation: 'RX901',
        roles: [role],
        action,
        patient: region.wiring.keys.patient(ANNE),
        purpose,
        outcome,
        policyVersion: given && action !== 'audit' ? 1 : null,
        consentRevision: given && purpose !== null ? -1 : null,
      },
    ]);
    expect(JSON.stringify(entries)).not.toContain(ANNE);
  });

  it('has a reader who was told that nothing changed, and one who asked for somebody unknown', async () => {
    const { headers } = await region.ask(`/records/${ANNE}`, { roles: ['clinician'] });
    const unchanged = await entriesOf(`/records/${ANNE}`, ['clinician'], { 'if-none-match': headers.get('etag')! });
    expect(unchanged.answer.status).toBe(304);
    expect(unchanged.entries).toMatchObject([{ outcome: 'unchanged', action: 'record' }]);
    const unknown = await entriesOf(`/records/${NOBODY}`, ['clinician']);
    expect(unknown.entries).toMatchObject([{ outcome: 'not-found', patient: region.wiring.keys.patient(NOBODY) }]);
  });

  it('is told to governance by day and by patient', async () => {
    const byDay = await region.ask(`/audit?day=${today()}`, { roles: ['governance'] });
    expect(byDay.body.next).toBeNull();
    expect(byDay.body.entries.length).toBeGreaterThan(10);
    const key = region.wiring.keys.patient(ANNE);
    const ofAnne = byDay.body.entries.filter((entry: AuditEntry) => entry.patient === key);
    const byPatient = await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] });
    expect(byPatient.body.entries).toEqual(ofAnne);
  });

  it('comes page by page, each entry once', async () => {
    const { store, random, clock } = region.wiring;
    const entry = JSON.stringify({ ...(await written())[0], time: new Date(clock.now()).toISOString() });
    const events = Array.from({ length: 1_500 }, () => ({ id: random.uuid(), type: 'record-looked-at-1', data: entry }));
    for (const half of [events.slice(0, 750), events.slice(750)])
      await store.append(streamOf('2020-01-01'), await store.head(streamOf('2020-01-01')), half);
    const first = await region.ask('/audit?day=2020-01-01', { roles: ['governance'] });
    expect(first.body.entries).toHaveLength(1_000);
    const second = await region.ask(first.body.next, { roles: ['governance'] });
    expect(second.body.entries).toHaveLength(500);
    expect(second.body.next).toBeNull();
  });

  it.each([
    `/records/${ANNE}`,
    `/records/${ANNE}/explain`,
    `/fhir/Patient/${ANNE}/$everything`,
    `/fhir/Patient/${ANNE}/$summary`,
  ])('that cannot be written keeps %s from being given', async (path) => {
    const { store } = region.wiring;
    const append = store.append.bind(store);
    store.append = async () => {
      throw new EngineUnavailable('store', 'the disk is full');
    };
    try {
      const { status, text } = await region.ask(path, { roles: ['governance', 'clinician'] });
      expect(status).toBe(503);
      expect(text).not.toContain('Observation');
    } finally {
      store.append = append;
    }
    expect((await region.ask(path, { roles: ['governance', 'clinician'] })).status).toBe(200);
  });
});
