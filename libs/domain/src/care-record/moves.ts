import type { BetweenRecords } from './care-event.js';
import { newEntry, type Entry } from './entry.js';
import {
  ageOf,
  isEarlierByAll,
  isInForce,
  isSameByAll,
  placeVersion,
  withAge,
  withAges,
  withReplaced,
  type SeenAge,
  type Version,
  type Versions,
} from './version.js';

/** Whether an entry lives with the number in whose record it is: it has a version there, and did not go on to another one. */
export const isHere = ({ last, away }: Pick<Entry, 'last' | 'away'>): boolean => last !== null && away === undefined;

/**
 * What a version of an entry does that names another number than the one that has the entry, where the two are not one person.
 * - `moves`: it says that it is later than all that is known there: the entry is the number's that it names.
 * - `history`: it says that it is earlier, or was replaced there: it changes nothing, and is shown nowhere.
 * - `unclear`: it says nothing of its age, the same, or contradicts itself. Senders exist that number from one for each patient, so
 *   both stay where they are.
 */
export type Correction = 'moves' | 'history' | 'unclear';

/** @param there what is known of the entry where it lives; undefined where nothing of it is. */
export function correctionBy(next: Version, there: Versions | undefined): Correction {
  if (there === undefined || (there.last === null && there.seen.length === 0)) return 'moves';
  const placing = placeVersion(next, there);
  if (placing === 'earlier') return 'history';
  // The retraction itself once more, or what it retracts, says nothing of whose it is.
  if (placing === 'replaced')
    return there.last !== null && isSameByAll(next, there.last) && there.retracted ? 'unclear' : 'history';
  const before = there.last === null ? there.seen : [there.last];
  return placing === 'stands' && before.every((one) => isEarlierByAll(one, next)) ? 'moves' : 'unclear';
}

/** Whether a version changes nothing by what the number knows that it names: then it need not be asked who has the entry. */
export const isEarlierHere = (next: Version, here: Versions | undefined): boolean =>
  here !== undefined && !isInForce(placeVersion(next, here));

export const versionOf = ({
  resource,
  digest,
}: {
  readonly resource: Parameters<typeof ageOf>[0];
  readonly digest?: string;
}): Version => ({
  ...ageOf(resource),
  digest,
});

/** What a record tells of an entry that goes on: its ages, the version that stood last being replaced. */
export const agesToLearn = ({ seen, last }: Pick<Entry, 'seen' | 'last'>): readonly SeenAge[] =>
  last === null ? seen : withReplaced(seen, last);

/** Folds in what another person's record has to do with an entry. Gives the entry where it is another one by that. */
export function evolveBetween(
  { entries, revision }: { readonly entries: Map<string, Entry>; readonly revision: number },
  event: BetweenRecords,
): Entry | null {
  const { entry: id, organisation, resourceType, recordedAt } = event;
  const known = entries.get(id);
  if (event.type === 'entry-doubted-1') {
    if (known === undefined) return null;
    known.review = 'number-unclear';
    known.changedAt = revision;
    return known;
  }
  const entry = known ?? newEntry({ id, organisation, resourceType, recordedAt }, revision);
  entries.set(id, entry);
  if (event.type === 'entry-learnt-1') {
    // Nothing of it is here yet.
    if (known === undefined) entry.retracted = true;
    entry.seen = withAges(entry.seen, event.seen);
    entry.others = [...new Set([...(entry.others ?? []), event.of])];
    if (event.arrival !== undefined) entry.arrival = event.arrival;
    if (event.review !== undefined) entry.nextReview = event.review;
    return null;
  }
  const { to, since, age } = event;
  entry.seen = withAge(agesToLearn(entry), age);
  entry.last = { ...age, digest: undefined };
  Object.assign(entry, {
    away: { to, since },
    retracted: true,
    resource: undefined,
    birthDate: null,
    recordedAt,
    changedAt: revision,
  });
  delete entry.review;
  delete entry.nextReview;
  return entry;
}

/** A version that stands here: the entry is this number's. */
export function evolveHere(entry: Entry): void {
  delete entry.away;
  delete entry.review;
  if (entry.nextReview !== undefined) entry.review = entry.nextReview;
  delete entry.nextReview;
}
