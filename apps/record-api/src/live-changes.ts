import { Injectable, Inject } from '@nestjs/common';
import type { Purpose } from '@weft/domain';
import {
  CARE_RECORD_PREFIX,
  changesOf,
  countOf,
  effectIn,
  type EventStore,
  PUBLISHER_STREAM,
  type RecordChange,
  type StoredEvent,
  type Subscription,
  timesPutBack,
  type Wiring,
} from '@weft/processing';
import { Service, WIRING } from '@weft/service';

/** A place in the one order of the store; null before everything. */
export type Position = string | null;

/** What is to be told because of the events up to a position. */
export interface Part {
  readonly changes: readonly RecordChange[];
  readonly position: Position;
}

/** Events read at once. */
const EVENTS = 100;
/** Events that change more entries than this are told in several parts, each as it stands when its turn comes. */
const ENTRIES = 1_000;
const STREAMS = { prefixes: [CARE_RECORD_PREFIX] };

/** What a feed has once it follows. */
export interface Joined {
  /** Where the streams ended when it began: it comes there. */
  readonly end: Position;
  leave(): Promise<void>;
}

/** A feed that has been told everything up to a position. */
interface Waiting {
  readonly after: Position;
  readonly purpose: Purpose;
  /** With nothing where the feed is to read on by itself. */
  readonly resolve: (part: Part | null) => void;
}

interface Following {
  readonly stopping: AbortController;
  readonly subscribed: Promise<Subscription>;
}

/**
 * Everybody's streams as they grow, by one subscription for all feeds of this process: what an event changes is worked out once, for every feed
 * that waits for it at that moment. A feed that is still busy is not waited for: it reads on in the store from where it is, until it has
 * caught up. So nothing is kept for slow feeds, and none holds up another.
 */
