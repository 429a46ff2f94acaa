import { provision } from '@weft/domain';
import { isAllPublished } from '@weft/processing';
import { ANNE, BERT, observation, openRegion, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const HOUR_MS = 60 * 60_000;

describe('a subscriber', () => {
  let region: Region;
  let followed: number;
  let begun: number;
  beforeAll(async () => {
    region = await openRegion();
    const { store } = region.service;
    for (const id of ['o1', 'o2']) await region.publish('RX901', ANNE, observation(ANNE, id));
    // The publisher follows by now.
    while (!(await isAllPublished(store))) await new Promise((resolve) => setTimeout(resolve, 5));
    const subscribe = store.subscribe.bind(store);
    followed = 0;
    begun = 0;
    store.subscribe = async (options) => {
      begun += 1;
      const following = await subscribe(options);
      followed += 1;
      return { stop: () => following.stop().finally(() => (followed -= 1)) };
    };
  });
  afterAll(() => region.close());
  const kindsOf = ({ changes }: Subscriber) => changes.map(({ kind }) => kind);

  it('who begins anew is told what stands, then what changes, each with its place', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care?from=beginning');
    await subscriber.until(isUpToDate);
    const subject = region.wiring.keys.patient(ANNE);
    expect(subscriber.changes.map(({ entryId }) => entryId)).toEqual(['RX901/Observation/o1', 'RX901/Observation/o2']);
    expect(subscriber.changes[0]).toEqual({
      key: expect.stringMatching(new RegExp(`^${subject}\\.`)),
      kind: 'included',
      entryId: 'RX901/Observation/o1',
      subject,
      viewRevision: expect.any(Number),
      entry: expect.objectContaining({ id: 'RX901/Observation/o1', resource: observation(ANNE, 'o1') }),
    });
    expect(subscriber.changes[1]!.cursor).toMatch(/^direct-care\.[\w-]{23,}$/);
    await region.publish('RX901', ANNE, { ...observation(ANNE, 'o1'), meta: { versionId: '2' } });
    await subscriber.until(({ changes }) => changes.length === 3);
    expect(subscriber.changes[2]).toMatchObject({
      kind: 'amended',
      entryId: 'RX901/Observation/o1',
      key: subscriber.changes[0]!.key,
    });
    await subscriber.leave();
  });

  it('is told of every withdrawal, and a later one never sees what was withdrawn', async () => {
    const early = await Subscriber.open(region, 'direct-care?from=beginning');
    await early.until(isUpToDate);
    await region.decide(ANNE, {});
    await early.until(({ changes }) => changes.length === 4);
    expect(kindsOf(early)).toEqual(['included', 'included', 'withdrawn', 'withdrawn']);
    expect(new Set(early.changes.slice(2).map(({ key }) => key))).toEqual(
      new Set(early.changes.slice(0, 2).map(({ key }) => key)),
    );
    expect(early.changes.slice(2).map(({ entry }) => entry)).toEqual([null, null]);
    const late = await Subscriber.open(region, 'direct-care?from=beginning');
    await late.until(isUpToDate);
    expect(late.changes).toEqual([]);
    await region.decide(ANNE, { provision: provision('permit', ['direct-care']) });
    await late.until(({ changes }) => changes.length === 2);
    expect(kindsOf(late)).toEqual(['included', 'included']);
    await Promise.all([early.leave(), late.leave()]);
  });

  it('who was away goes on at the cursor and learns what was withdrawn meanwhile', async () => {
    const before = await Subscriber.open(region, 'direct-care?from=beginning');
    await before.until(isUpToDate);
    const { cursor } = before.changes.at(-1)!;
    await before.leave();
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await region.decide(ANNE, {});
    const after = await Subscriber.open(region, `direct-care?after=${cursor}`);
    await after.until(isUpToDate);
    expect(kindsOf(after).sort()).toEqual(['included', 'withdrawn', 'withdrawn']);
    await after.leave();
    await region.decide(ANNE, { provision: provision('permit', ['direct-care']) });
  });

  it('who wants only what comes gets a place to go on from at once', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care');
    await subscriber.until(isUpToDate);
    await subscriber.leave();
    expect(subscriber.changes).toEqual([]);
    await region.publish('RX901', BERT, observation(BERT, 'b2'));
    const again = await Subscriber.open(region, `direct-care?after=${subscriber.cursor}`);
    await again.until(isUpToDate);
    expect(again.changes.map(({ entryId }) => entryId)).toEqual(['RX901/Observation/b2']);
    await again.leave();
  });

  it('of research is told nothing by which the person could be known', async () => {
    const subscriber = await Subscriber.open(region, 'research?from=beginning');
    await subscriber.until(isUpToDate);
    await subscriber.leave();
    expect(subscriber.changes.length).toBeGreaterThan(0);
    const text = JSON.stringify(subscriber.changes);
    for (const name of [ANNE, BERT, region.wiring.keys.patient(ANNE), 'RX901', 'o1']) expect(text).not.toContain(`"${name}`);
  });

  it('is not followed for once it has gone', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care');
    await subscriber.until(isUpToDate);
    const isFollowed = () => followed > 0;
    while (!isFollowed()) await new Promise(setImmediate);
    await subscriber.leave();
    while (isFollowed()) await new Promise(setImmediate);
    expect(isFollowed()).toBe(false);
  });

  it('who asks for the head alone is answered, and nothing is followed for them', async () => {
    const before = begun;
    const headers = { authorization: `Bearer ${await region.tokenOf('subscriber')}` };
    const { status } = await fetch(`${region.url}/record-changes/direct-care`, { method: 'HEAD', headers });
    expect(status).toBe(200);
    // Whatever the first had begun would be there before the second is up to date.
    const subscriber = await Subscriber.open(region, 'direct-care');
    await subscriber.until(isUpToDate);
    expect(begun).toBe(before + 1);
    await subscriber.leave();
  });

  it.each([
    ['curiosity', 400],
    ['direct-care?from=middle', 400],
    ['direct-care?from=end&after=1.0-1', 400],
    ['direct-care?after=somewhere', 400],
    ['direct-care?after=1767225600000.0-1', 410],
    ['direct-care?after=direct-care.1767225600000.0-1.0123456789012345678901', 410],
    ['direct-care?after=direct-care.0123456789012345678901234567', 400],
  ])('who asks for %s is answered %d', async (path, status) => {
    const { body, ...answer } = await region.ask(`/record-changes/${path}`, { roles: ['subscriber'] });
    expect(answer.status).toBe(status);
    expect(body.type).toMatch(/^urn:weft:problem:/);
  });

  it('does not keep the service from closing', async () => {
    const other = await openRegion();
    const subscriber = await Subscriber.open(other, 'direct-care');
    await subscriber.until(isUpToDate);
    await other.close();
    await subscriber.ended;
    expect(subscriber.lines).toContain('up to date');
    expect(subscriber.lines.at(-1)).toMatchObject({ kind: 'ended', reason: 'stopping', cursor: expect.any(String) });
  });

  it.each([
    ['research', { purposes: ['direct-care', 'population-health'] }, 'wrong-purpose', ['direct-care', 'population-health']],
    ['direct-care', { purposes: [] }, 'wrong-purpose', []],
    ['direct-care', { purposes: undefined }, 'wrong-purpose', []],
    ['direct-care', { organisation: undefined }, 'no-organisation', undefined],
    ['direct-care', { organisation: 'RX999' }, 'unknown-organisation', undefined],
  ] as const)('of %s whose token is %j is refused: %s', async (purpose, more, code, purposes) => {
    const { status, body } = await region.ask(`/record-changes/${purpose}`, { as: { roles: ['subscriber'], ...more } });
    expect([status, body.type, body.purposes]).toEqual([403, `urn:weft:problem:${code}`, purposes]);
  });
});

