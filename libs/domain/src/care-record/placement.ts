import type { Entry, Place } from './entry.js';
import { isStrictlyEarlier, type Age } from './version.js';

/** The outcome for an entry of one number, as its stream has it; no care event. */
export interface EntryPlaced {
  readonly type: 'entry-placed-1';
  readonly entry: string;
  readonly place: Place;
  readonly recordedAt: string;
}

/** Whether an entry lives with the number in whose record it is. */
export const isHere = ({ placed }: Pick<Entry, 'placed'>): boolean => placed?.place !== 'away';

/** Whether somebody should look whose it is; of one that came here until its sender says a newer version under this number. */
export const isToReview = ({ placed, changedAt }: Pick<Entry, 'placed' | 'changedAt'>): boolean =>
  placed?.place === 'unclear' || (placed?.place === 'arrived' && changedAt < placed.at);

/** Folds in where an entry is. Gives the entry, or null where the record has none of that id. */
export function evolvePlacement(
  entries: ReadonlyMap<string, Entry>,
  { entry: id, place }: EntryPlaced,
  revision: number,
): Entry | null {
  const entry = entries.get(id);
  if (entry === undefined) return null;
  entry.placed = { place, at: revision };
  return entry;
}

/** What one number's record knows of the versions of an entry. */
export type Holding = Pick<Entry, 'seen' | 'first' | 'retracted'>;

/**
 * Whether an entry is one person's and not the other's, because a version under the one is later than every version that the other ever had, by
 * everything that both say. Two numbers' first versions of one age are two people's: their sender numbers for each patient, and no further version
 * of either says anything of the other's. Where its sender took it back for the other, a version that is not earlier is enough.
 */
export function takesFrom(one: Holding, other: Holding): boolean {
  const isOver = other.retracted && !one.retracted;
  if (isOver) return one.seen.some((age) => !other.seen.some((theirs) => isStrictlyEarlier(age, theirs)));
  if (other.seen.length === 0 || !isOneSeries(one.first, other.first)) return false;
  return one.seen.some((age) => other.seen.every((theirs) => isStrictlyEarlier(theirs, age)));
}

const isOneSeries = (one: Age, other: Age): boolean => isStrictlyEarlier(one, other) || isStrictlyEarlier(other, one);

/** A number that has, or had, versions of an entry. */
export interface Holder extends Holding, Pick<Entry, 'placed'> {
  /** Its key. */
  readonly key: string;
  /** The key of the person's surviving number: the numbers of one person do not compete. */
  readonly person: string;
}

/**
 * Where an entry is for one of the numbers, and the keys of those that lose it to this one: also where this one loses it to a third, as what denied it goes
 * all that way.
 */
export interface Placed {
  readonly place: Place;
  readonly from: readonly string[];
}

/** Where an entry is, by the keys of the numbers that have versions of it; whatever the order in which these came. */
export function placesOf(holders: readonly Holder[]): ReadonlyMap<string, Placed> {
  const rivals = (one: Holder): Holder[] => holders.filter(({ person }) => person !== one.person);
  // What left before the two became one person is with the other of their numbers now.
  const takers = (one: Holder): readonly Holder[] => (isHere(one) ? rivals(one) : holders.filter(({ key }) => key !== one.key));
  const lost = new Set(holders.filter((one) => takers(one).some((other) => takesFrom(other, one))).map(({ key }) => key));
  const placed = (one: Holder): Placed => {
    const from = rivals(one).filter((other) => takesFrom(one, other));
    if (lost.has(one.key)) return { place: 'away', from: from.map(({ key }) => key) };
    const isUnclear = rivals(one).some((other) => !lost.has(other.key) && !one.retracted && !other.retracted);
    return { place: isUnclear ? 'unclear' : from.length > 0 ? 'arrived' : 'own', from: from.map(({ key }) => key) };
  };
  return new Map(holders.map((one) => [one.key, placed(one)]));
}
