import { parseInstant } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';
import { digestSent } from './content.js';

/** What a version of an entry may say of its age: null where it does not. */
export interface Age {
  /** meta.versionId where it is a whole number: FHIR leaves its form open, and only numbers have an order. */
  readonly versionId: number | null;
  /** meta.lastUpdated in milliseconds since 1970. */
  readonly lastUpdated: number | null;
}

export const NO_AGE: Age = { versionId: null, lastUpdated: null };

/** A version, by what it says of its age and by the digest of what else it says. */
export interface Version extends Age {
  readonly digest: string | undefined;
  /** Of what its sender sent, where that is not all that it says. */
  readonly sentDigest?: string | undefined;
}

/** An age that versions of an entry had, and digests of those of them that were replaced. */
export interface SeenAge extends Age {
  readonly replaced: readonly string[];
}

/** What is known of the versions of an entry. */
export interface Versions {
  /** Their ages, set aside or not. */
  readonly seen: readonly SeenAge[];
  /** The last that stood; null before the first. */
  readonly last: Version | null;
  /** Whether that was a retraction. */
  readonly retracted: boolean;
}

/**
 * What becomes of a version that has just arrived.
 * - `stands`: it is in force from now on.
 * - `stands-by-arrival`: so it is, though by its version id it is earlier than one before it and by its date later, or the reverse.
 * - `earlier`: it joins the history, and changes nothing.
 * - `replaced`: it is one that was replaced or retracted already, and changes nothing.
 */
export type Placing = 'stands' | 'stands-by-arrival' | 'earlier' | 'replaced';

/**
 * The order of the versions of one entry, a retraction being a version too. Only what both of two versions say is compared. What is
 * earlier by all of that than any version ever seen is set aside, and so is what equals one that is in force no more. Everything else
 * is placed by its arrival: version ids that begin anew with a restored server, and what says nothing of its age.
 */
export function placeVersion(next: Version, { seen, last, retracted }: Versions): Placing {
  if (seen.some((one) => isEarlierByAll(next, one))) return 'earlier';
  // A sender that corrects a version under its own number is believed, until it sends again what it has corrected.
  const isOver = last !== null && !retracted && isSameByAll(next, last) ? isReplaced : isSameByAll;
  if (seen.some((one) => isOver(next, one))) return 'replaced';
  return seen.some((one) => orderOf(next, one) === 'disagree') ? 'stands-by-arrival' : 'stands';
}

/** Whether somebody means the version in force, by the digest that its sender was answered or by the version id that it says itself. */
export function isVersion({ last }: Pick<Versions, 'last'>, named: string): boolean {
  if (last === null) return false;
  return named === digestSent(last) || (last.versionId !== null && named === String(last.versionId));
}

export const isInForce = (placing: Placing): placing is 'stands' | 'stands-by-arrival' =>
  placing === 'stands' || placing === 'stands-by-arrival';

export function ageOf({ meta }: Resource): Age {
  const versionId = meta?.versionId;
  return {
    versionId: versionId !== undefined && /^\d{1,15}$/.test(versionId) ? Number(versionId) : null,
    lastUpdated: millisecondsOf(meta?.lastUpdated ?? ''),
  };
}

export function millisecondsOf(time: string): number | null {
  const at = parseInstant(time);
  return Number.isNaN(at) ? null : at;
}

const difference = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : one - other;

/** How one version stands to another, by what both say. */
type Order = 'unsaid' | 'same' | 'earlier' | 'later' | 'disagree';

function orderOf(one: Age, other: Age): Order {
  const id = difference(one.versionId, other.versionId);
  const time = difference(one.lastUpdated, other.lastUpdated);
  if (id === null && time === null) return 'unsaid';
  const isEarlier = (id ?? 0) < 0 || (time ?? 0) < 0;
  const isLater = (id ?? 0) > 0 || (time ?? 0) > 0;
  if (isEarlier && isLater) return 'disagree';
  if (isEarlier) return 'earlier';
  return isLater ? 'later' : 'same';
}

/** True when `one` is earlier than `other` by everything that both say of their age: where they disagree neither is. */
export const isEarlierByAll = (one: Age, other: Age): boolean => orderOf(one, other) === 'earlier';
const isSameByAll = (one: Age, other: Age): boolean => orderOf(one, other) === 'same';

/** True when `one` is earlier than `other` by each of what both say of their age: neither the same number nor the same date. */
export function isStrictlyEarlier(one: Age, other: Age): boolean {
  const both = [difference(one.versionId, other.versionId), difference(one.lastUpdated, other.lastUpdated)].filter(
    (by) => by !== null,
  );
  return both.length > 0 && both.every((by) => by < 0);
}

export const saysAge = ({ versionId, lastUpdated }: Age): boolean => versionId !== null || lastUpdated !== null;

const isSameAge = (one: Age, other: Age): boolean => one.versionId === other.versionId && one.lastUpdated === other.lastUpdated;

const isReplaced = (next: Version, one: SeenAge): boolean =>
  next.digest !== undefined && isSameAge(next, one) && one.replaced.includes(next.digest);

/** The least number and the least date that versions said. */
export function leastOf(known: Age, { versionId, lastUpdated }: Age): Age {
  return { versionId: least(known.versionId, versionId), lastUpdated: least(known.lastUpdated, lastUpdated) };
}

const least = (one: number | null, other: number | null): number | null =>
  one === null || (other !== null && other < one) ? other : one;

/**
 * The ages with one more. What says as much as another one and is earlier by all of it is let go of: whatever it would set aside the
 * later one sets aside too.
 */
export function withAge(seen: readonly SeenAge[], age: Age): readonly SeenAge[] {
  if (!saysAge(age)) return seen;
  if (seen.some((one) => isSameAge(one, age) || isCoveredBy(age, one))) return seen;
  const { versionId, lastUpdated } = age;
  return [...seen.filter((one) => !isCoveredBy(one, age)), { versionId, lastUpdated, replaced: [] }];
}

/** The ages once a version was replaced by another. */
export function withReplaced(seen: readonly SeenAge[], { digest, ...age }: Version): readonly SeenAge[] {
  if (digest === undefined) return seen;
  return seen.map((one) => (isSameAge(one, age) ? { ...one, replaced: [...one.replaced, digest] } : one));
}

function isCoveredBy(one: Age, other: Age): boolean {
  const saysAsMuch =
    (one.versionId === null) === (other.versionId === null) && (one.lastUpdated === null) === (other.lastUpdated === null);
  return saysAsMuch && isEarlierByAll(one, other);
}
