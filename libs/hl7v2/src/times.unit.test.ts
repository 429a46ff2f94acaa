import fc from 'fast-check';
import { bytesOfCase, whereThereAreCases } from './cases.fixture.js';
import { readMessage } from './character-sets.js';
import { fhirDate, fhirDateTime, readTime, versionTime } from './times.js';
import { Zone } from './zone.js';

const LONDON = new Zone('Europe/London');
const LATE = Date.parse('2030-01-01T00:00:00Z');
const read = (text: string, until = LATE) => {
  const { text: time, note } = fhirDateTime(readTime(text)!, LONDON, until);
  return note === null ? time : `${time} ${note}`;
};

describe('a time', () => {
  it.each([
    ['2024', '2024'],
    ['202406', '2024-06'],
    ['20240610', '2024-06-10'],
    ['20240610+0100', '2024-06-10'],
    ['2024061009', '2024-06-10T09:00:00+01:00'],
    ['202406100915', '2024-06-10T09:15:00+01:00'],
    ['20240110091501', '2024-01-10T09:15:01+00:00'],
    ['20240610100000.1234+0100', '2024-06-10T10:00:00.123+01:00'],
    ['20240610100000.5-0500', '2024-06-10T10:00:00.5-05:00'],
    ['202406100915+0000', '2024-06-10T09:15:00+00:00'],
    [' 20240610 ', '2024-06-10'],
    // London kept summer time all of 1968 to 1971, and two hours of it in 1941.
    ['19700115000000', '1970-01-15T00:00:00+01:00'],
    ['194107010000', '1941-07-01T00:00:00+02:00'],
    ['00010101000000', '0001-01-01T00:00:00-00:01'],
  ])('%j is %j', (text, expected) => expect(read(text)).toBe(expected));

  it.each([
    '',
    '""',
    '196513121515',
    '20230229',
    '20240431',
    '2024061024',
    '202406100960',
    '2024061O0900',
    '0000',
    '20240610100000.',
    '2024-06-10',
    '20240610+1',
    '20240610100000+1500',
    '20240610100000+0060',
    '202',
    '20240610100000Z',
  ])('%j is none', (text) => {
    expect(readTime(text)).toBeNull();
  });

  it('keeps its date whatever the zone, since a date never goes through an instant', () => {
    expect(fhirDate(readTime('19700115000000')!)).toBe('1970-01-15');
    expect(fhirDate(readTime('20240610233000-0900')!)).toBe('2024-06-10');
  });

  it('that the clocks showed twice is the later one if that has been, else the earlier', () => {
    expect(read('20241027013000', Date.parse('2024-10-27T01:36:00Z'))).toBe('2024-10-27T01:30:00+00:00 time-twice');
    expect(read('20241027013000', Date.parse('2024-10-27T01:29:59Z'))).toBe('2024-10-27T01:30:00+01:00 time-twice');
    expect(read('20241027005959')).toBe('2024-10-27T00:59:59+01:00');
    expect(read('20241027020000')).toBe('2024-10-27T02:00:00+00:00');
  });

  it('that the clocks never showed is as far from midnight', () => {
    expect(read('20240331013000')).toBe('2024-03-31T02:30:00+01:00 time-never');
    expect(read('20240331005959')).toBe('2024-03-31T00:59:59+00:00');
    expect(read('20240331020000')).toBe('2024-03-31T02:00:00+01:00');
  });

  it('shows, in any zone and at any minute, the clocks that were read', () => {
    const zones = ['Europe/London', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC'].map(
      (name) => new Zone(name),
    );
    const minute = fc.integer({ min: Date.UTC(1950, 0, 1) / 60_000, max: Date.UTC(2037, 0, 1) / 60_000 });
    fc.assert(
      fc.property(minute, fc.constantFrom(...zones), (at, zone) => {
        const digits = new Date(at * 60_000).toISOString().replace(/\D/g, '').slice(0, 12);
        const { text, note } = fhirDateTime(readTime(digits)!, zone, LATE);
        const clocks = new Intl.DateTimeFormat('sv-SE', { timeZone: zone.name, dateStyle: 'short', timeStyle: 'short' }).format(
          Date.parse(text),
        );
        if (note !== 'time-never') expect(clocks.replace(/\D/g, '')).toBe(digits);
        expect(clocks.replace(/\D/g, '')).toBe(text.slice(0, 16).replace(/\D/g, ''));
      }),
      { numRuns: 400 },
    );
  });
});

describe('the time of a version', () => {
  const receivedAt = Date.parse('2024-06-10T09:00:00Z');
  it('is the first that names an instant', () => {
    expect(versionTime(['', null, '20240609', '202406090800', '202406070800'], LONDON, receivedAt)).toEqual({
      text: '2024-06-09T08:00:00+01:00',
      note: null,
    });
  });

  it('is never later than receipt', () => {
    expect(versionTime(['20290801070624'], LONDON, receivedAt)).toEqual({
      text: '2024-06-10T09:00:00.000Z',
      note: 'clock-ahead',
    });
  });

  it('is receipt where nothing names an instant', () => {
    const placed = { text: '2024-06-10T09:00:00.000Z', note: 'time-of-receipt' };
    expect(versionTime([undefined, '20240609', 'x'], LONDON, receivedAt)).toEqual(placed);
  });
});

whereThereAreCases('the cases of times', () => {
  const field = (id: string, segment: string, number: number, one?: number) =>
    readMessage(bytesOfCase(id, one))!.message.first(segment)!.field(number).value!;

  it.each([
    ['t01-summer', 44, '2024-06-10T23:30:00+01:00', undefined],
    ['t02-doubled-hour', 44, '2024-10-27T01:30:00+00:00 time-twice', '2024-10-27T01:36:00Z'],
    ['t03-missing-hour', 44, '2024-03-31T02:30:00+01:00 time-never', undefined],
    ['t04-precision', 44, '2024-06-10T09:15:00+01:00', undefined],
  ])('%s: PV1-%d is %s', (id, number, expected, until) => {
    expect(read(field(id, 'PV1', number), until === undefined ? LATE : Date.parse(until))).toBe(expected);
  });

  it('t04 to t07: dates', () => {
    expect(read(field('t04-precision', 'DG1', 5))).toBe('2024-06-09');
    expect(fhirDate(readTime(field('t05-born-at-midnight-1970', 'PID', 7))!)).toBe('1970-01-15');
    expect(read(field('t06-birth-time', 'PID', 7))).toBe('2024-07-04T04:44:01+01:00');
    expect(readTime(field('t07-month-13', 'PID', 7))).toBeNull();
  });

  it('t08, t09: the time of a version', () => {
    const of = (id: string, at: string, one?: number) => versionTime([field(id, 'EVN', 2, one)], LONDON, Date.parse(at));
    expect(of('t08-sender-clock-ahead', '2024-06-10T09:00:00Z', 1).note).toBe('clock-ahead');
    expect(of('t08-sender-clock-ahead', '2024-06-11T09:00:00Z', 2).text).toBe('2024-06-11T10:00:00+01:00');
    expect(of('t09-four-digit-fraction', '2024-06-11T09:00:00Z').text).toBe('2024-06-10T10:00:00.123+01:00');
  });
});
