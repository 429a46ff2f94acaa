import { areRead, NOTHING_READ, type LaneEnd, type Mark, type Marks } from '@weft/domain';
import { unlessFenced } from './append.js';
import { decodeDecisionsRead, encode, type DecisionsRead } from './encoding.js';
import type { NumberState } from './number.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { consentMarkStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/** A mark as the store has it. */
export interface StoredMark extends Mark {
  /** Of its stream. */
  readonly revision: number;
  /** When the bus took the last message that was read, milliseconds since 1970; null before the first: another topic's message has another time. */
  readonly at: number | null;
  /** When it was moved, RFC 3339; null of one that never was. */
  readonly recordedAt: string | null;
}

/** By partition. */
export type StoredMarks = ReadonlyMap<number, StoredMark>;

const NEVER_MOVED: StoredMark = { ...NOTHING_READ, revision: NO_STREAM, at: null, recordedAt: null };

/**
 * What this process last saw of the marks of a store, never changed in place. They go forward alone, or into another epoch: what was read
 * by one stays so, and who finds one too low looks in the store.
 */
const known = new WeakMap<EventStore, StoredMarks>();
const NONE: StoredMarks = new Map();

export const knownMarks = (store: EventStore): StoredMarks => known.get(store) ?? NONE;

/** A mark as it stands in the store. */
export async function storedMark(store: EventStore, partition: number): Promise<StoredMark> {
  const [last] = await store.read(consentMarkStream(partition), { backwards: true, maxCount: 1 });
  return note(store, partition, last === undefined ? NEVER_MOVED : markOf(decodeDecisionsRead(last), last.revision));
}

const markOf = ({ epoch, next, whole, at, recordedAt }: DecisionsRead, revision: number): StoredMark => ({
  ...{ epoch, next, whole, at, recordedAt, revision },
});

function note(store: EventStore, partition: number, mark: StoredMark): StoredMark {
  const before = known.get(store);
  // Two looks may end in the other order than they began.
  if ((before?.get(partition)?.revision ?? NO_STREAM) <= mark.revision) known.set(store, new Map(before).set(partition, mark));
  return mark;
}

/** Those marks as they stand in the store now, beside what is known of others. */
export async function readMarks(store: EventStore, partitions: Iterable<number>): Promise<StoredMarks> {
  await Promise.all([...new Set(partitions)].map((partition) => storedMark(store, partition)));
  return knownMarks(store);
}

/** Moves a mark forward, behind what was read of an epoch. Says whether that is the epoch still: of another one it is not to be moved. */
export async function moveMark(
  wiring: Wiring,
  partition: number,
  epoch: number,
  { next, at }: { readonly next: number; readonly at: number },
): Promise<boolean> {
  for (;;) {
    const mark = await storedMark(wiring.store, partition);
    if (mark.epoch !== epoch) return false;
    if (mark.next >= next) return true;
    if ((await append(wiring, partition, mark, { epoch, next, whole: mark.whole, at })) !== null) return true;
  }
}

/** The topic is another one than that of which this mark was: it is read from its beginning. Until then all that comes waits. */
export async function setMarkBack(wiring: Wiring, partition: number, mark: StoredMark, whole: number): Promise<void> {
  await append(wiring, partition, mark, { epoch: mark.epoch + 1, next: 0, whole, at: null });
}

async function append(
  { store, random, clock }: Wiring,
  partition: number,
  { revision }: StoredMark,
  moved: Omit<DecisionsRead, 'type' | 'recordedAt'>,
): Promise<number | null> {
  const event: DecisionsRead = { type: 'decisions-read-1', ...moved, recordedAt: timestamp(clock) };
  const stream = consentMarkStream(partition);
  const appended = await unlessFenced(store.append(stream, revision, [encode(event, random)], { truncatesPrevious: true }));
  if (appended !== null) note(store, partition, markOf(event, appended));
  return appended;
}

/** What somebody waits for who is not known to wait no longer. */
function awaitedOf(members: readonly Pick<NumberState, 'record'>[], marks: Marks): LaneEnd[] {
  const awaiting = members.flatMap(({ record }) => [...record.awaiting.values()]);
  return awaiting.filter(({ ends }) => !areRead(ends, marks)).flatMap(({ ends }) => ends);
}

/** The marks as they must be known of numbers to whose streams somebody appends at the revision that was loaded: nobody decided anything since. */
export async function marksFor(store: EventStore, members: readonly Pick<NumberState, 'record'>[]): Promise<StoredMarks> {
  const awaited = awaitedOf(members, knownMarks(store));
  return readMarks(
    store,
    awaited.map(([partition]) => partition),
  );
}

/**
 * Loads somebody, with marks that are no newer than what is loaded: whatever was read by them stands in it. Who waits for nothing, as nearly
 * everybody does, costs nothing.
 */
export async function withMarks<T>(
  store: EventStore,
  load: () => Promise<T>,
  membersOf: (loaded: T) => readonly Pick<NumberState, 'record'>[],
): Promise<{ readonly loaded: T; readonly marks: StoredMarks }> {
  const before = knownMarks(store);
  const loaded = await load();
  const members = membersOf(loaded);
  if (awaitedOf(members, before).length === 0) return { loaded, marks: before };
  const marks = await marksFor(store, members);
  return { loaded: await load(), marks };
}
