import { misplacedIn, seenIn, toReview, type ViewEntry } from '@weft/domain';
import { withMarks } from './consent-marks.js';
import { decodeReviewNoted, encode, type ReviewNoted } from './encoding.js';
import { pseudonymsOf } from './judges.js';
import { eventsOf } from './number.js';
import { loadPerson, survivorsOf } from './person.js';
import { unlessFenced } from './append.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { lettersFor } from './read-record.js';
import type { RecordChange } from './record-changes.js';
import { momentNow } from './region-time.js';
import { REVIEWS_STREAM } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** How many people's records for direct care contradict themselves, or have what may be somebody else's, and in how many of them each organisation has a part. */
export interface ReviewCounts {
  readonly people: number;
  readonly organisations: Readonly<Record<string, number>>;
}

/** Whose records contradict themselves: reads the stream once, and then only what was added. */
export class Reviews {
  /** By the person's key, the organisations whose entries contradict each other. */
  private readonly standing = new Map<string, readonly string[]>();
  revision = NO_STREAM;

  constructor(private readonly store: EventStore) {}

  async catchUp(): Promise<void> {
    for await (const page of eventsOf(this.store, REVIEWS_STREAM, this.revision + 1)) {
      for (const stored of page) {
        // Two may catch up at one time.
        if (stored.revision <= this.revision) continue;
        const { key, organisations } = decodeReviewNoted(stored);
        if (organisations.length === 0) this.standing.delete(key);
        else this.standing.set(key, organisations);
        this.revision = stored.revision;
      }
    }
  }

  of(key: string): readonly string[] {
    return this.standing.get(key) ?? [];
  }

  async count(): Promise<ReviewCounts> {
    await this.catchUp();
    const organisations: Record<string, number> = {};
    for (const one of [...this.standing.values()].flat().sort()) organisations[one] = (organisations[one] ?? 0) + 1;
    return { people: this.standing.size, organisations };
  }
}

const known = new WeakMap<EventStore, Reviews>();

function reviewsIn(store: EventStore): Reviews {
  const reviews = known.get(store) ?? new Reviews(store);
  known.set(store, reviews);
  return reviews;
}

const NAMES_SOMEBODY = '"resourceType":"Patient"';

/**
 * Notes of whom these changes are whether their records contradict themselves now. Whatever changes a view is published (events,
 * decisions, merges, replays) and comes by here, again where a crash came in between.
 *
 * @param placed keys of numbers that have entries of which other people have versions too.
 */
export async function noteReviews(
  wiring: Wiring,
  changes: readonly RecordChange[],
  placed: ReadonlySet<string> = new Set(),
): Promise<void> {
  const projection = wiring.projections.find(({ purpose }) => purpose === 'direct-care');
  const ofDirectCare = changes.filter((change) => change.projection === projection);
  if (ofDirectCare.length === 0 && placed.size === 0) return;
  const reviews = reviewsIn(wiring.store);
  await reviews.catchUp();
  const concerned = ofDirectCare.filter(
    ({ viewKey, entry }) => entry?.includes(NAMES_SOMEBODY) === true || reviews.of(viewKey).length > 0,
  );
  const placedWith = await survivorsOf(wiring.store, [...placed]);
  for (const key of new Set([...concerned.map(({ viewKey }) => viewKey), ...placedWith])) await note(wiring, reviews, key);
}

/** Looks again once it is noted: the view may have moved on in between, and who moved it on may have looked before. */
async function note(wiring: Wiring, reviews: Reviews, key: string): Promise<void> {
  const { store, random } = wiring;
  for (;;) {
    const { entries, misplaced } = await shownToDirectCare(wiring, key);
    const found = new Set(toReview(entries.values(), misplaced).map(({ entry }) => entries.get(entry)?.organisation ?? ''));
    const organisations = [...found].sort();
    await reviews.catchUp();
    if (organisations.join() === reviews.of(key).join()) return;
    const noted: ReviewNoted = { type: 'review-noted-1', key, organisations };
    await unlessFenced(store.append(REVIEWS_STREAM, reviews.revision, [encode(noted, random)]));
  }
}

/** Of a number that gave way nothing: what was its is looked at with its survivor. */
async function shownToDirectCare(wiring: Wiring, key: string) {
  const projection = projectionOf(wiring, 'direct-care');
  const load = () => loadPerson(wiring.store, key);
  const { loaded: person, marks } = await withMarks(wiring.store, load, ({ members }) => members);
  if (person.members[0]?.key !== key) return { entries: new Map<string, ViewEntry>(), misplaced: [] };
  const { letters } = lettersFor(projection, person, await wiring.policies.current(), await momentNow(wiring), marks);
  const entries = seenIn(person.record, letters, projection, pseudonymsOf(wiring.keys, projection, key, person.person));
  return { entries, misplaced: misplacedIn(person.record, entries) };
}
