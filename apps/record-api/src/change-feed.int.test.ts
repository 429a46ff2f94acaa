import { provision } from '@weft/domain';
import { careRecordStream, type EventStore } from '@weft/processing';
import { type Change, feedChanges, type FeedOptions } from './change-feed.js';
import { LiveChanges, type Position } from './live-changes.js';
import { ANNE, BERT, observation, openRegion, type Region } from './region.fixture.js';

/** Of the range kept for tests. */
const PEOPLE = [
  '9990000018',
  '9990000026',
  '9990000034',
  '9990000042',
  '9990000050',
  '9990000069',
  '9990000077',
  '9990000085',
  '9990000093',
  '9990000107',
];

describe('a feed', () => {
  let region: Region;
  let live: LiveChanges;
  const running: Promise<void>[] = [];
  beforeEach(async () => {
    region = await openRegion();
    live = new LiveChanges(region.wiring, region.service);
  });
  afterEach(async () => {
    for (const { stop } of feeds.splice(0)) stop();
    await Promise.all(running.splice(0));
    await region.close();
  });

  const feeds: { stop: () => void }[] = [];
  /** @param tell what the subscriber does before it has what it is told. */
  async function follow(from: FeedOptions['from'], tell: () => Promise<void> = async () => {}, failures: unknown[] = []) {
    const stopping = new AbortController();
    const told: Change[] = [];
    const places: (Position | undefined)[] = [];
    let caughtUp = (): void => {};
    const isCaughtUp = new Promise<void>((resolve) => (caughtUp = resolve));
    const feed = feedChanges(region.wiring, live, {
      ...{ purpose: 'direct-care', epoch: 0, from, signal: stopping.signal },
      tell: async (changes, reached) => {
        await tell();
        told.push(...changes);
        places.push(reached);
      },
      onCaughtUp: () => caughtUp(),
      onFailure: (error) => failures.push(error),
    });
    feeds.push({ stop: () => stopping.abort() });
    running.push(feed);
    await Promise.race([isCaughtUp, feed]);
    return { told, places, kinds: () => told.map(({ kind, entryId }) => `${kind} ${entryId?.split('/').at(-1) ?? ''}`) };
  }
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  it('from the beginning gives the place to go on from with its last page alone: before that, going on would leave gaps', async () => {
    for (const nhsNumber of PEOPLE) await region.publish('RX901', nhsNumber, observation(nhsNumber, 'o1'));
    const { told, places } = await follow('beginning');
    expect(new Set(told.map(({ subject }) => subject))).toEqual(new Set(PEOPLE.map((one) => region.wiring.keys.patient(one))));
    expect(told).toHaveLength(PEOPLE.length);
    expect(places.slice(0, 3)).toEqual([undefined, undefined, expect.any(String)]);
    const again = await follow({ after: places[2] as Position });
    expect(again.told).toEqual([]);
  });

  it('from before everything tells what happened as it is now, and nothing that was withdrawn', async () => {
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await region.decide(BERT, { provision: provision('deny', ['direct-care']) });
    expect((await follow({ after: null })).kinds()).toEqual(['included o1', 'withdrawn ']);
  });

  it('that is busy holds up no other, and is told afterwards what it missed, as that is then', async () => {
    let release = (): void => {};
    const busy = new Promise<void>((resolve) => (release = resolve));
    const slow = await follow({ after: await live.end() }, () => busy);
    const quick = await follow({ after: await live.end() });
    for (const id of ['o1', 'o2', 'o3']) {
      await region.publish('RX901', ANNE, observation(ANNE, id));
      await until(() => quick.told.at(-1)?.entryId?.endsWith(id) === true);
    }
    await region.decide(ANNE, { provision: provision('deny', ['direct-care']) });
    await until(() => quick.told.length === 6);
    expect(slow.told).toEqual([]);
    release();
    await until(() => slow.told.length === 4);
    expect(slow.kinds()).toEqual(['included o1', 'withdrawn ', 'withdrawn ', 'withdrawn ']);
    await region.publish('RX901', BERT, observation(BERT, 'b1'));
    await until(() => slow.told.length === 5 && quick.told.length === 7);
  });

  it('is told with all others what was worked out once', async () => {
    const { store, keys } = region.wiring;
    let reads = 0;
    // What the projectors read is theirs.
    const counting: EventStore = Object.assign(Object.create(store) as EventStore, {
      read: (...asked: Parameters<EventStore['read']>) => {
        if (asked[0] === careRecordStream(keys.patient(ANNE))) reads += 1;
        return store.read(...asked);
      },
    });
    live = new LiveChanges({ ...region.wiring, store: counting }, region.service);
    await region.stopOptOutProjector();
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    const readsFor = async (id: string, told: readonly Awaited<ReturnType<typeof follow>>[]): Promise<number> => {
      reads = 0;
      await region.publish('RX901', ANNE, observation(ANNE, id));
      for (const one of told) await until(() => one.kinds().includes(`included ${id}`));
      return reads;
    };
    const first = await follow({ after: null });
    const forOne = await readsFor('o2', [first]);
    const more = await Promise.all([1, 2, 3].map(() => follow({ after: null })));
    expect(await readsFor('o3', [first, ...more])).toBe(forOne);
  });

  it('that has caught up is told again what it could not be told', async () => {
    const failures: unknown[] = [];
    let fails = true;
    const { told } = await follow(
      { after: null },
      async () => {
        if (fails) throw new Error('the audit is away');
      },
      failures,
    );
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    await until(() => failures.length === 1);
    fails = false;
    await until(() => told.length === 1);
  });
});
