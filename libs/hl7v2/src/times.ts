import type { Value } from './message.js';
import type { Zone } from './zone.js';

export type TimeNote = 'time-twice' | 'time-never' | 'clock-ahead' | 'time-of-receipt';

/** An HL7 v2 time as it was given: `parts` from the year to the second, as far as they go. */
export interface Hl7Time {
  readonly parts: readonly number[];
  /** Digits, at most three: what is beyond a millisecond is cut. */
  readonly fraction: string;
  /** Minutes ahead of UTC; undefined where the sender names none. */
  readonly offset: number | undefined;
}

export interface FhirTime {
  readonly text: string;
  readonly note: TimeNote | null;
}

const TIME = /^(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d+))?)?)?)?)?)?(?:([+-])(\d\d)(\d\d))?$/;
const MINUTE = 60_000;

/** `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`; null where it is none, or on no calendar. */
export function readTime(text: string): Hl7Time | null {
  const found = TIME.exec(text.trim());
  if (found === null) return null;
  const parts = found
    .slice(1, 7)
    .filter((part) => part !== undefined)
    .map(Number);
  const [, , , , , , , fraction, sign, hours, minutes] = found;
  const ahead = Number(hours ?? 0) * 60 + Number(minutes ?? 0);
  if (!isOnCalendar(parts) || ahead > 14 * 60 || Number(minutes ?? 0) > 59) return null;
  const offset = sign === undefined ? undefined : sign === '-' ? -ahead : ahead;
  return { parts, fraction: fraction?.slice(0, 3) ?? '', offset };
}

function isOnCalendar([year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0]: readonly number[]): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
  return day <= new Date(new Date(0).setUTCFullYear(year, month, 0)).getUTCDate();
}

/** The date alone, at its precision. It never goes through an instant: in 1970 midnight in London was a day earlier in UTC. */
export const fhirDate = ({ parts }: Hl7Time): string =>
  [padded(parts[0]!, 4), ...parts.slice(1, 3).map((part) => padded(part, 2))].join('-');

/** Whether there is a time of day in it. */
export const hasTimeOfDay = ({ parts }: Hl7Time): boolean => parts.length > 3;

/**
 * A FHIR dateTime at the precision given, but that FHIR knows no hour without its minutes and seconds. Where the clocks showed the time
 * twice it is the later one, unless that is after `until` (when the message was received, or sent).
 */
export function fhirDateTime(time: Hl7Time, zone: Zone, until: number): FhirTime {
  if (!hasTimeOfDay(time)) return { text: fhirDate(time), note: null };
  const wall = wallOf(time);
  if (time.offset !== undefined) return { text: written(wall, time.fraction, time.offset * MINUTE), note: null };
  const { before, after, valid } = zone.offsetsOf(wall);
  if (valid.length === 0) return { text: written(wall - before + after, time.fraction, after), note: 'time-never' };
  if (valid.length === 1) return { text: written(wall, time.fraction, valid[0]!), note: null };
  const offset = wall - Math.min(...valid) <= until ? Math.min(...valid) : Math.max(...valid);
  return { text: written(wall, time.fraction, offset), note: 'time-twice' };
}

/** The first of the times that names an instant, but never one after receipt: a sender's clock that is ahead would shut out what follows. */
export function versionTime(candidates: readonly Value[], zone: Zone, receivedAt: number): FhirTime {
  const receipt = new Date(receivedAt).toISOString();
  const time = candidates.map((text) => readTime(text ?? '')).find((read) => read !== null && hasTimeOfDay(read));
  if (time === undefined || time === null) return { text: receipt, note: 'time-of-receipt' };
  const placed = fhirDateTime(time, zone, receivedAt);
  return Date.parse(placed.text) > receivedAt ? { text: receipt, note: 'clock-ahead' } : placed;
}

/** The instant that the clocks would show if they were UTC's, without its fraction. */
const wallOf = ({ parts: [year, month, day, hour = 0, minute = 0, second = 0] }: Hl7Time): number =>
  new Date(0).setUTCFullYear(year!, month! - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000;

function written(wall: number, fraction: string, offset: number): string {
  const at = new Date(wall);
  const date = fhirDate({ parts: [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()], fraction: '', offset: undefined });
  const clock = at.toISOString().slice(-13, -5);
  const minutes = Math.abs(offset) / MINUTE;
  const zone = `${offset < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}:${padded(minutes % 60, 2)}`;
  return `${date}T${clock}${fraction === '' ? '' : `.${fraction}`}${zone}`;
}

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');
