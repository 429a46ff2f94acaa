import { PURPOSES, type Purpose } from '@weft/domain';
import { unlessFenced } from './append.js';
import { messagesLost, recordTopics } from './catching-up.js';
import { changesOf } from './changes-of.js';
import { KeyedQueue } from './concurrency.js';
import { deriveViews } from './derive-views.js';
import { decodePublisherCheckpoint, encode, recordedAtOf, type PublisherCheckpoint } from './encoding.js';
import { enterEpoch, loadEpoch, noteTopicsLost } from './epochs.js';
import { SeatTaken, type Unreadable } from './errors.js';
import { isOfEngine, unreadableBy } from './failures.js';
import { loadNumber } from './number.js';
import { placeEntries, sightingsIn, sightingsOf } from './placements.js';
import { NO_STREAM, type EventStore, type Seat, type StoredEvent } from './ports.js';
import { PublishedEnds } from './published-ends.js';
import { changeMessages } from './record-changes.js';
import { noteReviews } from './reviews.js';
import { CARE_RECORD_PREFIX, PUBLISHER_STREAM } from './streams.js';
import { tellAnew } from './tell-anew.js';
import { timestamp, type Wiring } from './wiring.js';

/** Whoever takes it publishes alone: not even what an earlier publisher had on its way comes after. */
export const PUBLISHER_SEAT = 'weft.publisher';
/** Messages a call. */
const MESSAGES = 1_000;
/** Events a batch: an event about a record of a thousand entries may lead to thousands of messages. */
const EVENTS = 500;
/** How often somebody who may not publish looks whether they may now, and whoever failed tries again. */
const LOOK_MS = 500;
/** At every so many looks it is looked whether the topics still have what was published. */
const LOOKS_AT_TOPICS = 10;
/** A number that goes on failing is tried at every so many looks, at most. */
const LOOKS_APART_MAX = 64;
const PURPOSES_PUBLISHED: ReadonlySet<Purpose> = new Set(PURPOSES);

export interface Publisher {
  /** Resolves when nothing is being published any more. */
  stop(): Promise<void>;
}

/**
 * Follows the streams of all numbers and publishes what changes for each purpose, in the one order of the streams: every entry that an event names, as it
 * stands when it is published. It goes on where the last publisher's checkpoint is, which comes after what was published before it: some
 * of it may be published twice, and none is left out.
 *
 * @param isMine whether this process is to publish now. Of two that both think so the later has the seat.
 */
export function startPublisher(wiring: Wiring, isMine: () => boolean, onFailure: (error: unknown) => void = () => {}): Publisher {
  const stopping = new AbortController();
  const running = run(wiring, isMine, stopping.signal, onFailure);
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}

async function run(
  wiring: Wiring,
  isMine: () => boolean,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (isMine()) await publish(wiring, isMine, signal, onFailure);
    } catch (error) {
      onFailure(error);
    }
    await wiring.timers.sleep(LOOK_MS, signal);
  }
}

/** Until the signal, until it is somebody else's to do, or until somebody else has done it. */
async function publish(
  wiring: Wiring,
  isMine: () => boolean,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const entered = await enterEpoch(wiring, async () => (await messagesLost(wiring, await recordTopics(wiring))) === 0);
  if (entered === null) return;
  const seat = await wiring.bus.takeSeat(PUBLISHER_SEAT);
  const publishing = new Publishing(wiring, seat, entered.epoch, onFailure);
  const after = await publishing.position();
  const subscription = await wiring.store.subscribe({
    prefixes: [CARE_RECORD_PREFIX],
    ...(after !== null && { after }),
    maxBatch: EVENTS,
    onEvents: (events) => publishing.handle(events),
    onFailure,
  });
  const isOver = (): boolean => signal.aborted || !isMine() || publishing.isOver;
  let telling: Promise<void> | null = null;
  for (let looks = 1; !isOver(); looks += 1) {
    telling ??= tellAnew(wiring, { isOver, isPublished: (position) => isPublished(wiring.store, position), onFailure })
      .catch(onFailure)
      .finally(() => (telling = null));
    await wiring.timers.sleep(LOOK_MS, signal);
    if (isOver()) break;
    await publishing.retry().catch(onFailure);
    await publishing.look(looks % LOOKS_AT_TOPICS === 0).catch(onFailure);
  }
  await Promise.all([subscription.stop(), telling]);
}

