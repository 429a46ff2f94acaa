import { isObject } from '../is-object.js';
import { intervalOf, type Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';

/**
 * Where FHIR R4 resources say when a thing happened, the most telling first: when it was so, when it is meant to be, when it was
 * written down. A test holds the list against HL7's definitions.
 */
const WHEN = [
  ...['effectiveDateTime', 'effectivePeriod', 'effectiveInstant', 'effectiveTiming', 'performedDateTime', 'performedPeriod'],
  ...['occurrenceDateTime', 'occurrencePeriod', 'occurrenceTiming', 'occurredDateTime', 'occurredPeriod'],
  ...['identifiedDateTime', 'identifiedPeriod', 'onsetDateTime', 'onsetPeriod', 'timingDateTime', 'timingPeriod', 'timingTiming'],
  ...['servicedDate', 'servicedPeriod', 'billablePeriod', 'servicePeriod', 'executionPeriod', 'period', 'started', 'start'],
  ...['collection', 'receivedTime', 'createdDateTime', 'createdPeriod'],
  ...['sent', 'received', 'whenHandedOver', 'whenPrepared', 'startDate', 'planningHorizon', 'requestedPeriod', 'applies'],
  ...[
    'authoredOn',
    'authored',
    'dateTime',
    'dateWritten',
    'recordedDate',
    'recordedOn',
    'recorded',
    'enteredDate',
    'issued',
    'timestamp',
    'date',
  ],
  ...['created', 'dateAsserted', 'statusDate', 'abatementDateTime', 'abatementPeriod', 'end', 'lastModified'],
] as const;

/** When the fact of a resource happened, as written in it; null where it says nothing (a Patient, say). */
export function occurredAt(resource: Resource): string | null {
  for (const field of saidIn(resource)) {
    const value = timeIn(resource[field]);
    if (typeof value === 'string') return value;
    if (typeof value?.start === 'string') return value.start;
  }
  return null;
}

const RANKS: ReadonlyMap<string, number> = new Map(WHEN.map((field, rank) => [field, rank]));
const rankOf = (field: string): number => RANKS.get(field) as number;

/** Those of them that a resource has, the most telling first. */
const saidIn = (resource: Resource): string[] =>
  Object.keys(resource)
    .filter((field) => RANKS.has(field))
    .sort((one, other) => rankOf(one) - rankOf(other));

/**
 * All of the time in which the fact of a resource happened. A period without an end goes on; what of it cannot be read has no
 * bound. Null where the resource says nothing.
 */
export function clinicalInterval(resource: Resource): Interval | null {
  const value = WHEN.map((field) => timeIn(resource[field])).find((one) => one !== null);
  if (typeof value === 'string') return intervalOf(value);
  if (value === undefined || value === null) return null;
  const [start, end] = [intervalOf(value.start), intervalOf(value.end)];
  const until = end === null ? Infinity : Math.max(end.until, end.from + 1);
  return { from: start?.from ?? -Infinity, until: start !== null && until <= start.from ? Infinity : until };
}

interface Period {
  readonly start?: unknown;
  readonly end?: unknown;
}

/** A date, or a Period; of a Timing all that lies within its bounds, or between its events; of a Specimen when it was collected. */
function timeIn(value: unknown): string | Period | null {
  if (typeof value === 'string') return value;
  if (!isObject(value)) return null;
  if ('start' in value || 'end' in value) return value;
  const { event, repeat, collectedDateTime, collectedPeriod } = value;
  if (isObject(repeat) && isObject(repeat['boundsPeriod'])) return repeat['boundsPeriod'];
  if (Array.isArray(event) && event.length > 0) return { start: event[0] as unknown, end: event.at(-1) as unknown };
  return collectedDateTime === undefined && collectedPeriod === undefined ? null : timeIn(collectedDateTime ?? collectedPeriod);
}
