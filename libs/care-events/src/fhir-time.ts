import { isCalendarDay } from './envelope.js';

/** FHIR R4 dateTime: a year, a month, a day, or an instant with its zone. */
const DATE_TIME = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;

/**
 * The time that a FHIR dateTime stands for, in milliseconds since 1970, `until` not included: all of its year, month or day
 * (in UTC), or its one instant. Null where it is no dateTime.
 */
export function intervalOf(text: unknown): { readonly from: number; readonly until: number } | null {
  const parts = typeof text === 'string' ? DATE_TIME.exec(text) : null;
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1)];
  if (!isCalendarDay(year, month, day)) return null;
  if (parts[4] !== undefined) {
    const instant = Date.parse(text as string);
    return Number.isNaN(instant) ? null : { from: instant, until: instant };
  }
  const from = Date.UTC(year, month - 1, day);
  if (parts[3] !== undefined) return { from, until: Date.UTC(year, month - 1, day + 1) };
  return { from, until: parts[2] === undefined ? Date.UTC(year + 1, 0, 1) : Date.UTC(year, month, 1) };
}
