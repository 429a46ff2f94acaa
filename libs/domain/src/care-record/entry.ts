import type { Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';
import type { SeenAge, Version } from './version.js';

/** The number that an entry came from, by its key, and the revision of the entry's home that says so. */
export interface Arrival {
  readonly from: string;
  readonly since: number;
}

/**
 * Why somebody should look whose an entry is: it came from another number, or another number has one of its id and its versions do not say which
 * is the later. So it is until its sender says a newer version of it under the number that it is with.
 */
export type Review = 'number-corrected' | 'number-unclear';

/** One clinical fact: a source's resource with its versions. `id`: see `entryId`. */
export interface Entry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  /** Every age of its versions, as far as it decides what becomes of further ones. */
  seen: readonly SeenAge[];
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
  /** Of a death: when it was, as far as it is told. */
  died?: Interval;
  /** The number that has it now, by its key, and since which revision of its home: what is here is the end of it. */
  away?: { readonly to: string; readonly since: number };
  arrival?: Arrival;
  /** Keys of other people's numbers that had to do with it. */
  others?: readonly string[];
  review?: Review;
  /** What the next version in force is to be reviewed for. */
  nextReview?: Review;
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

/** An entry of which nothing was folded in yet. */
export function newEntry(about: Pick<Entry, 'id' | 'organisation' | 'resourceType' | 'recordedAt'>, revision: number): Entry {
  return {
    ...about,
    ...{ seen: [], last: null, eventTime: 0, retracted: false, occurredAt: null, birthDate: null },
    ...{ resource: undefined, versions: 0, setAside: 0, disagreeing: 0, changedAt: revision },
  };
}
