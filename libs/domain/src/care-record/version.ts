import type { Resource } from '../vocabulary.js';

/** What places one version of an entry before or after another. */
export interface VersionRank {
  /** meta.versionId where it is a whole number: FHIR leaves its form open, and only numbers have an order. */
  readonly versionId: number | null;
  /** meta.lastUpdated in milliseconds since 1970. */
  readonly lastUpdated: number | null;
  /** CloudEvents time in milliseconds since 1970: orders a bare retraction, which carries no meta. */
  readonly eventTime: number;
  readonly bareRetraction: boolean;
}

export function versionRank(resource: Resource, eventTime: string, retraction: boolean): VersionRank {
  const versionId = resource.meta?.versionId;
  const lastUpdated = Date.parse(resource.meta?.lastUpdated ?? '');
  const rank = {
    versionId: versionId !== undefined && /^\d{1,15}$/.test(versionId) ? Number(versionId) : null,
    lastUpdated: Number.isNaN(lastUpdated) ? null : lastUpdated,
    eventTime: Date.parse(eventTime),
  };
  return { ...rank, bareRetraction: retraction && rank.versionId === null && rank.lastUpdated === null };
}

/**
 * True when `next`, which arrived after `current`, is an earlier version of the same entry all the same: by meta.versionId,
 * else meta.lastUpdated, else arrival. A retraction that names no version is placed by when it was made, so that a version
 * which was merely delayed does not bring back what was retracted after it.
 */
export function isEarlierVersion(next: VersionRank, current: VersionRank): boolean {
  if (next.versionId !== null && current.versionId !== null && next.versionId !== current.versionId) {
    return next.versionId < current.versionId;
  }
  if (next.bareRetraction !== current.bareRetraction) return madeAt(next) < madeAt(current);
  if (next.lastUpdated !== null && current.lastUpdated !== null) return next.lastUpdated < current.lastUpdated;
  return false;
}

function madeAt(rank: VersionRank): number {
  return rank.lastUpdated ?? rank.eventTime;
}

/** What two versions may say of their age: null where one of them does not. */
export interface Age {
  readonly versionId: number | null;
  readonly lastUpdated: number | null;
}

/** True when `one` is earlier than `other` by everything that both say of their age: where they disagree neither is. */
export function isEarlierByAll(one: Age, other: Age): boolean {
  const [id, time] = [difference(one.versionId, other.versionId), difference(one.lastUpdated, other.lastUpdated)];
  return (id < 0 || time < 0) && id <= 0 && time <= 0;
}

const difference = (one: number | null, other: number | null): number => (one === null || other === null ? 0 : one - other);
