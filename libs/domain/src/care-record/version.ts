import type { Resource } from '../vocabulary.js';

/** What places one version of an entry before or after another. */
export interface VersionRank {
  /** meta.versionId where it is a whole number: FHIR leaves its form open, and only numbers have an order. */
  readonly versionId: number | null;
  /** meta.lastUpdated in milliseconds since 1970. */
  readonly lastUpdated: number | null;
  /** CloudEvents time in milliseconds since 1970: orders nothing. */
  readonly eventTime: number;
  /** Whether the version of this age is in force no more: it was retracted, or replaced by one that says nothing of its age. */
  readonly isPast: boolean;
}

export function versionRank(resource: Resource, eventTime: string): VersionRank {
  const versionId = resource.meta?.versionId;
  return {
    versionId: versionId !== undefined && /^\d{1,15}$/.test(versionId) ? Number(versionId) : null,
    lastUpdated: millisecondsOf(resource.meta?.lastUpdated ?? ''),
    eventTime: millisecondsOf(eventTime) ?? 0,
    isPast: false,
  };
}

/** A leap second has no instant of its own in POSIX time: it is taken for the second before it. */
function millisecondsOf(time: string): number | null {
  const at = Date.parse(time.replace(/(T\d\d:\d\d):60/, '$1:59'));
  return Number.isNaN(at) ? null : at;
}

/** Whether a version says nothing of its age, so that only its arrival places it. */
const isAgeless = ({ versionId, lastUpdated }: VersionRank): boolean => versionId === null && lastUpdated === null;

/**
 * True when `next`, which arrived after `current`, is an earlier version of the same entry all the same: by meta.versionId, else
 * meta.lastUpdated, else arrival. Of the same age as one that is past it is that one, and must not bring it back.
 */
export function isEarlierVersion(next: VersionRank, current: VersionRank): boolean {
  const [id, time] = [difference(next.versionId, current.versionId), difference(next.lastUpdated, current.lastUpdated)];
  if (id !== null && id !== 0) return id < 0;
  if (time !== null && time !== 0) return time < 0;
  return current.isPast && (id !== null || time !== null);
}

/**
 * What later versions are held against once `next` has come after `current`. Where it says nothing of its age, the age of those
 * before it is remembered: no sender's clock places it.
 */
export function rankAfter(current: VersionRank, next: VersionRank, isRetraction: boolean): VersionRank {
  return {
    versionId: next.versionId ?? current.versionId,
    lastUpdated: next.lastUpdated ?? current.lastUpdated,
    eventTime: next.eventTime,
    isPast: isRetraction || isAgeless(next),
  };
}

const difference = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? null : one - other;

/** What two versions may say of their age: null where one of them does not. */
export interface Age {
  readonly versionId: number | null;
  readonly lastUpdated: number | null;
}

/** True when `one` is earlier than `other` by everything that both say of their age: where they disagree neither is. */
export function isEarlierByAll(one: Age, other: Age): boolean {
  const [id, time] = [difference(one.versionId, other.versionId) ?? 0, difference(one.lastUpdated, other.lastUpdated) ?? 0];
  return (id < 0 || time < 0) && id <= 0 && time <= 0;
}
