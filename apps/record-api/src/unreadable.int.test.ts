import { bytesOf, careRecordStream } from '@weft/processing';
import { ANNE, BERT, CARL, observation, openRegion, patient, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const CODES = { [ANNE]: 'record-damaged', [CARL]: 'written-by-a-newer-weft' };
const CLINICIAN = { roles: ['clinician'] } as const;
const GOVERNANCE = { roles: ['governance'] } as const;

describe.each(Object.entries(CODES))('the record of %s', (subject, code) => {
  let region: Region;

  beforeAll(async () => {
    region = await openRegion();
    for (const one of [subject, BERT]) await region.publish('RX901', one, patient(one));
    await region.decide(subject, {});
    const { store, random, keys } = region.wiring;
    const stream = careRecordStream(keys.patient(subject));
    const isDamaged = code === 'record-damaged';
    const data = bytesOf(JSON.stringify({ recordedAt: '2026-01-01T00:00:00.000Z' }));
    const event = { id: random.uuid(), type: isDamaged ? 'views-derived-1' : 'care-event-recorded-9', data };
    await store.append(stream, await store.head(stream), [isDamaged ? { ...event, meta: { effect: { views: {} } } } : event], {
      truncatesPrevious: isDamaged,
    });
  });
  afterAll(() => region.close());

  it.each([
    ['', CLINICIAN],
    ['/explain', GOVERNANCE],
    ['/explain?at=2020-01-01T00:00:00Z', GOVERNANCE],
    ['/audit', GOVERNANCE],
  ])('answers 503 at %s and says why, and another’s is answered as always', async (path, asking) => {
    const { status, headers, body, text } = await region.ask(`/records/${subject}${path}`, asking);
    expect([status, headers.get('content-type'), body.type]).toEqual([
      503,
      'application/problem+json',
      `urn:weft:problem:${code}`,
    ]);
    expect(text).not.toContain(subject);
    expect((await region.ask(`/records/${BERT}${path}`, asking)).status).toBe(200);
  });

  it.each(['$everything', '$summary'])('answers 503 at %s with an OperationOutcome', async (operation) => {
    const { status, body } = await region.ask(`/fhir/Patient/${subject}/${operation}`, CLINICIAN);
    expect(status).toBe(503);
    expect(body).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ details: { coding: [{ code }] } }] });
    expect((await region.ask(`/fhir/Patient/${BERT}/${operation}`, CLINICIAN)).status).toBe(200);
  });

  it('holds up no feed, neither from the beginning nor of what comes', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care?from=beginning');
    await subscriber.until(isUpToDate);
    await region.publish('RX901', subject, observation(subject, 'new'));
    await region.publish('RX901', BERT, observation(BERT, 'new'));
    await subscriber.until(({ changes }) => changes.some(({ entryId }) => entryId === 'RX901/Observation/new'));
    expect(new Set(subscriber.changes.map((change) => change.subject))).toEqual(new Set([region.wiring.keys.patient(BERT)]));
    await subscriber.leave();
  });

  it('is counted by status, and readiness stays ready', async () => {
    const status = async () => (await region.ask('/status', { roles: ['operations'] })).body;
    while (Object.keys((await status()).recordsUnreadable).length === 0) await region.wiring.timers.sleep(5);
    expect(await status()).toMatchObject({ recordsUnreadable: { [code]: 1 }, published: false });
    expect((await region.ask('/readyz')).status).toBe(200);
  });
});
