import { toReview } from '@weft/domain';
import { decodeReviewNoted, encode, type ReviewNoted } from './encoding.js';
import { eventsOf, loadView } from './load.js';
import { NO_STREAM, type EventStore } from './ports.js';
import type { RecordChange } from './record-changes.js';
import { REVIEWS_STREAM, viewStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

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
const MAY_BE_SOMEBODY_ELSES = '"review":"number-';

/**
 * Notes of whom these changes are whether their records contradict themselves now. Whatever changes a view comes by here (events,
 * decisions, merges, replays), and comes again where a crash came in between.
 */
export async function noteReviews(wiring: Wiring, changes: readonly RecordChange[]): Promise<void> {
  const projection = wiring.projections.find(({ purpose }) => purpose === 'direct-care');
  const ofDirectCare = changes.filter((change) => change.projection === projection);
  if (ofDirectCare.length === 0) return;
  const reviews = reviewsIn(wiring.store);
  await reviews.catchUp();
  const concerned = ofDirectCare.filter(
    ({ viewKey, entry = '' }) =>
      entry.includes(NAMES_SOMEBODY) || entry.includes(MAY_BE_SOMEBODY_ELSES) || reviews.of(viewKey).length > 0,
  );
  for (const change of new Map(concerned.map((one) => [one.viewKey, one])).values()) await note(wiring, reviews, change);
}

/** Looks again once it is noted: the view may have moved on in between, and who moved it on may have looked before. */
async function note({ store, random }: Wiring, reviews: Reviews, { projection, viewKey: key }: RecordChange): Promise<void> {
  for (;;) {
    const { view } = await loadView(store, viewStream(projection, key));
    const found = new Set(toReview(view.entries.values()).map(({ entry }) => view.entries.get(entry)?.organisation ?? ''));
    const organisations = [...found].sort();
    await reviews.catchUp();
    if (organisations.join() === reviews.of(key).join()) return;
    const noted: ReviewNoted = { type: 'review-noted-1', key, organisations };
    await unlessFenced(store.append(REVIEWS_STREAM, reviews.revision, [encode(noted, random)]));
  }
}
