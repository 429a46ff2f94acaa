import { PROJECTIONS } from '@weft/domain';
import type { FollowOptions, Message, Wiring } from '@weft/processing';
import { type Change, feedChanges, type FeedOptions } from './change-feed.js';

const KEY = `${'a'.repeat(32)}.1`;
const OTHER = `${'b'.repeat(32)}.1`;

interface Told {
  readonly key?: string;
  readonly viewRevision: number;
  readonly kind?: 'included' | 'amended' | 'withdrawn';
}

/** Every view is as it was told, and no dated decision has made it out of date. */
const closing = { basis: { span: { since: null, until: null } } };
const store = {
  head: async () => 0,
  read: async () => [{ revision: 0, type: 'view-confirmed-1', data: JSON.stringify({ closing }) }],
};

/** A topic of one partition that nothing was compacted in, as Kafka keeps it for a while. */
function wiringOf(told: readonly Told[]) {
  const log = told.map(({ key = KEY, viewRevision, kind = 'included' }, offset): Message => ({
    topic: 'weft.record-changes.direct-care',
    partition: 0,
    offset,
    key,
    value: kind === 'withdrawn' ? null : new TextEncoder().encode(JSON.stringify({ id: key, recordedAt: `${viewRevision}` })),
    headers: { ce_viewrevision: String(viewRevision), ce_type: `record-entry-${kind}-1`, ce_subject: key.slice(0, 32) },
    timestamp: 0,
  }));
  let followed: FollowOptions | undefined;
  const bus = {
    offsets: async () => [{ partition: 0, low: 0, high: log.length }],
    read: async (_: string, __: number, from: number) => log.slice(from, from + 2),
    follow: async (options: FollowOptions) => {
      followed = options;
      return { stop: async () => {} };
    },
  };
  const projections = PROJECTIONS.map((projection) => ({ ...projection, version: 1 }));
  const wiring = { bus, store, clock: { now: () => 0 }, projections } as unknown as Wiring;
  return { wiring, followedFrom: () => followed?.from };
}

async function caughtUp(told: readonly Told[], from: FeedOptions['from']) {
  const { wiring, followedFrom } = wiringOf(told);
  const changes: Change[] = [];
  const places: unknown[] = [];
  const stop = new AbortController();
  await feedChanges(wiring, {
    purpose: 'direct-care',
    from,
    signal: stop.signal,
    tell: async (batch, next) => {
      changes.push(...batch);
      places.push(next && [...next]);
    },
    onCaughtUp: () => setImmediate(() => stop.abort()),
    onFailure: () => {},
  });
  return {
    changes: changes.map(({ key, kind, viewRevision }) => [key, kind, viewRevision]),
    places,
    followedFrom: followedFrom(),
  };
}

describe('catching up', () => {
  it('from the beginning tells of each entry its last word alone, and nothing that was withdrawn', async () => {
    const log: Told[] = [
      { viewRevision: 1 },
      { key: OTHER, viewRevision: 1 },
      { viewRevision: 2, kind: 'amended' },
      { key: OTHER, viewRevision: 5, kind: 'withdrawn' },
      { viewRevision: 3, kind: 'amended' },
    ];
    const { changes, followedFrom } = await caughtUp(log, 'beginning');
    expect(changes).toEqual([[KEY, 'included', 3]]);
    expect(followedFrom).toEqual(new Map([[0, 5]]));
  });

  it('goes by the revision of the view, not by who told last', async () => {
    expect((await caughtUp([{ viewRevision: 6, kind: 'withdrawn' }, { viewRevision: 5 }], 'beginning')).changes).toEqual([]);
    expect((await caughtUp([{ viewRevision: 6 }, { viewRevision: 5, kind: 'withdrawn' }], 'beginning')).changes).toEqual([
      [KEY, 'included', 6],
    ]);
  });

  it('from a cursor tells of withdrawals too, since the subscriber may hold what was withdrawn', async () => {
    const log: Told[] = [{ viewRevision: 1 }, { key: OTHER, viewRevision: 1 }, { viewRevision: 2, kind: 'withdrawn' }];
    expect((await caughtUp(log, new Map([[0, 1]]))).changes).toEqual([
      [OTHER, 'included', 1],
      [KEY, 'withdrawn', 2],
    ]);
  });

  it('gives the place to go on from with its last batch only: before that, going on would leave gaps', async () => {
    const log = [1, 2, 3, 4, 5].map((n): Told => ({ key: `${'c'.repeat(32)}.${n}`, viewRevision: 1 }));
    const { changes, places } = await caughtUp(log, 'beginning');
    expect(changes).toHaveLength(5);
    expect(places).toEqual([undefined, undefined, [[0, 5]]]);
  });
});
