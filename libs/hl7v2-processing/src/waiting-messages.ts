import type { Waiting } from '@weft/hl7v2';
import { eventsOf, KeyedQueue, NO_STREAM, unlessFenced, type NewEvent, type Wiring } from '@weft/processing';
import { loadLane } from './kept-lane.js';
import { decodeWaiting, encode, type WaitingNoted } from './stored.js';
import { laneStream, waitingStream } from './streams.js';

/** How many parts of messages wait because it is not known whose they are, why, and since when the oldest does. */
export interface WaitingCounts {
  readonly messages: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** RFC 3339; null where none waits. */
  readonly since: string | null;
}

interface Look {
  /** Of the lane when it was looked at; null of one that is closed. */
  readonly revision: number | null;
  readonly noted: WaitingNoted;
}

/** What of an organisation waits in which lane: reads the stream once, and then only what was added. */
export class WaitingMessages {
  private readonly standing = new Map<string, WaitingNoted>();
  private revision = NO_STREAM;
  /** What was seen since it was noted last. */
  private readonly looks = new Map<string, Look>();
  private readonly noting = new KeyedQueue();

  constructor(
    private readonly wiring: Pick<Wiring, 'store' | 'random'>,
    private readonly organisation: string,
  ) {}

  async count(): Promise<WaitingCounts> {
    await this.catchUp();
    const reasons: Record<string, number> = {};
    for (const lane of this.standing.values()) {
      for (const [why, times = 0] of Object.entries(lane.reasons)) reasons[why] = (reasons[why] ?? 0) + times;
    }
    const [since = null] = [...this.standing.values()].flatMap((lane) => lane.since ?? []).sort();
    return { messages: Object.values(reasons).reduce((sum, times) => sum + times, 0), reasons, since };
  }

  /** Ids of the messages of which a part waits. */
  async ids(): Promise<ReadonlySet<string>> {
    await this.catchUp();
    const ids = new Set<string>();
    for (const key of this.standing.keys()) {
      const lane = await loadLane(this.wiring.store, this.organisation, key);
      // What a lane held that was closed meanwhile is noted of the other one.
      if (!('into' in lane)) for (const { message } of lane.feed.stillWaiting()) ids.add(message);
    }
    return ids;
  }

  private async catchUp(): Promise<void> {
    for await (const page of eventsOf(this.wiring.store, waitingStream(this.organisation), this.revision + 1)) {
      for (const stored of page) {
        // Two may catch up at one time.
        if (stored.revision <= this.revision) continue;
        const noted = decodeWaiting(stored);
        if (noted.since === null) this.standing.delete(noted.lane);
        else this.standing.set(noted.lane, noted);
        this.revision = stored.revision;
      }
    }
  }

  look(lane: string, revision: number | null, waiting: readonly Waiting[]): void {
    this.looks.set(lane, { revision, noted: summaryOf(lane, waiting) });
  }

  /** Notes what was looked at. Gives the lanes that moved on meanwhile: what waits in them is to be looked at again. */
  note(): Promise<readonly string[]> {
    return this.noting.run('', () => this.noteOnce());
  }

  private async noteOnce(): Promise<readonly string[]> {
    const looks = new Map(this.looks);
    if (looks.size === 0) return [];
    for (;;) {
      await this.catchUp();
      const news = [...looks.values()].filter(({ noted }) => !isSame(noted, this.standing.get(noted.lane)));
      const events = news.map(({ noted }) => encode(noted, this.wiring.random));
      if (events.length > 0 && (await unlessFenced(this.append(events))) === null) continue;
      for (const [lane, look] of looks) if (this.looks.get(lane) === look) this.looks.delete(lane);
      return this.movedOn(news);
    }
  }

  private append(events: readonly NewEvent[]): Promise<number> {
    return this.wiring.store.append(waitingStream(this.organisation), this.revision, events);
  }

  /** Another projector may have taken what waited before this one could note that it does. */
  private async movedOn(news: readonly Look[]): Promise<readonly string[]> {
    const heads = await Promise.all(
      news.map(async ({ revision, noted: { lane } }) => {
        const isMoved = revision !== null && (await this.wiring.store.head(laneStream(lane))) !== revision;
        return isMoved ? lane : null;
      }),
    );
    return heads.filter((lane) => lane !== null);
  }
}

function summaryOf(lane: string, waiting: readonly Waiting[]): WaitingNoted {
  const reasons: Record<string, number> = {};
  for (const { why } of waiting) reasons[why] = (reasons[why] ?? 0) + 1;
  const since = waiting.length === 0 ? null : new Date(Math.min(...waiting.map((one) => one.since))).toISOString();
  return { type: 'hl7v2-waiting-noted-1', lane, reasons, since };
}

function isSame(noted: WaitingNoted, known: WaitingNoted | undefined): boolean {
  if (known === undefined) return noted.since === null;
  return noted.since === known.since && JSON.stringify(noted.reasons) === JSON.stringify(known.reasons);
}
