/**
 * The end of a partition of the consent topic, as it was seen: every decision before it comes before whatever was seen earlier. `epoch`: which of several
 * topics of that name, one made anew after the other.
 */
export type LaneEnd = readonly [partition: number, epoch: number, end: number];

/** How far the decisions of a partition are read: each before `next` is in its person's stream, or in quarantine. */
export interface Mark {
  readonly epoch: number;
  readonly next: number;
  /** Where the topic ended when this epoch began: from there on what waited for an earlier topic has nothing more to wait for. */
  readonly whole: number;
}

/** By partition. */
export type Marks = ReadonlyMap<number, Mark>;

/** What waits until decisions are read that came before it. */
export interface Awaits {
  readonly ends: readonly LaneEnd[];
  /** Where it stands among all that was noted to wait: what came later has a higher one. */
  readonly noted: number;
}

export interface Awaiting extends Awaits {
  /** Individual care has waited as long as the policy has it wait. */
  readonly isWaited: boolean;
}

export const NOTHING_READ: Mark = { epoch: 0, next: 0, whole: 0 };
export const NO_MARKS: Marks = new Map();

export const markIn = (marks: Marks, partition: number): Mark => marks.get(partition) ?? NOTHING_READ;

/** Whether every decision before these ends is read. */
export const areRead = (ends: readonly LaneEnd[], marks: Marks): boolean => ends.every((end) => isRead(end, marks));

function isRead([partition, epoch, end]: LaneEnd, marks: Marks): boolean {
  const mark = markIn(marks, partition);
  if (mark.epoch === epoch) return mark.next >= end;
  return mark.epoch > epoch && mark.next >= mark.whole;
}

/** What becomes of one that waits, once individual care waits no longer for what was noted up to another, before the ends of that. */
export function afterWaiting(one: Awaiting, until: Awaits): Awaiting {
  const isCovered = ([partition, epoch, end]: LaneEnd): boolean =>
    until.ends.some((other) => other[0] === partition && other[1] === epoch && other[2] >= end);
  return one.isWaited || one.noted > until.noted || !one.ends.every(isCovered) ? one : { ...one, isWaited: true };
}
