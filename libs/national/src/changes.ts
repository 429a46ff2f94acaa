import { sameJson } from '@weft/domain';
import type { Death, Fault, Person } from './person.js';

/** What was told of a number so far: what PDS says is compared with it, so neither doubled nor reordered signals matter. */
export interface Told {
  /** The latest version of the PDS record that something was told of. */
  readonly version: number | null;
  /** The number that this one was told to be superseded by. */
  readonly mergedInto: string | null;
  readonly death: Person['death'];
  readonly person: Pick<Person, 'restricted' | 'generalPractitioner'> | null;
}

export const NOTHING_TOLD: Told = { version: null, mergedInto: null, death: null, person: null };

/** Something that is to be told of a number. */
export type Change =
  | { readonly is: 'merged'; readonly into: string }
  | { readonly is: 'unmerged'; readonly from: string }
  | { readonly is: 'died'; readonly death: Death }
  | { readonly is: 'death-retracted' }
  | { readonly is: 'recorded'; readonly person: Person };

export type Changes = { readonly changes: readonly Change[]; readonly told: Told } | { readonly fault: Fault };

/** What is new in the PDS record of a number that stands by itself. */
export function changesOf(told: Told, person: Person): Changes {
  if (told.death !== null && person.death === null) {
    return {
      fault: ['death-unclear', 'PDS told a death before, and now says neither that it stands nor that it was taken back'],
    };
  }
  const changes: Change[] = [];
  if (told.mergedInto !== null) changes.push({ is: 'unmerged', from: told.mergedInto });
  if (!sameJson(told.death, person.death)) {
    changes.push(person.death === 'removed' ? { is: 'death-retracted' } : { is: 'died', death: person.death as Death });
  }
  const { restricted, generalPractitioner } = person;
  const saysNothing = told.person === null && restricted === null && generalPractitioner === null;
  const now = saysNothing ? null : { restricted, generalPractitioner };
  if (!sameJson(told.person, now)) changes.push({ is: 'recorded', person });
  return { changes, told: { version: person.version, mergedInto: null, death: person.death, person: now } };
}

/**
 * What is new where PDS answers with another number's record. `isStillOnTheWay`: whether the number that this one was told to be superseded by
 * has itself gone into that one; then each link of the chain is told by itself.
 */
export function changesOfSuperseded(told: Told, into: string, isStillOnTheWay: boolean): readonly Change[] {
  if (told.mergedInto === into || isStillOnTheWay) return [];
  const merged: Change = { is: 'merged', into };
  return told.mergedInto === null ? [merged] : [{ is: 'unmerged', from: told.mergedInto }, merged];
}
