import { areRead, type LaneEnd, type Marks } from '@weft/domain';
import { knownMarks, storedMark, type Place, type StoredMarks } from './marks.js';
import type { NumberState } from './number.js';
import type { EventStore } from './ports.js';
import { CONSENT_TOPIC } from './topics.js';

/** A partition of the decisions' topic. */
export const laneAt = (partition: number): Place => ({ topic: CONSENT_TOPIC, partition });

/** What this process last saw of how far decisions are read. */
export const knownLaneMarks = (store: EventStore): StoredMarks => knownMarks(store, CONSENT_TOPIC);

/** Those marks as they stand in the store now, beside what is known of others. */
export async function readMarks(store: EventStore, partitions: Iterable<number>): Promise<StoredMarks> {
  await Promise.all([...new Set(partitions)].map((partition) => storedMark(store, laneAt(partition))));
  return knownLaneMarks(store);
}

/** What somebody waits for who is not known to wait no longer. */
function awaitedOf(members: readonly Pick<NumberState, 'record'>[], marks: Marks): LaneEnd[] {
  const awaiting = members.flatMap(({ record }) => [...record.awaiting.values()]);
  return awaiting.filter(({ ends }) => !areRead(ends, marks)).flatMap(({ ends }) => ends);
}

/** The marks as they must be known of numbers to whose streams somebody appends at the revision that was loaded: nobody decided anything since. */
export async function marksFor(store: EventStore, members: readonly Pick<NumberState, 'record'>[]): Promise<StoredMarks> {
  const awaited = awaitedOf(members, knownLaneMarks(store));
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
  const before = knownLaneMarks(store);
  const loaded = await load();
  const members = membersOf(loaded);
  if (awaitedOf(members, before).length === 0) return { loaded, marks: before };
  const marks = await marksFor(store, members);
  return { loaded: await load(), marks };
}
