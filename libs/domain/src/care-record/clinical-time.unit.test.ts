import { clinicalInterval, occurredAt } from './clinical-time.js';

const of = (members: Record<string, unknown>) => clinicalInterval({ resourceType: 'Observation', ...members });
const day = (text: string) => Date.parse(`${text}T00:00:00Z`);

describe('all of the time in which a fact happened', () => {
  it.each<[string, Record<string, unknown>, number, number]>([
    ['a day', { effectiveDateTime: '2024-01-02' }, day('2024-01-02'), day('2024-01-03')],
    ['an instant', { issued: '2024-01-02T00:00:00Z' }, day('2024-01-02'), day('2024-01-02')],
    [
      'a period, from its first day to its last',
      { period: { start: '2024-01-02', end: '2024-01-03' } },
      day('2024-01-02'),
      day('2024-01-04'),
    ],
    ['a period that goes on', { period: { start: '2024-01-02' } }, day('2024-01-02'), Infinity],
    ['a period of which only the end is known', { period: { end: '2024-01-02' } }, -Infinity, day('2024-01-03')],
    ['a period whose last instant is part of it', { period: { end: '2024-01-02T00:00:00Z' } }, -Infinity, day('2024-01-02') + 1],
    ['a period that ends before it begins', { period: { start: '2024-01-02', end: '2023' } }, day('2024-01-02'), Infinity],
    ['a period that cannot be read', { period: { start: 'then', end: 5 } }, -Infinity, Infinity],
    ['the most telling of several', { date: '2020', effectiveDateTime: '2024-01-02' }, day('2024-01-02'), day('2024-01-03')],
    [
      'a Timing, from its first event to its last',
      { occurrenceTiming: { event: ['2024-01-02', '2024-01-04'] } },
      day('2024-01-02'),
      day('2024-01-05'),
    ],
    [
      'a Timing within its bounds',
      { timingTiming: { repeat: { boundsPeriod: { start: '2024-01-02' } } } },
      day('2024-01-02'),
      Infinity,
    ],
    ['when a specimen was collected', { collection: { collectedDateTime: '2024-01-02' } }, day('2024-01-02'), day('2024-01-03')],
  ])('%s', (_, members, from, until) => expect(of(members)).toEqual({ from, until }));

  it('is nothing where the resource says nothing, or nothing that can be read', () => {
    for (const members of [{}, { effectiveDateTime: 'then' }, { period: null }, { period: {} }, { date: 5 }])
      expect(of(members)).toBeNull();
  });
});

it('is shown by its beginning', () => {
  expect(occurredAt({ resourceType: 'Encounter', period: { start: '2024', end: '2025' } })).toBe('2024');
  expect(occurredAt({ resourceType: 'Encounter' })).toBeNull();
});