/** A number that Weft itself fails at. */
interface Held {
  /** Null of one whose stream can be read. */
  readonly why: Unreadable | null;
  /** It is tried at every so many looks, and was not at so many. */
  readonly apart: number;
  readonly missed: number;
}

class Publishing {
  /** The seat, or the checkpoint, is somebody else's. */
  isOver = false;
  /** Of the last checkpoint that is known to be its own, or that it began behind. */
  private revision = NO_STREAM;
  /** The id of a checkpoint behind that of which it is not known whether it was written: the engine was away. */
  private tried: string | null = null;
  private at: string | null = null;
  private ends: PublishedEnds;
  /** What of theirs is to be published is behind. */
  private readonly held = new Map<string, Held>();
  private readonly inTurn = new KeyedQueue();

  constructor(
    private readonly wiring: Wiring,
    private readonly seat: Seat,
    private readonly epoch: number,
    private readonly onFailure: (error: unknown) => void,
  ) {
    this.ends = new PublishedEnds(wiring.keys, {});
  }

  /** Where the last publisher was; null for the beginning. */
  async position(): Promise<string | null> {
    const { position, held, revision, ends } = await lastCheckpoint(this.wiring.store);
    this.revision = revision;
    this.at = position;
    this.ends = new PublishedEnds(this.wiring.keys, ends);
    for (const [key, why] of held) this.held.set(key, { why, ...AT_NEXT_LOOK });
    await this.lookAtTopics();
    return position;
  }

  /** Whether the store, and at times the topics, still are those that this publishes from and to. */
  look(atTopics: boolean): Promise<void> {
    return this.inTurn.run('', async () => {
      const { store } = this.wiring;
      const { epoch, state } = await loadEpoch(store);
      const isPutBack = (await store.head(PUBLISHER_STREAM)) < this.revision;
      if (state === 'behind' || epoch !== this.epoch || isPutBack) this.isOver = true;
      else if (atTopics) await this.lookAtTopics();
    });
  }

  private async lookAtTopics(): Promise<void> {
    if (!(await this.ends.areThere(this.wiring.bus))) await this.missTopics();
  }

  /** That everything is told anew is noted before what was lost is forgotten. */
  private async missTopics(): Promise<void> {
    await noteTopicsLost(this.wiring);
    this.ends.forget();
  }

  handle(events: readonly StoredEvent[]): Promise<void> {
    return this.inTurn.run('', () => this.publish(events));
  }

  /** Whoever was held is told of whole once Weft does not fail at them any more: by an event of theirs, which comes by here. */
  retry(): Promise<void> {
    return this.inTurn.run('', async () => {
      for (const [key, held] of this.held) {
        if (this.isOver || this.at === null) return;
        const missed = held.missed + 1;
        if (missed < held.apart) {
          this.held.set(key, { ...held, missed });
          continue;
        }
        try {
          await placeEntries(this.wiring, sightingsOf(await loadNumber(this.wiring.store, key)), (_, error) => {
            throw error;
          });
          await deriveViews(this.wiring, key, { tellAll: true });
        } catch (error) {
          if (isOfEngine(error)) throw error;
          if (this.hold(key, error, { apart: Math.min(2 * held.apart, LOOKS_APART_MAX), missed: 0 }))
            await this.checkpoint(this.at);
          continue;
        }
        this.held.delete(key);
        await this.checkpoint(this.at);
      }
    });
  }

  /** Says so once, until it is held for something else; then it is true. */
  private hold(key: string, error: unknown, looks: Pick<Held, 'apart' | 'missed'>): boolean {
    const before = this.held.get(key);
    const why = unreadableBy(error);
    this.held.set(key, { why, ...looks });
    if (before?.why === why) return false;
    this.onFailure(error);
    return true;
  }

  private async publish(events: readonly StoredEvent[]): Promise<void> {
    if (this.isOver) return;
    const { wiring } = this;
    const onFault = (key: string, error: unknown): void => void this.hold(key, error, AT_NEXT_LOOK);
    const placed = await placeEntries(wiring, sightingsIn(events), onFault);
    const changes = await changesOf(wiring, events, PURPOSES_PUBLISHED, onFault);
    const messages = changeMessages(changes, wiring.keys, timestamp(wiring.clock), this.epoch);
    for (let first = 0; first < messages.length; first += MESSAGES) {
      try {
        const some = messages.slice(first, first + MESSAGES);
        const places = await this.seat.publish(some);
        if (!this.ends.note(some, places)) await this.missTopics();
      } catch (error) {
        if (!(error instanceof SeatTaken)) throw error;
        this.isOver = true;
        return;
      }
    }
    await noteReviews(wiring, changes, placed);
    await this.checkpoint(events.at(-1)!.position);
  }

