import { NOT_ALL_READ } from '@weft/domain';
import { AwaitingPeople, CONSENT_TOPIC } from '@weft/processing';
import { WAITING } from './reader.js';
import { observation, openRegion, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const ANNE = '9990000018';
const FIFTEEN_MINUTES = 15 * 60_000;

describe('what comes behind a decision that nobody reads', () => {
  let region: Region;
  let people: AwaitingPeople;
  const subscribers = new Map<string, Subscriber>();
  const clinician = async () => (await region.ask(`/records/${ANNE}`, { roles: ['clinician'] })).body;
  const everywhere = () =>
    Promise.all(
      [`/fhir/Patient/${ANNE}/$everything`, `/fhir/Patient/${ANNE}/$summary`].map(
        async (path) => (await region.ask(path, { roles: ['clinician'] })).text,
      ),
    );
  const told = (purpose: string) => subscribers.get(purpose)!.changes.map(({ kind }) => kind);

  beforeAll(async () => {
    region = await openRegion();
    await region.publish('RX901', ANNE, observation(ANNE, 'before'));
    await region.stopOptOutProjector();
    for (const purpose of ['direct-care', 'research']) {
      const subscriber = await Subscriber.open(region, purpose);
      await subscriber.until(isUpToDate);
      subscribers.set(purpose, subscriber);
    }
    await region.wiring.bus.publish([{ topic: CONSENT_TOPIC, key: ANNE, value: Buffer.from('{}'), headers: {} }]);
    await region.publish('RX901', ANNE, observation(ANNE, 'behind'));
    people = new AwaitingPeople(region.wiring);
    await people.run(0);
  });
  afterAll(async () => {
    for (const subscriber of subscribers.values()) await subscriber.leave();
    await region.close();
  });

  it('is not read, and readers in individual care are told that something is arriving', async () => {
    expect(await clinician()).toMatchObject({ entries: [{ id: 'RX901/Observation/before' }], waiting: true });
    for (const text of await everywhere()) {
      expect(text).toContain(WAITING);
      expect(text).not.toContain('behind');
    }
    const research = await region.ask(`/records/${ANNE}?purpose=research`, { roles: ['governance'] });
    expect(research.body.entries).toHaveLength(1);
    expect(research.body.waiting).toBeUndefined();
  });

  it('is explained as arriving', async () => {
    const { body } = await region.ask(`/records/${ANNE}/explain`, { roles: ['governance'] });
    const behind = body.entries.find(({ id }: { id: string }) => id === 'RX901/Observation/behind');
    expect(behind.purposes[0]).toMatchObject({ included: false, rule: 'arriving' });
  });

  it('is seen by operators', async () => {
    const { body } = await region.ask('/status', { roles: ['operations'] });
    expect(body.decisionsUnreadSeconds).toEqual(expect.any(Number));
  });

  it('is shown to individual care once it has waited for as long as it does, with a word; subscribers beyond it are never told', async () => {
    await people.run(FIFTEEN_MINUTES);
    const record = await clinician();
    expect(record).toMatchObject({ entries: [{}, {}], notice: NOT_ALL_READ });
    expect(record.waiting).toBeUndefined();
    for (const text of await everywhere()) expect(text).toContain(NOT_ALL_READ);
    const research = await region.ask(`/records/${ANNE}?purpose=research`, { roles: ['governance'] });
    expect(research.body.entries).toHaveLength(1);
    await subscribers.get('direct-care')!.until(() => told('direct-care').length > 0);
    expect([told('direct-care'), told('research')]).toEqual([['included'], []]);
  });
});
