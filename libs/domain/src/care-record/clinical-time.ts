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