  private async checkpoint(position: string): Promise<void> {
    const { store, random } = this.wiring;
    if (this.tried !== null) {
      const last = await lastCheckpoint(store);
      if (last.id === this.tried) this.revision = last.revision;
      // Whoever has the seat by now is further: nobody puts their checkpoint back.
      this.isOver ||= last.revision !== this.revision;
      if (this.isOver) return;
    }
    const event = encode({ type: 'published-1', position, ...heldIn(this.held), ends: this.ends.noted }, random);
    this.tried = event.id;
    const appended = await unlessFenced(store.append(PUBLISHER_STREAM, this.revision, [event], { truncatesPrevious: true }));
    this.tried = null;
    this.isOver = appended === null;
    if (appended === null) return;
    this.revision = appended;
    this.at = position;
  }
}

const AT_NEXT_LOOK = { apart: 1, missed: 0 };

function heldIn(held: ReadonlyMap<string, Held>): Pick<PublisherCheckpoint, 'held' | 'unreadable'> {
  if (held.size === 0) return {};
  const unreadable = Object.fromEntries([...held].flatMap(([key, { why }]) => (why === null ? [] : [[key, why]])));
  return { held: [...held.keys()], ...(Object.keys(unreadable).length > 0 && { unreadable }) };
}

interface LastCheckpoint {
  readonly position: string | null;
  /** By key, why its stream cannot be read; null where it can, and Weft fails at it. */
  readonly held: ReadonlyMap<string, Unreadable | null>;
  readonly ends: NonNullable<PublisherCheckpoint['ends']>;
  readonly revision: number;
  /** Of its event; null of none. */
  readonly id: string | null;
}

async function lastCheckpoint(store: EventStore): Promise<LastCheckpoint> {
  const [last] = await store.read(PUBLISHER_STREAM, { backwards: true, maxCount: 1 });
  if (last === undefined) return { position: null, held: new Map(), ends: {}, revision: NO_STREAM, id: null };
  const { position, held = [], unreadable = {}, ends = {} } = decodePublisherCheckpoint(last);
  return {
    position,
    held: new Map(held.map((key) => [key, unreadable[key] ?? null])),
    ends,
    revision: last.revision,
    id: last.id,
  };
}

/** Whether everything up to a position of the one order is published, of numbers that are held nothing. */
export async function isPublished(store: EventStore, position: string, keys: readonly string[] = []): Promise<boolean> {
  const { held } = await lastCheckpoint(store);
  if (keys.some((key) => held.has(key))) return false;
  const next = await nextToPublish(store);
  return next === null || store.comparePositions(next.position, position) > 0;
}

/** Whether nothing is left to be published. */
export async function isAllPublished(store: EventStore): Promise<boolean> {
  return (await lastCheckpoint(store)).held.size === 0 && (await nextToPublish(store)) === null;
}

/** How many numbers the publisher found unreadable, by why: those of whom nothing was to be published lately are not among them. */
export async function unreadableCounts(store: EventStore): Promise<Readonly<Partial<Record<Unreadable, number>>>> {
  const counts: Partial<Record<Unreadable, number>> = {};
  for (const why of (await lastCheckpoint(store)).held.values()) if (why !== null) counts[why] = (counts[why] ?? 0) + 1;
  return counts;
}

/** Since when (milliseconds since 1970) the oldest event waits that is not published; null where there is none. */
export async function unpublishedSince(store: EventStore): Promise<number | null> {
  const next = await nextToPublish(store);
  return next === null ? null : recordedAtOf(next);
}

/** The first event that was not published; null where there is none. */
async function nextToPublish(store: EventStore): Promise<StoredEvent | null> {
  const after = (await lastCheckpoint(store)).position;
  const [next] = await store.readAll({ ...(after !== null && { after }), prefixes: [CARE_RECORD_PREFIX], maxCount: 1 });
  return next ?? null;
}
