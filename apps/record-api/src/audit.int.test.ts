import { type AuditEntry, bytesOf, decodeAuditEntry, EngineUnavailable } from '@weft/processing';
import { ANNE, BERT, NOBODY, observation, openRegion, patient, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

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
    return (await region.wiring.store.read(streamOf(today()))).map(decodeAuditEntry);
  }
  /** The entries that a request leaves behind. */
  async function entriesOf(path: string, roles: Parameters<Region['tokenOf']>, headers: Record<string, string> = {}) {
    const before = (await written()).length;
    const answer = await region.ask(path, { roles, headers });
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
    [
      `/fhir/Patient/${ANNE}/$everything?purpose=population-health&_state=old`,
      'governance',
      410,
      'everything',
      'moved-on',
      'population-health',
    ],
    [`/records/${ANNE}/audit`, 'clinician', 403, 'audit', 'refused', null],
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
    expect(new Set(byPatient.body.entries)).toEqual(new Set(ofAnne));
    expect(byPatient.body.entries).toHaveLength(ofAnne.length);
  });

  it('comes page by page, each entry once', async () => {
    const { store, random, clock } = region.wiring;
    const entry = JSON.stringify({ ...(await written())[0], time: new Date(clock.now()).toISOString() });
    const events = Array.from({ length: 1_500 }, () => ({ id: random.uuid(), type: 'record-looked-at-1', data: bytesOf(entry) }));
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

describe('the audit of a person', () => {
  let region: Region;
  beforeEach(async () => {
    region = await openRegion();
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
  });
  afterEach(() => region.close());

  const look = async (nhsNumber: string) => (await region.ask(`/records/${nhsNumber}`, { roles: ['clinician'] })).status;
  const auditOf = async (nhsNumber: string, query = '') =>
    (await region.ask(`/records/${nhsNumber}/audit${query}`, { roles: ['governance'] })).body;
  const entryOf = (nhsNumber: string, time: string, request = 'earlier'): AuditEntry => ({
    ...{ time, request, who: 'somebody', organisation: 'RX901', roles: ['clinician'], action: 'record', outcome: 'given' },
    ...{ patient: region.wiring.keys.patient(nhsNumber), purpose: 'direct-care', policyVersion: 1, consentRevision: -1 },
  });
  const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  const requestsIn = ({ entries }: { entries: readonly AuditEntry[] }) => entries.map(({ request }) => request);

  it('is found without looking through any day', async () => {
    await look(ANNE);
    await look(ANNE);
    const { store } = region.wiring;
    const read = store.read.bind(store);
    const streams: string[] = [];
    store.read = (stream, options) => {
      streams.push(stream);
      return read(stream, options);
    };
    const { entries, ...rest } = await auditOf(ANNE, `?from=${today()}`);
    expect(entries).toHaveLength(2);
    expect(rest).toEqual({ from: today(), to: today(), next: null, note: null });
    expect(streams.filter((stream) => stream.startsWith('audit-'))).toEqual([]);
    const usual = await auditOf(ANNE);
    expect([usual.from, usual.entries.length]).toEqual([dayBefore(30), 3]);
    expect((await auditOf(ANNE, `?from=2020-02-01&to=${dayBefore(1)}`)).entries).toEqual([]);
    expect((await auditOf(ANNE, '?from=2020-02-01&to=2020-01-31')).errors[0].code).toBe('after-to');
    expect((await auditOf(BERT)).entries).toEqual([]);
  });

  it('comes page by page, each entry once, in the order of time', async () => {
    const { store, keys, random } = region.wiring;
    const stream = `auditOf-${keys.patient(ANNE)}`;
    const at = Date.now() - 3_600_000;
    const events = Array.from({ length: 1_500 }, (_, n) => {
      const entry = entryOf(ANNE, new Date(at + Math.floor(n / 7)).toISOString(), `n${n}`);
      return { id: random.uuid(), type: 'audited-1', data: bytesOf(JSON.stringify(entry)) };
    });
    for (const half of [events.slice(0, 750), events.slice(750)]) await store.append(stream, await store.head(stream), half);
    const first = await auditOf(ANNE);
    expect(first.entries).toHaveLength(1_000);
    const second = (await region.ask(first.next, { roles: ['governance'] })).body;
    expect(second.next).toBeNull();
    const all = [...first.entries, ...second.entries] as AuditEntry[];
    expect(all.map(({ time }) => time)).toEqual(all.map(({ time }) => time).sort());
    expect(new Set(requestsIn({ entries: all })).size).toBe(all.length);
    expect(all.filter(({ action }) => action === 'record')).toHaveLength(1_500);
  });

  it('has what was looked at, and what was told, under numbers that were merged into it', async () => {
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await look(BERT);
    const project = await Subscriber.open(region, 'research?from=beginning', { subject: 'a project' });
    await project.until(isUpToDate);
    await project.leave();
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: ANNE } } }];
    await region.publish('RX901', BERT, { ...patient(BERT), id: 'b', link }, 'patient-merged-1');
    const said = ({ entries }: { entries: readonly AuditEntry[] }) =>
      entries.filter(({ action }) => action !== 'audit').map(({ action, purpose, patient: key }) => [action, purpose, key]);
    const { keys } = region.wiring;
    const expected = [
      ['record', 'direct-care', keys.patient(BERT)],
      ['told', 'research', keys.patient(ANNE)],
      ['told', 'research', keys.patient(BERT)],
    ];
    for (const nhsNumber of [ANNE, BERT]) {
      const found = said(await auditOf(nhsNumber));
      expect(found).toHaveLength(expected.length);
      expect(new Set(found)).toEqual(new Set(expected));
    }
  });

  it('has after an unmerge what was looked at, and told, under the other number while they were one, and nothing else of that', async () => {
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: ANNE } } }];
    const merged = { ...patient(BERT), id: 'b', link };
    await look(ANNE);
    await region.publish('RX901', BERT, merged, 'patient-merged-1');
    await look(ANNE);
    await region.ask(`/records/${ANNE}/explain`, { roles: ['governance'] });
    for (const route of ['$everything', '$summary']) await region.ask(`/fhir/Patient/${ANNE}/${route}`, { roles: ['clinician'] });
    for (const purpose of ['direct-care', 'research']) {
      const reader = await Subscriber.open(region, `${purpose}?from=beginning`, { subject: 'a project' });
      await reader.until(isUpToDate);
      await reader.leave();
    }
    await region.publish('RX901', BERT, merged, 'patient-unmerged-1');
    await look(ANNE);
    const { keys } = region.wiring;
    const [anne, bert] = [keys.patient(ANNE), keys.patient(BERT)];
    const given = async (number: string) =>
      (await auditOf(number)).entries
        .filter(({ action }: AuditEntry) => action !== 'audit')
        .map(({ action, purpose, patient: key, alsoOf }: AuditEntry) => [action, purpose, key, alsoOf?.join() ?? ''].join(' '))
        .sort();
    const together = [
      `everything direct-care ${anne} ${bert}`,
      `explain  ${anne} ${bert}`,
      `record direct-care ${anne} ${bert}`,
      `summary direct-care ${anne} ${bert}`,
      `told direct-care ${anne} ${bert}`,
      `told research ${anne} `,
    ];
    expect(await given(BERT)).toEqual(together);
    expect(await given(ANNE)).toEqual([...together, ...Array<string>(2).fill(`record direct-care ${anne} `)].sort());
  });

  it('says what it cannot know where subscribers may read topics on Kafka', async () => {
    Object.assign(region.service.settings, { kafka: { brokers: ['kafka:9092'], ssl: false } });
    expect((await auditOf(ANNE)).note).toContain('Who reads the topics');
  });
});
