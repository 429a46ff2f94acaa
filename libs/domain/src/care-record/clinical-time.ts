import { intervalOf, type Interval } from '../fhir-time.js';
import type { Resource } from '../vocabulary.js';

/** Where FHIR R4 resources say when a thing happened, the most telling first. */
const WHEN = [
  'effectiveDateTime',
  'effectivePeriod',
  'effectiveInstant',
  'performedDateTime',
  'performedPeriod',
  'occurrenceDateTime',
  'occurrencePeriod',
  'onsetDateTime',
  'onsetPeriod',
  'period',
  'start',
  'authoredOn',
  'startDate',
  'recordedDate',
  'issued',
  'date',
  'created',
  'dateAsserted',
] as const;

/** When the fact of a resource happened, as written in it; null where it says nothing (a Patient, say). */
export function occurredAt(resource: Resource): string | null {
  for (const field of WHEN) {
    const value = resource[field];
    if (typeof value === 'string') return value;
    if (value !== null && typeof value === 'object' && 'start' in value && typeof value.start === 'string') return value.start;
  }
  return null;
}

/**
 * All of the time in which the fact of a resource happened. A period without an end goes on; what of it cannot be read has no
 * bound. Null where the resource says nothing.
 */
export function clinicalInterval(resource: Resource): Interval | null {
  const value = WHEN.map((field) => resource[field]).find((one) => typeof one === 'string' || isPeriod(one));
  if (!isPeriod(value)) return intervalOf(value);
  const [start, end] = [intervalOf(value.start), intervalOf(value.end)];
  const until = end === null ? Infinity : Math.max(end.until, end.from + 1);
  return { from: start?.from ?? -Infinity, until: start !== null && until <= start.from ? Infinity : until };
}

function isPeriod(value: unknown): value is { readonly start?: unknown; readonly end?: unknown } {
  return value !== null && typeof value === 'object' && ('start' in value || 'end' in value);
}
