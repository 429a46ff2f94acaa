import { createHash } from 'node:crypto';
import { PROJECTIONS, type Projection } from '@weft/domain';
import { bytesOf, type FollowOptions, type Keys, type Message, toldRevision, type Wiring } from '@weft/processing';
import { type Change, feedChanges, type FeedOptions } from './change-feed.js';

const KEY = `${'a'.repeat(32)}.1`;
const OTHER = `${'b'.repeat(32)}.1`;

interface Told {
  readonly key?: string;
  readonly viewRevision: number;
  readonly kind?: 'included' | 'amended' | 'withdrawn';
}

const projections = PROJECTIONS.map((projection): Projection => ({ ...projection, version: 1 }));
const keys = {
  pseudonym: (_: string, text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32),
} as Keys;
const subjectOf = (key: string): string => key.slice(0, 32);
/** By what a subscriber is told in its place the revision of a view. */
const revisions = new Map<number, number>();
function told(key: string, viewRevision: number): string {
  const projection = projections.find(({ purpose }) => purpose === 'direct-care') as Projection;
  const number = toldRevision(projection, subjectOf(key), viewRevision, keys);
  revisions.set(number, viewRevision);
  return String(number);
}

/** Every view is as it was told, and no dated decision has made it out of date. */
const closing = { basis: { span: { since: null, until: null } } };
const store = {
  head: async () => 0,
  read: async () => [{ revision: 0, type: 'view-confirmed-1', data: bytesOf(JSON.stringify({ closing })) }],
};

/** A topic of one partition that nothing was compacted in, as Kafka keeps it for a while. */
function wiringOf(messages: readonly Told[]) {
  const log = messages.map(({ key = KEY, viewRevision, kind = 'included' }, offset): Message => ({
    topic: 'weft.record-changes.direct-care',
    partition: 0,
    offset,
    key,
    value: kind === 'withdrawn' ? null : new TextEncoder().encode(JSON.stringify({ id: key, recordedAt: `${viewRevision}` })),
    headers: { ce_viewrevision: told(key, viewRevision), ce_type: `record-entry-${kind}-1`, ce_subject: subjectOf(key) },
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
  const wiring = { bus, store, keys, clock: { now: () => 0 }, projections } as unknown as Wiring;
  return { wiring, followedFrom: () => followed?.from };
}

async function caughtUp(messages: readonly Told[], from: FeedOptions['from']) {
  const { wiring, followedFrom } = wiringOf(messages);
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
    changes: changes.map(({ key, kind, viewRevision }) => [key, kind, revisions.get(viewRevision)]),
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