@Injectable()
export class LiveChanges {
  /** How many feeds there are of each purpose. */
  private readonly feeds = new Map<Purpose, number>();
  private readonly waiting = new Set<Waiting>();
  private following: Following | null = null;
  /** Up to here everything was handed to those who waited, and can be read by the others. */
  private position: Position = null;
  private putBacks: number;
  /** One person whom Weft itself fails at keeps nothing from the others; once it does not, all of theirs is told. */
  readonly onFault = (_: string, err: unknown): void => this.service.log.error({ err }, 'changes of one person are not told');

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
  ) {
    this.putBacks = timesPutBack(wiring.store);
  }

  /** Where the streams end now. */
  async end(): Promise<Position> {
    const { store } = this.wiring;
    this.beginAnewIfPutBack();
    return this.endAfter(laterOf(store, this.position, await publishedAt(store)));
  }

  /** Begins to follow, for one feed. */
  async join(purpose: Purpose): Promise<Joined> {
    this.count(purpose, 1);
    this.beginAnewIfPutBack();
    try {
      this.following ??= this.follow();
      await this.following.subscribed;
      return { end: await this.endAfter(this.position), leave: () => this.leave(purpose) };
    } catch (error) {
      await this.leave(purpose);
      throw error;
    }
  }

  /**
   * What a feed that has joined is to be told next after a position, if anything: at once where it is behind, else when something comes. Null where
   * the signal says stop.
   */
  async next(position: Position, purpose: Purpose, signal: AbortSignal): Promise<Part | null> {
    const { store } = this.wiring;
    while (!signal.aborted) {
      const { position: reached } = this;
      if (isBefore(store, position, reached)) {
        const [events] = partsOf(await store.readAll({ ...STREAMS, ...after(position), maxCount: EVENTS }));
        return events === undefined ? { changes: [], position: reached } : this.partFor(purpose, events);
      }
      const part = await this.wait(position, purpose, signal);
      if (part !== null) return part;
    }
    return null;
  }

  private async endAfter(known: Position): Promise<Position> {
    for (let end = known; ;) {
      const events = await this.wiring.store.readAll({ ...STREAMS, ...after(end), maxCount: EVENTS });
      end = events.at(-1)?.position ?? end;
      if (events.length < EVENTS) return end;
    }
  }

  private async partFor(purpose: Purpose, events: readonly StoredEvent[]): Promise<Part> {
    return { changes: await changesOf(this.wiring, events, new Set([purpose]), this.onFault), position: events.at(-1)!.position };
  }

  private wait(from: Position, purpose: Purpose, signal: AbortSignal): Promise<Part | null> {
    return new Promise((resolve) => {
      const end = (): void => one.resolve(null);
      const one: Waiting = {
        ...{ after: from, purpose },
        resolve: (part) => {
          signal.removeEventListener('abort', end);
          this.waiting.delete(one);
          resolve(part);
        },
      };
      this.waiting.add(one);
      signal.addEventListener('abort', end);
      // It may have gone on, or been told to stop, since it was asked.
      if (signal.aborted || isBefore(this.wiring.store, from, this.position)) end();
    });
  }

  private follow(): Following {
    const stopping = new AbortController();
    return { stopping, subscribed: this.subscribe(stopping.signal) };
  }

  private async subscribe(stopping: AbortSignal): Promise<Subscription> {
    this.position = await this.end();
    return this.wiring.store.subscribe({
      ...{ ...STREAMS, ...after(this.position), maxBatch: EVENTS },
      onEvents: async (events) => {
        for (const part of partsOf(events)) if (!stopping.aborted) await this.handOver(part);
      },
      onFailure: (err) => this.service.log.warn({ err }, 'subscribers wait'),
    });
  }

  private async handOver(events: readonly StoredEvent[]): Promise<void> {
    const { store } = this.wiring;
    const [first, last] = [events[0] as StoredEvent, events.at(-1) as StoredEvent];
    // It is given again after others of its batch failed.
    if (!isBefore(store, this.position, last.position)) return;
    const purposes = new Set(this.feeds.keys());
    const changes = await changesOf(this.wiring, events, purposes, this.onFault);
    this.position = last.position;
    for (const one of [...this.waiting]) {
      if (!isBefore(store, one.after, last.position)) continue;
      const isWhole = purposes.has(one.purpose) && isBefore(store, one.after, first.position);
      const mine = changes.filter(({ projection }) => projection.purpose === one.purpose);
      one.resolve(isWhole ? { changes: mine, position: last.position } : null);
    }
  }

  /** A position in a store that was put back since says nothing. Feeds that follow still are about to be ended. */
  private beginAnewIfPutBack(): void {
    const putBacks = timesPutBack(this.wiring.store);
    if (putBacks === this.putBacks) return;
    this.putBacks = putBacks;
    this.position = null;
    void this.unfollow().catch((err: unknown) => this.service.log.warn({ err }, 'a subscription did not end'));
  }

  private async leave(purpose: Purpose): Promise<void> {
    this.count(purpose, -1);
    if (this.feeds.size === 0) await this.unfollow();
  }

  private async unfollow(): Promise<void> {
    const { following } = this;
    if (following === null) return;
    this.following = null;
    following.stopping.abort();
    const subscription = await following.subscribed.catch(() => null);
    await subscription?.stop();
  }

  private count(purpose: Purpose, more: number): void {
    const feeds = (this.feeds.get(purpose) ?? 0) + more;
    if (feeds > 0) this.feeds.set(purpose, feeds);
    else this.feeds.delete(purpose);
  }
}

const after = (position: Position): { readonly after?: string } => (position === null ? {} : { after: position });

export function isBefore(store: Pick<EventStore, 'comparePositions'>, one: Position, other: Position): boolean {
  return other !== null && (one === null || store.comparePositions(one, other) < 0);
}

/** Where the publisher's last checkpoint stands: seldom far from the end. */
async function publishedAt(store: EventStore): Promise<Position> {
  const [checkpoint] = await store.read(PUBLISHER_STREAM, { backwards: true, maxCount: 1 });
  return checkpoint?.position ?? null;
}

const laterOf = (store: EventStore, one: Position, other: Position): Position => (isBefore(store, one, other) ? other : one);

/** The events in parts of not too many entries. One event is one part at most. */
export function* partsOf(events: readonly StoredEvent[]): Generator<readonly StoredEvent[]> {
  let [first, entries] = [0, 0];
  for (const [index, stored] of events.entries()) {
    const more = entriesOf(stored);
    if (index > first && more > 0 && entries + more > ENTRIES) {
      yield events.slice(first, index);
      [first, entries] = [index, 0];
    }
    entries += more;
  }
  if (first < events.length) yield events.slice(first);
}

/** How many entries an event changes at most, in any view. */
function entriesOf(stored: StoredEvent): number {
  const counts = Object.values(effectIn(stored)?.views ?? {}).map((changes) => {
    const { included, amended, withdrawn } = countOf(changes);
    return included + amended + withdrawn;
  });
  return Math.max(0, ...counts);
}
