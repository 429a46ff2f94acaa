import {
  START,
  streamNameFilter,
  type AllStreamRecordedEvent,
  type AllStreamResolvedEvent,
  type Position,
} from '@eventstore/db-client';
import type { Calls } from './calls.js';
import type { Client } from './client.js';
import type { Incoming } from './incoming.js';
import { isAfter } from './stored-event.js';

/** What $all brings, in its order. */
export type FeedItem =
  | { readonly event: AllStreamRecordedEvent }
  /** Everything up to here has been looked at. */
  | { readonly checkpoint: Position }
  /** Everything that stood in the store has been brought. */
  | { readonly caughtUp: true };

/** Taken over from the network at most so far ahead of the handler. */
const READ_AHEAD = 64;
/** The server tells a position after so many times 32 events that it looked at. */
const CHECKPOINT_INTERVAL = 32;

/** Streams whose names begin with one of the prefixes; none of EventStoreDB's own. */
export class Names {
  readonly filter: { readonly prefixes: string[] } | { readonly regex: string };

  constructor(private readonly prefixes: readonly string[] = ['']) {
    this.filter = prefixes.includes('') ? { regex: '^[^$]' } : { prefixes: [...prefixes] };
  }

  match(stream: string): boolean {
    return !stream.startsWith('$') && this.prefixes.some((prefix) => stream.startsWith(prefix));
  }
}

/** $all from a position on, filtered by the server. It brings what is there and then what comes; it never recovers from an error. */
export class Feed {
  private constructor(
    private readonly incoming: Incoming<AllStreamResolvedEvent | FeedItem>,
    private readonly names: Names,
    private first: AllStreamRecordedEvent | undefined,
  ) {}

  static async open(client: Client, calls: Calls, names: Names, after: Position | undefined): Promise<Feed> {
    const passedOver = after && (await firstSurvivor(client, calls, names, after));
    const subscription = client.subscribeToAll(
      {
        fromPosition: passedOver?.position ?? after ?? START,
        requiresLeader: true,
        filter: streamNameFilter({
          ...(names.filter as { prefixes: string[] }),
          checkpointInterval: CHECKPOINT_INTERVAL,
          // Called when the client has read it, ahead of events that wait to be handled: so it takes its place behind them.
          checkpointReached: (self, checkpoint) => void self.push({ checkpoint } satisfies FeedItem),
        }),
      },
      { highWaterMark: READ_AHEAD },
    );
    subscription.on('caughtUp', () => void subscription.push({ caughtUp: true } satisfies FeedItem));
    const incoming = calls.incoming<AllStreamResolvedEvent | FeedItem>(subscription, () => subscription.unsubscribe());
    return new Feed(incoming, names, passedOver);
  }

  /** At least one item; none when it has ended. */
  async next(silenceMs: number): Promise<FeedItem[]> {
    if (this.first !== undefined) {
      const event = this.first;
      this.first = undefined;
      return [{ event }];
    }
    for (;;) {
      const arrived = await this.incoming.next(READ_AHEAD, silenceMs);
      const items = arrived.flatMap((item) => this.item(item));
      if (items.length > 0 || arrived.length === 0) return items;
    }
  }

  close(): void {
    this.incoming.close();
  }

  private item(item: AllStreamResolvedEvent | FeedItem): FeedItem[] {
    if ('checkpoint' in item || 'caughtUp' in item) return [item];
    const { event } = item;
    return event !== undefined && this.names.match(event.streamId) ? [{ event }] : [];
  }
}

/**
 * Version 23.10 begins behind the first event that stands at the position or after it. Where a scavenge has taken away the event
 * at the position, that is one too many; so whoever stands there now is looked at first. Undefined: nobody is passed over.
 */
async function firstSurvivor(
  client: Client,
  calls: Calls,
  names: Names,
  after: Position,
): Promise<AllStreamRecordedEvent | undefined> {
  const [found] = await calls.all(client.readAll({ fromPosition: after, maxCount: 1, requiresLeader: true }));
  const event = found?.event;
  return event !== undefined && isAfter(event.position, after) && names.match(event.streamId) ? event : undefined;
}
