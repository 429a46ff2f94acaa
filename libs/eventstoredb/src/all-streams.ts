import type { AllStreamRecordedEvent, Position } from '@eventstore/db-client';
import type { StoredEvent } from '@weft/processing';
import type { Calls } from './calls.js';
import type { Client } from './client.js';
import { Feed, type Names } from './feed.js';
import { formatPosition, isAfter, isTruncating, toStoredEvent } from './stored-event.js';
import type { Truncations } from './truncation.js';

interface Page<T> {
  readonly found: readonly T[];
  /** Where to go on. */
  readonly next: Position | undefined;
  /** Nothing stands behind it. */
  readonly isLast: boolean;
}

const EVENTS_A_PAGE = 2_000;
/** Told after 1,024 events that were looked through. */
const CHECKPOINTS_A_PAGE = 100;
const LOOK_UPS_AT_ONCE = 64;

/**
 * Looks through $all. By a subscription that ends once it has caught up, because the client's readAll ignores its filter and would
 * bring everybody's events to be thrown away here.
 */
export class AllStreams {
  constructor(
    private readonly client: Client,
    private readonly calls: Calls,
    private readonly truncations: Truncations,
  ) {}

  /** The next `maxCount` events that are not truncated. */
  async read(names: Names, after: Position | undefined, maxCount: number): Promise<StoredEvent[]> {
    const read: StoredEvent[] = [];
    for (let from = after; ;) {
      const page = await this.page(names, from, Math.min(maxCount - read.length, EVENTS_A_PAGE), (event) => event);
      read.push(...(await this.shown(page.found)));
      if (page.isLast || read.length === maxCount) return read;
      from = page.next;
    }
  }

  /**
   * The streams' names in the order of their first events. Where a scavenge has taken a first event away, the first one left is a
   * truncating append; to know whether it is news, the names of all events before it are needed, and are then collected. (Streams
   * that somebody else truncated, and a scavenge has passed, are not named.)
   */
  async *names(
    names: Names,
    after: Position | undefined,
  ): AsyncGenerator<{ readonly stream: string; readonly position: string }> {
    let listed: Set<string> | undefined;
    for (let from = after; ;) {
      const page = await this.page(names, from, EVENTS_A_PAGE, placeOf);
      for (const { stream, position, isFirst, isCut } of page.found) {
        if (isCut && !isFirst && listed === undefined) listed = await this.namesBefore(names, position);
        const isNew = isFirst || (isCut && listed?.has(stream) === false);
        listed?.add(stream);
        if (isNew) yield { stream, position: formatPosition(position) };
      }
      if (page.isLast) return;
      from = page.next;
    }
  }

  private async namesBefore(names: Names, end: Position): Promise<Set<string>> {
    const found = new Set<string>();
    for (let from: Position | undefined; ;) {
      const page = await this.page(names, from, EVENTS_A_PAGE, placeOf);
      for (const { stream, position } of page.found) {
        if (!isAfter(end, position)) return found;
        found.add(stream);
      }
      if (page.isLast) return found;
      from = page.next;
    }
  }

  private async shown(events: readonly AllStreamRecordedEvent[]): Promise<StoredEvent[]> {
    const shown: StoredEvent[] = [];
    for (let start = 0; start < events.length; start += LOOK_UPS_AT_ONCE) {
      const some = events.slice(start, start + LOOK_UPS_AT_ONCE);
      await this.truncations.prepare(some.map(({ streamId }) => streamId));
      for (const event of some) {
        const first = await this.truncations.firstReadable(event.streamId);
        if (Number(event.revision) >= first) shown.push(toStoredEvent(event, this.calls.engine));
      }
    }
    return shown;
  }

  /**
   * What is picked of up to `limit` events after a position. A long stretch without any ends early, so that what fails and is done
   * again is never more than a part of it.
   */
  private page<T>(
    names: Names,
    after: Position | undefined,
    limit: number,
    pick: (event: AllStreamRecordedEvent) => T,
  ): Promise<Page<T>> {
    return this.calls.ask({}, async () => {
      const feed = await Feed.open(this.client, this.calls, names, after);
      try {
        return await this.fill(feed, after, limit, pick);
      } finally {
        feed.close();
      }
    });
  }

  private async fill<T>(
    feed: Feed,
    after: Position | undefined,
    limit: number,
    pick: (event: AllStreamRecordedEvent) => T,
  ): Promise<Page<T>> {
    const found: T[] = [];
    let next = after;
    for (let checkpoints = 0; checkpoints < CHECKPOINTS_A_PAGE;) {
      const items = await feed.next(this.calls.limits.deadlineMs);
      if (items.length === 0) throw new Error('the server ended the subscription');
      for (const item of items) {
        if ('caughtUp' in item) return { found, next, isLast: true };
        if ('checkpoint' in item) {
          checkpoints += 1;
          if (isAfter(item.checkpoint, next)) next = item.checkpoint;
        } else {
          found.push(pick(item.event));
          next = item.event.position;
          if (found.length === limit) return { found, next, isLast: false };
        }
      }
    }
    return { found, next, isLast: false };
  }
}

interface Place {
  readonly stream: string;
  readonly position: Position;
  readonly isFirst: boolean;
  readonly isCut: boolean;
}

function placeOf(event: AllStreamRecordedEvent): Place {
  const { streamId, position, revision } = event;
  return { stream: streamId, position, isFirst: revision === 0n, isCut: isTruncating(event) };
}
