import { NOTHING_READ, type Coordinates, type Mark } from '@weft/domain';
import { unlessFenced } from './append.js';
import { decodeMessagesRead, encode, type MessagesRead } from './encoding.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { markStream } from './streams.js';
import { CONSENT_TOPIC } from './topics.js';
import { timestamp, type Wiring } from './wiring.js';

/** A partition of an inbound topic. */
export type Place = Pick<Coordinates, 'topic' | 'partition'>;

/** How far the messages of a partition are read, as the store has it: whatever each before `next` led to is in there too. */
export interface StoredMark extends Mark {
  /** Of its stream. */
  readonly revision: number;
  /** When the bus took the last message that was read, milliseconds since 1970; null before the first: another topic's message has another time. */
  readonly at: number | null;
  /** When it was moved, RFC 3339; null of one that never was. */
  readonly recordedAt: string | null;
}

/** Of one topic, by partition. */
export type StoredMarks = ReadonlyMap<number, StoredMark>;

/**
 * Whether a topic's partitions have marks. Where bus and store are one nothing is ever lost between them, and only the decisions' are needed: what comes
 * behind decisions waits for those.
 */
export const hasMarks = ({ bus, store }: Pick<Wiring, 'bus' | 'store'>, topic: string): boolean =>
  topic === CONSENT_TOPIC || bus.isOneWith?.(store) !== true;

/** What moving a mark takes. */
export type Marking = Pick<Wiring, 'store' | 'random' | 'clock'>;

const NEVER_MOVED: StoredMark = { ...NOTHING_READ, revision: NO_STREAM, at: null, recordedAt: null };

/** What this process last saw of a store's marks. */
interface Known {
  /** By topic, never changed in place. */
  readonly marks: Map<string, StoredMarks>;
  putBacks: number;
}

/**
 * Marks go forward alone, or into another epoch: what was read by one stays so, and who finds one too low looks in the store. Only a store that was put
 * back to an earlier state has one that is lower than it was: then nothing that was known of it counts.
 */
const known = new WeakMap<EventStore, Known>();
const NONE: StoredMarks = new Map();

function knownOf(store: EventStore): Known {
  const one = known.get(store) ?? { marks: new Map(), putBacks: 0 };
  known.set(store, one);
  return one;
}

export const knownMarks = (store: EventStore, topic: string): StoredMarks => knownOf(store).marks.get(topic) ?? NONE;

/** How often this process saw that the store was put back. */
export const timesPutBack = (store: EventStore): number => knownOf(store).putBacks;

/** The store was put back: nothing that is remembered of it counts. */
export function forgetStore(store: EventStore): void {
  const one = knownOf(store);
  one.marks.clear();
  one.putBacks += 1;
}

/** Gives what remembers something of a store, and makes it anew once that was put back. */
export function untilPutBack<T>(store: EventStore, make: () => T): () => T {
  let [made, putBacks] = [make(), timesPutBack(store)];
  return () => {
    if (timesPutBack(store) !== putBacks) [made, putBacks] = [make(), timesPutBack(store)];
    return made;
  };
}

/** A mark as it stands in the store. */
export async function storedMark(store: EventStore, place: Place): Promise<StoredMark> {
  const before = knownMarks(store, place.topic).get(place.partition)?.revision ?? NO_STREAM;
  const [last] = await store.read(markStream(place), { backwards: true, maxCount: 1 });
  const mark = last === undefined ? NEVER_MOVED : markOf(decodeMessagesRead(last), last.revision);
  if (mark.revision < before) forgetStore(store);
  return note(store, place, mark);
}

const markOf = ({ epoch, next, whole, at, recordedAt }: MessagesRead, revision: number): StoredMark => ({
  ...{ epoch, next, whole, at, recordedAt, revision },
});

function note(store: EventStore, { topic, partition }: Place, mark: StoredMark): StoredMark {
  const before = knownMarks(store, topic);
  // Two looks may end in the other order than they began.
  if ((before.get(partition)?.revision ?? NO_STREAM) <= mark.revision)
    knownOf(store).marks.set(topic, new Map(before).set(partition, mark));
  return mark;
}

/**
 * Moves a mark forward from where it was seen to be, behind what was read since. Null, and it is not moved, where it is of another topic by now, or lower
 * than it was: what lies between is not in the store.
 */
export async function moveMark(
  wiring: Marking,
  place: Place,
  seen: StoredMark,
  { next, at }: { readonly next: number; readonly at: number | null },
): Promise<StoredMark | null> {
  for (let mark = seen; ; mark = await storedMark(wiring.store, place)) {
    if (mark.epoch !== seen.epoch || mark.next < seen.next) return null;
    if (mark.next >= next) return mark;
    const moved = await append(wiring, place, mark, { epoch: mark.epoch, next, whole: mark.whole, at });
    if (moved !== null) return moved;
  }
}

/** The topic is another one than that of which this mark was: it is read anew, from its beginning or from where it is known to be the same. */
export async function setMarkBack(wiring: Marking, place: Place, mark: StoredMark, whole: number, next = 0): Promise<void> {
  await append(wiring, place, mark, { epoch: mark.epoch + 1, next, whole, at: null });
}

async function append(
  { store, random, clock }: Marking,
  place: Place,
  { revision }: StoredMark,
  moved: Omit<MessagesRead, 'type' | 'recordedAt'>,
): Promise<StoredMark | null> {
  const event: MessagesRead = { type: 'messages-read-1', ...moved, recordedAt: timestamp(clock) };
  const appended = await unlessFenced(
    store.append(markStream(place), revision, [encode(event, random)], { truncatesPrevious: true }),
  );
  return appended === null ? null : note(store, place, markOf(event, appended));
}

/**
 * Whether a group has passed messages that the store does not have: it was put back to an earlier state since, or made anew. What a mark that
 * was set back has yet to pass is of another topic, and what that one led to stands in the store.
 */
export const isBehind = ({ next, whole }: Mark, committed: number): boolean =>
  next < committed && (next >= whole || committed > whole);
