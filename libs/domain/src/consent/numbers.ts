import type { Purpose } from '../vocabulary.js';
import type { Decision } from './decision.js';
import { comesFirst, judge, type Judge } from './permits.js';
import type { Policy } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';
import type { Surroundings } from './surroundings.js';

/** What was decided about each number of a person, and with which of them an entry lives. */
export interface ByNumber<D extends Decision = Decision> {
  readonly numbers: readonly (readonly D[])[];
  readonly homeOf: (entry: Pick<JudgedEntry, 'id'>) => number;
}

/**
 * Judges an entry by what was decided about the number that it lives with, and by every other number's denials: what was permitted
 * for one number lifts no denial of another, and opens no entry of another. Of several refusals the policy's first decides, as of one
 * number's: which number absorbed which says nothing of what a reader is told.
 */
export function judgeByNumber(
  purpose: Purpose,
  { numbers, homeOf }: ByNumber,
  policy: Policy,
  at: number,
  around: Surroundings,
): Judge {
  const judges = numbers.map((decisions) => judge(purpose, decisions, policy, at, around));
  if (judges.length === 1) return judges[0] as Judge;
  // Where nobody decided anything, nothing is denied by a decision.
  const mayDeny = numbers.flatMap((decisions, number) => (decisions.length === 0 ? [] : [number]));
  return (entry) => {
    const home = homeOf(entry);
    let ruling = (judges[home] as Judge)(entry);
    for (const number of mayDeny) {
      if (number === home) continue;
      const other = (judges[number] as Judge)(entry);
      if (other.permitted || other.decision === null) continue;
      if (ruling.permitted || comesFirst(other, ruling, policy)) ruling = other;
    }
    return ruling;
  };
}

/** What was decided about one number, as its stream has it. */
export interface OfNumber<D extends Decision = Decision> {
  readonly key: string;
  readonly decisions: readonly D[];
}

/**
 * What counts for each of a person's numbers: its own decisions, and those that were made about another one while the two were one
 * person, as they are again. A denial that was left with the number stands for itself where the decision that it is of does not.
 */
export function decisionsByNumber<D extends Decision>(members: readonly OfNumber<D>[]): readonly (readonly D[])[] {
  return members.map(({ key, decisions }) => {
    const others = members.filter((member) => member.key !== key).flatMap((member) => member.decisions);
    const shared = others.filter(({ alsoOf }) => alsoOf?.includes(key));
    if (shared.length === 0) return decisions;
    const isThere = (copy: D): boolean => copy.saidOf !== undefined && shared.some((one) => isCopyOf(copy, one));
    return inOrderOfArrival(
      decisions.filter((one) => !isThere(one)),
      shared,
    );
  });
}

/** Everything decided about a person; `homes`: by entry, with which of these numbers it lives, where that is not the first. */
export function decidedAbout<D extends Decision>(
  members: readonly OfNumber<D>[],
  homes: ReadonlyMap<string, number>,
): ByNumber<D> & { readonly decisions: readonly D[] } {
  const numbers = decisionsByNumber(members);
  return { numbers, homeOf: ({ id }) => homes.get(id) ?? 0, decisions: [...new Set(numbers.toReversed().flat())] };
}

const isCopyOf = (copy: Decision, one: Decision): boolean =>
  copy.source === one.source && copy.id === one.id && copy.consentId === one.consentId && copy.authority === one.authority;

/** Each number's decisions keep the order in which they were recorded, whatever a clock said. */
function inOrderOfArrival<D extends Decision>(own: readonly D[], shared: readonly D[]): D[] {
  const ordered: D[] = [...own];
  let place = 0;
  for (const one of shared) {
    while (place < ordered.length && (ordered[place] as D).recordedAt <= one.recordedAt) place += 1;
    ordered.splice(place, 0, one);
    place += 1;
  }
  return ordered;
}
