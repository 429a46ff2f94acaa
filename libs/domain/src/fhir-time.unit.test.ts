import fc from 'fast-check';
import { hasSecond, intervalOf } from './fhir-time.js';

describe('a second', () => {
  it.each(['2016-12-31T23:59:60Z', '2017-01-01T00:59:60.5+01:00', '1960-06-30T23:59:60Z', '2016-12-31T10:00:59Z', '2016'])(
    'may be: %s',
    (text) => expect(hasSecond(text)).toBe(true),
  );
  it.each(['2016-12-31T22:59:60Z', '2016-12-31T23:59:60+01:00', '2016-12-31T23:00:60Z', '2016-13-31T23:59:60Z'])(
    'cannot be: %s',
    (text) => expect(hasSecond(text)).toBe(false),
  );
});

describe('a FHIR dateTime', () => {
  it.each<[string, string, string, string]>([
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z', 'a year'],
    ['2026-02', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', 'a month of winter'],
    ['2026-07', '2026-06-30T23:00:00.000Z', '2026-07-31T23:00:00.000Z', 'a month of summer'],
    ['2026-03', '2026-03-01T00:00:00.000Z', '2026-03-31T23:00:00.000Z', 'the month in which the clocks go forward'],
    ['2025-10', '2025-09-30T23:00:00.000Z', '2025-11-01T00:00:00.000Z', 'the month in which they go back'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z', 'the last month of a year'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z', '2026-02-01T00:00:00.000Z', 'a day of winter'],
    ['2026-07-31', '2026-07-30T23:00:00.000Z', '2026-07-31T23:00:00.000Z', 'a day of summer'],
    ['2026-03-29', '2026-03-29T00:00:00.000Z', '2026-03-29T23:00:00.000Z', 'the day on which the clocks go forward: 23 hours'],
    ['2025-10-26', '2025-10-25T23:00:00.000Z', '2025-10-27T00:00:00.000Z', 'the day on which they go back: 25 hours'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z', 'a leap day'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z', 'the last day of a year'],
    ['1970-01-01', '1969-12-31T23:00:00.000Z', '1970-01-01T23:00:00.000Z', 'a winter that had summer time'],
    ['1944-07-01', '1944-06-30T22:00:00.000Z', '1944-07-01T22:00:00.000Z', 'a summer that had it twice'],
    ['1900-06-01', '1900-06-01T00:00:00.000Z', '1900-06-02T00:00:00.000Z', 'a summer before there was any'],
    ['0001', '0001-01-01T00:00:00.000Z', '0002-01-01T00:00:00.000Z', 'the first year of all'],
  ])('%s is all of it in England: %s up to %s (%s)', (text, from, until) => {
    const interval = intervalOf(text);
    expect(interval && [interval.from, interval.until].map((at) => new Date(at).toISOString())).toEqual([from, until]);
  });

  it.each([
    ['2026-07-31T10:00:00Z', '2026-07-31T10:00:00.000Z'],
    ['2026-07-31T10:00:00.25+01:00', '2026-07-31T09:00:00.250Z'],
    ['2026-07-31T10:00:00-05:30', '2026-07-31T15:30:00.000Z'],
    ['2026-07-31T10:00Z', '2026-07-31T10:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['2016-12-31T23:59:60.5Z', '2016-12-31T23:59:59.500Z'],
  ])('%s is one instant: %s', (text, instant) => {
    expect(intervalOf(text)).toEqual({ from: Date.parse(instant), until: Date.parse(instant) });
  });

  it.each<unknown>([
    ...['', ' 2026', '2026 ', '26', '2026-1', '2026-13', '2026-00', '2026-02-30', '2026-02-00', '2025-02-29', '2026-04-31'],
    ...['2026-07-31T10:00:00', '2026-07-31T10', '2026-07-31T25:00:00Z', '2026-07-31T10:61:00Z', '2026-07-31T10:00:00+99:00'],
    ...[
      '2026-07T10:00:00Z',
      '2026-07-31t10:00:00Z',
      '2026-07-31T10:00:00z',
      '2026-07-31 10:00:00Z',
      'yesterday',
      '+002026-01-01',
    ],
    ...[2026, null, undefined, {}, [], ['2026'], true, new Date(0)],
  ])('%j is none', (text) => expect(intervalOf(text)).toBeNull());

  it('of every day is where the one of the day before ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1916, 0, 2), max: Date.UTC(2200, 0, 1) }), (at) => {
        const [day, next] = [at, at + 86_400_000].map((time) => intervalOf(new Date(time).toISOString().slice(0, 10)));
        expect(day?.until).toBe(next?.from);
        expect([23, 24, 25]).toContain((day!.until - day!.from) / 3_600_000);
      }),
    );
  });
});