describe('a subscriber who follows when a dated denial begins', () => {
  it('is told of the withdrawal once its date has come', async () => {
    let ahead = 0;
    const region = await openRegion({
      service: { clock: { now: () => Date.now() + ahead, steady: () => performance.now() + ahead } },
    });
    try {
      await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
      const from = region.service.clock.now() + HOUR_MS;
      await region.decide(ANNE, { provision: provision('deny', ['direct-care'], { from }) });
      const subscriber = await Subscriber.open(region, 'direct-care?from=beginning', { expiresIn: 3 * 3_600 });
      await subscriber.until(isUpToDate);
      expect(subscriber.changes.map(({ kind }) => kind)).toEqual(['included']);
      ahead = HOUR_MS;
      await subscriber.until(({ changes }) => changes.length === 2);
      expect(subscriber.changes[1]).toMatchObject({ kind: 'withdrawn', key: subscriber.changes[0]!.key });
      await subscriber.leave();
    } finally {
      await region.close();
    }
  });
});

describe('a subscriber who catches up once a dated denial has begun, before any projector brought the view in line', () => {
  let ahead = 0;
  let region: Region;
  let cursor: string;
  beforeAll(async () => {
    region = await openRegion({ service: { clock: { now: () => Date.now() + ahead, steady: () => performance.now() + ahead } } });
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    cursor = (await Subscriber.open(region, 'direct-care').then(async (one) => (await one.leave(), one.cursor)))!;
    await region.publish('RX901', ANNE, observation(ANNE, 'o2'));
    const from = region.service.clock.now() + HOUR_MS;
    await region.decide(ANNE, { provision: provision('deny', ['direct-care'], { from }) });
    await region.stopOptOutProjector();
    ahead = HOUR_MS;
  });
  afterAll(() => region.close());
  const told = ({ changes }: Subscriber) => changes.map(({ kind, entryId }) => [kind, entryId]);

  it('is told nothing of it from the beginning, and everything of others', async () => {
    const late = await Subscriber.open(region, 'direct-care?from=beginning');
    await late.until(isUpToDate);
    // What they never had may be told as withdrawn.
    expect(told(late).filter(([kind]) => kind !== 'withdrawn')).toEqual([['included', 'RX901/Observation/b1']]);
    await late.leave();
  });

  it('is told from a cursor that it is withdrawn', async () => {
    const resumed = await Subscriber.open(region, `direct-care?after=${cursor}`);
    await resumed.until(isUpToDate);
    expect(new Set(told(resumed).map(([kind]) => kind))).toEqual(new Set(['withdrawn']));
    expect(new Set(resumed.changes.map(({ key }) => key)).size).toBe(2);
    await resumed.leave();
  });
});
