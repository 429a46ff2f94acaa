import type { EventStore } from '@weft/processing';
import { ANNE, observation, openRegion, patient, type Region } from './region.fixture.js';
import { isUpToDate, type LastLine, Subscriber } from './subscriber.fixture.js';

const CLINICIAN = { roles: ['clinician'] } as const;
const GOVERNANCE = { roles: ['governance'] } as const;
const OPERATIONS = { roles: ['operations'] } as const;
const PATHS = [
  [`/records/${ANNE}`, CLINICIAN],
  [`/records/${ANNE}/explain`, GOVERNANCE],
  [`/fhir/Patient/${ANNE}/$everything`, CLINICIAN],
  [`/fhir/Patient/${ANNE}/$summary`, CLINICIAN],
  ['/record-changes/direct-care?from=end', { roles: ['subscriber'] }],
] as const;

/** Has a store say that nothing was ever read from the topics, as one says that was put back; gives what ends that. */
function putBack(store: EventStore): () => void {
  const read = store.read.bind(store);
  store.read = async (stream, options) => (stream.startsWith('mark-') ? [] : read(stream, options));
  return () => void (store.read = read);
}

describe('while the store does not have what was read before', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('RX901', ANNE, patient(ANNE));
    await region.publish('RX901', ANNE, observation(ANNE, 'a'));
    await region.decide(ANNE, {});
  });
  afterAll(() => region.close());

  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await region.wiring.timers.sleep(20);
  };
  const status = async () => (await region.ask('/status', OPERATIONS)).body;
  const statusOf = async ([path, asking]: (typeof PATHS)[number]): Promise<number> => {
    if (!path.startsWith('/record-changes')) return (await region.ask(path, asking)).status;
    const subscriber = await Subscriber.open(region, path.slice('/record-changes/'.length));
    await subscriber.leave();
    return subscriber.status;
  };

  it('nobody is given a record, feeds end, and cursors of before are gone once it has', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care?from=beginning');
    await subscriber.until(isUpToDate);
    const { cursor } = await Subscriber.open(region, 'direct-care?from=end');
    for (const path of PATHS) expect([path[0], await statusOf(path)]).toEqual([path[0], 200]);

    const isThere = putBack(region.wiring.store);
    await until(async () => (await statusOf(PATHS[0])) === 503);
    for (const path of PATHS) expect([path[0], await statusOf(path)]).toEqual([path[0], 503]);
    const { body, headers } = await region.ask(PATHS[0][0], CLINICIAN);
    expect([body.type, headers.get('retry-after')]).toEqual(['urn:weft:problem:catching-up', '5']);
    expect((await status()).messagesLost).toBeGreaterThan(0);

    isThere();
    await until(async () => (await status()).epoch === 1);
    for (const path of PATHS) {
      await until(async () => (await statusOf(path)) !== 503);
      expect([path[0], await statusOf(path)]).toEqual([path[0], 200]);
    }
    await until(async () => (await status()).published);
    expect(await status()).toMatchObject({ messagesLost: 0, toldAnew: null, published: true });
    const again = await Subscriber.open(region, `direct-care?after=${encodeURIComponent(cursor!)}`);
    expect(again.status).toBe(410);
    // It is told of by its next line or heartbeat.
    await region.publish('RX901', ANNE, observation(ANNE, 'b'));
    await subscriber.ended;
    expect((subscriber.lines.at(-1) as LastLine).reason).toBe('restored');
  }, 60_000);
});
