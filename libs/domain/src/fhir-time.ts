/** An interval of time, milliseconds since 1970; `until` not included, and equal to `from` for one instant. */
export interface Interval {
  readonly from: number;
  readonly until: number;
}

/** FHIR R4 dateTime: a year, a month, a day, or an instant with its zone. */
const DATE_TIME = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;

const LEAP_SECOND = /(T\d\d:\d\d):60/i;
const DAY_SECONDS = 86_400;

/**
 * Milliseconds since 1970 of a time with its zone; NaN where it is none. A leap second has no instant of its own in POSIX time: it is
 * taken for the second before it.
 */
export const parseInstant = (text: string): number => Date.parse(text.replace(LEAP_SECOND, '$1:59'));

/** Whether the second of a time with its zone may be: UTC has a 60th as the last of a day alone. */
export function hasSecond(text: string): boolean {
  if (!LEAP_SECOND.test(text)) return true;
  const second = Math.floor(parseInstant(text) / 1000) % DAY_SECONDS;
  return (second + DAY_SECONDS) % DAY_SECONDS === DAY_SECONDS - 1;
}

/**
 * The time that a FHIR dateTime means: all of its year, month or day in England, summer time included, or its one instant. Null
 * where it is no dateTime.
 */
export function intervalOf(text: unknown): Interval | null {
  const parts = typeof text === 'string' ? DATE_TIME.exec(text) : null;
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1)];
  if (!isCalendarDay(year, month, day)) return null;
  if (parts[4] !== undefined) {
    const instant = parseInstant(text as string);
    return Number.isNaN(instant) ? null : { from: instant, until: instant };
  }
  const from = londonMidnight(year, month, day);
  if (parts[3] !== undefined) return { from, until: londonMidnight(year, month, day + 1) };
  return { from, until: parts[2] === undefined ? londonMidnight(year + 1, 1, 1) : londonMidnight(year, month + 1, 1) };
}

export function isCalendarDay(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

/** The instant at which a day begins in Europe/London. Its clocks never change at midnight, so there is exactly one. */
function londonMidnight(year: number, month: number, day: number): number {
  const utc = new Date(0).setUTCFullYear(year, month - 1, day);
  // There was no summer time before 1916, and Intl has no name for the year 0.
  return year < 1916 ? utc : utc - londonOffset(utc);
}

/** Days are named again and again, of births above all, and to ask Intl takes long: so many answers are remembered. */
const OFFSETS_MAX = 4_096;
const offsets = new Map<number, number>();

/** How far Europe/London is ahead of UTC at an instant, in milliseconds. */
function londonOffset(at: number): number {
  const known = offsets.get(at);
  if (known !== undefined) return known;
  const offset = askedOffset(at);
  if (offsets.size < OFFSETS_MAX) offsets.set(at, offset);
  return offset;
}

const LONDON = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  hourCycle: 'h23',
});

function askedOffset(at: number): number {
  const parts = new Map(LONDON.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return (
    new Date(0).setUTCFullYear(of('year'), of('month') - 1, of('day')) +
    (of('hour') * 3600 + of('minute') * 60 + of('second')) * 1000 -
    at
  );
}
