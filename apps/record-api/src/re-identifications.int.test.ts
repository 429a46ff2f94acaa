import { type AuditEntry, RE_IDENTIFICATIONS_STREAM } from '@weft/processing';
import { systemTimers } from '@weft/service';
import { ANNE, BERT, NOBODY, observation, openRegion, patient, type Region } from './region.fixture.js';

const REASON = 'A finding that the participant has to be told of';

describe('a re-identification', () => {
  let region: Region;
  let isImpatient = false;
  /** A request that waits for a search waits no time where the test says so. */
  const sleep: typeof systemTimers.sleep = (ms, signal) =>
    isImpatient && ms === 20_000 ? Promise.resolve() : systemTimers.sleep(ms, signal);
  beforeEach(async () => {
    isImpatient = false;
    region = await openRegion({ service: { timers: { sleep } } });
    await region.publish('RX901', ANNE, observation(ANNE, 'a'));
    await region.publish('RX901', BERT, observation(BERT, 'b'));
  });
  afterEach(() => region.close());

  const named = (nhsNumber: string): string => region.wiring.keys.view('research', region.wiring.keys.patient(nhsNumber));
  const post = (path: string, subject: string, body: object) => region.govern(subject, `/re-identifications${path}`, body);
  const propose = (known: object, reason: string = REASON) => post('', 'anna', { purpose: 'research', reason, ...known });
  async function authorised(known: object): Promise<string> {
    const { id } = (await propose(known)).body;
    expect((await post(`/${id}/authorisations`, 'bert', known)).body).toMatchObject({ state: 'authorised' });
    return id;
  }
  const auditOf = async (nhsNumber: string): Promise<AuditEntry[]> =>
    (await region.ask(`/records/${nhsNumber}/audit`, { roles: ['governance'] })).body.entries;
  const actsOf = async (nhsNumber: string) =>
    (await auditOf(nhsNumber))
      .filter(({ action }) => action !== 'audit')
      .map(({ who, action, outcome, about }) => ({ who, action, outcome, about }));

  it('gives a number’s pseudonym to one of two, once, and the person’s audit says to whom, on whose word and why', async () => {
    const proposed = await propose({ nhsNumber: ANNE });
    const { id } = proposed.body;
    expect([proposed.status, proposed.headers.get('location')]).toEqual([202, `/re-identifications/${id}`]);
    expect(proposed.body).toMatchObject({
      state: 'waiting',
      known: 'nhs-number',
      proposedBy: { subject: 'anna' },
      authorisedBy: null,
    });
    const early = await post(`/${id}/disclosures`, 'anna', { nhsNumber: ANNE });
    expect([early.status, early.body.type]).toEqual([409, 'urn:weft:problem:not-authorised']);
    const own = await post(`/${id}/authorisations`, 'anna', { nhsNumber: ANNE });
    expect([own.status, own.body.type]).toEqual([403, 'urn:weft:problem:second-person-needed']);
    expect((await post(`/${id}/authorisations`, 'bert', { nhsNumber: ANNE })).status).toBe(200);
    const third = await post(`/${id}/disclosures`, 'carl', { nhsNumber: ANNE });
    expect([third.status, third.body.type]).toEqual([403, 'urn:weft:problem:neither-of-two']);
    const { status, body } = await post(`/${id}/disclosures`, 'bert', { nhsNumber: ANNE });
    expect([status, body]).toEqual([
      200,
      { id, state: 'disclosed', purpose: 'research', nhsNumber: ANNE, pseudonym: named(ANNE), formerPseudonyms: [] },
    ]);
    const again = await post(`/${id}/disclosures`, 'bert', { nhsNumber: ANNE });
    expect([again.status, again.body.type]).toEqual([409, 'urn:weft:problem:disclosed-already']);
    const acts = await actsOf(ANNE);
    expect(acts).toEqual(
      expect.arrayContaining([
        { who: 'anna', action: 'propose-re-identification', outcome: 'accepted', about: `re-identification ${id}: ${REASON}` },
        {
          ...{ who: 'bert', action: 'authorise-re-identification', outcome: 'accepted' },
          about: `re-identification ${id}, proposed by anna: ${REASON}`,
        },
        {
          ...{ who: 'bert', action: 're-identify', outcome: 'given' },
          about: `re-identification ${id}, proposed by anna, authorised by bert: ${REASON}`,
        },
      ]),
    );
    expect(acts.filter(({ outcome }) => outcome === 'refused').map(({ who, action }) => [who, action])).toEqual([
      ['anna', 're-identify'],
      ['anna', 'authorise-re-identification'],
      ['carl', 're-identify'],
      ['bert', 're-identify'],
    ]);
    expect(acts.filter(({ outcome }) => outcome === 'given')).toHaveLength(1);
    expect(await actsOf(BERT)).toEqual([]);
  });

  it('gives whom a pseudonym names, and says in their audit alone that it did', async () => {
    const id = await authorised({ pseudonym: named(BERT) });
    expect(await actsOf(BERT)).toEqual([]);
    const { body } = await post(`/${id}/disclosures`, 'anna', { pseudonym: named(BERT) });
    expect(body).toMatchObject({ state: 'disclosed', nhsNumber: BERT, pseudonym: named(BERT) });
    expect(await actsOf(BERT)).toMatchObject([{ who: 'anna', action: 're-identify', outcome: 'given' }]);
    expect(await actsOf(ANNE)).toEqual([]);
  });

  it('gives the surviving number, and by which names its former numbers were known', async () => {
    const link = [{ type: 'replaced-by', other: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: ANNE } } }];
    await region.publish('RX901', BERT, { ...patient(BERT), id: 'p', link }, 'patient-merged-1');
    for (const known of [{ nhsNumber: BERT }, { pseudonym: named(BERT) }]) {
      const id = await authorised(known);
      const { body } = await post(`/${id}/disclosures`, 'bert', known);
      expect(body).toMatchObject({ nhsNumber: ANNE, pseudonym: named(ANNE), formerPseudonyms: [named(BERT)] });
    }
  });

  it('goes on for whoever names the same person', async () => {
    const id = await authorised({ nhsNumber: ANNE });
    for (const other of [{ nhsNumber: BERT }, { pseudonym: named(ANNE) }]) {
      const { status, body } = await post(`/${id}/disclosures`, 'anna', other);
      expect([status, body.type]).toEqual([409, 'urn:weft:problem:other-subject']);
    }
    expect((await post('/none/disclosures', 'anna', { nhsNumber: ANNE })).status).toBe(404);
    expect((await region.ask('/re-identifications/none', { roles: ['governance'] })).status).toBe(404);
  });

  it('is proposed for a reason that names nobody, about one person who is known', async () => {
    const refused = async (known: object, reason?: string, purpose = 'research') => {
      const { status, body, text } = await post('', 'anna', { purpose, reason, ...known });
      for (const name of [ANNE, NOBODY, named(ANNE)]) expect(text).not.toContain(name);
      return [status, body.errors?.[0]?.field ?? body.type];
    };
    const known = { nhsNumber: ANNE };
    for (const reason of [undefined, ' ', `because of ${ANNE}`, `because of ${named(ANNE)}`])
      expect(await refused(known, reason)).toEqual([400, 'reason']);
    expect(await refused(known, REASON, 'direct-care')).toEqual([400, 'purpose']);
    expect(await refused({}, REASON)).toEqual([400, 'nhsNumber']);
    expect(await refused({ nhsNumber: ANNE, pseudonym: named(ANNE) }, REASON)).toEqual([400, 'nhsNumber']);
    expect(await refused({ nhsNumber: '9990000019' }, REASON)).toEqual([400, 'nhsNumber']);
    expect(await refused({ pseudonym: 'x' }, REASON)).toEqual([400, 'pseudonym']);
    for (const unknown of [{ nhsNumber: NOBODY }, { pseudonym: 'ab'.repeat(16) }])
      expect(await refused(unknown, REASON)).toEqual([404, 'urn:weft:problem:nothing-known']);
    const notFound = (await region.ask('/audit', { roles: ['governance'] })).body.entries.filter(
      ({ outcome }: AuditEntry) => outcome === 'not-found',
    );
    expect(notFound.map(({ patient: key }: AuditEntry) => key)).toEqual([region.wiring.keys.patient(NOBODY), null]);
    expect(await region.wiring.store.head(RE_IDENTIFICATIONS_STREAM)).toBe(-1);
  });

  it('of a pseudonym that takes longer to find than a request waits is asked for again', async () => {
    const known = { pseudonym: named(BERT) };
    const id = await authorised(known);
    const { store } = region.wiring;
    const streams = store.streams.bind(store);
    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    store.streams = async function* (prefix, after) {
      await gone;
      yield* streams(prefix, after);
    };
    isImpatient = true;
    const { status, body } = await post(`/${id}/disclosures`, 'anna', known);
    expect([status, body]).toEqual([202, { id, state: 'searching' }]);
    expect(await actsOf(BERT)).toEqual([]);
    isImpatient = false;
    go();
    expect((await post(`/${id}/disclosures`, 'bert', known)).body).toMatchObject({ state: 'disclosed', nhsNumber: BERT });
    expect((await actsOf(BERT)).map(({ who }) => who)).toEqual(['bert']);
  });

  it('is not disclosed where the audit cannot have it', async () => {
    const id = await authorised({ nhsNumber: ANNE });
    const { store } = region.wiring;
    const append = store.append.bind(store);
    store.append = async (stream, ...rest) => {
      if (stream.startsWith('audit')) throw new Error('the disk is full');
      return append(stream, ...rest);
    };
    const { status, text } = await post(`/${id}/disclosures`, 'anna', { nhsNumber: ANNE });
    store.append = append;
    expect([status, text.includes(named(ANNE))]).toEqual([500, false]);
  });
});
