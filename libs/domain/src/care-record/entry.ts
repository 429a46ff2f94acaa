import type { Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';
import type { Age, SeenAge, Version } from './version.js';

/**
 * What became of an entry of one number because people who are not one have versions of it.
 * - `away`: a later version names another person: the entry is theirs.
 * - `arrived`: an earlier version named another person, who has lost it to this number.
 * - `unclear`: another person has an entry of this id too, and nothing says which version is the later: both stay.
 * - `own`: nobody else has to do with it any more.
 */
export type Place = 'away' | 'arrived' | 'unclear' | 'own';

/** One clinical fact: a source's resource with its versions. `id`: see `entryId`. */
export interface Entry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  /** Its place among the number's entries, in the order of their first appearance: 0 for the first. */
  readonly place: number;
  /** Every age of its versions, as far as it decides what becomes of further ones. */
  seen: readonly SeenAge[];
  /** The least that versions said of their age which were in force when they came. */
  first: Age;
  /** Where it is, and the revision that says so: people who are not one have versions of it. */
  placed?: { readonly place: Place; readonly at: number };
  /** The version in force, or the retraction, by its age and what it says: what says the same changes nothing. */
  last: Version | null;
  /** CloudEvents time of the version in force, in milliseconds since 1970: orders nothing. */
  eventTime: number;
  /** True when the version in force says that the fact is none: entered in error, or retracted. */
  retracted: boolean;
  recordedAt: string;
  occurredAt: string | null;
  /** Patient.birthDate of the version in force, where it is a Patient that says one. */
  birthDate: string | null;
  /** Of a document: the names of those whose place a version of it ever took, whatever its version in force says. */
  replaces?: readonly string[];
  /** Of a document: the names by which a version of it ever could be referred to. */
  names?: readonly string[];
  /** Of a death: when it was, as far as it is told. */
  died?: Interval;
  /** The version in force; undefined once the caller has let go of it to save memory. */
  resource: Resource | undefined;
  versions: number;
  /** Of these, how many changed nothing because they came late, or again. */
  setAside: number;
  /** Of these, how many stand by their arrival because their version id and their date disagree about which is later. */
  disagreeing: number;
  /** Revision of the event that brought the version in force. */
  changedAt: number;
}
