import { DEFAULT_MEASURES, DEFAULT_UNITS, toldNumber, type UnitRange } from './release-measures.js';

const KILOGRAMS = DEFAULT_UNITS['kg'] as UnitRange;

describe('a number that is told', () => {
  it.each([
    ['a weight', 71.00418833, undefined, { value: 71 }],
    ['a newborn’s weight', 3.4162, undefined, { value: 3.4 }],
    ['a weight of three digits', 104.28, undefined, { value: 104 }],
    ['one above what is common', 312.7, undefined, { value: 150, comparator: '>=' }],
    ['one below what is possible', -71.004, undefined, { value: 1, comparator: '<=' }],
    ['one of astronomic size', 7.1e300, undefined, { value: 150, comparator: '>=' }],
    ['less than, rounded up', 71.2, '<', { value: 72, comparator: '<' }],
    ['at most, rounded up', 71.2, '<=', { value: 72, comparator: '<=' }],
    ['more than, rounded down', 71.8, '>', { value: 71, comparator: '>' }],
    ['more than what is common', 160, '>', { value: 150, comparator: '>=' }],
  ])('%s', (_, value, comparator, told) => expect(toldNumber(value, comparator, KILOGRAMS)).toEqual(told));

  it.each([
    ['less than something above what is common', 160, '<'],
    ['more than something below what is common', 0.2, '>'],
    ['an unknown comparator', 71, 'ad'],
  ])('is none of %s: it would not be said truly', (_, value, comparator) =>
    expect(toldNumber(value, comparator, KILOGRAMS)).toBeUndefined(),
  );

  it('is the same again where it is told already', () => {
    for (const range of Object.values(DEFAULT_UNITS)) {
      for (let share = 0; share <= 1; share += 0.0137) {
        const told = toldNumber(range.from + share * (range.to - range.from), undefined, range);
        expect(toldNumber(told?.value as number, told?.comparator, range)).toEqual(told);
      }
    }
  });
});

it('every range has steps of powers of ten within it', () => {
  for (const { from, to, finest, coarsest } of [...Object.values(DEFAULT_UNITS), ...DEFAULT_MEASURES]) {
    expect(from).toBeLessThan(to);
    expect(finest).toBeLessThanOrEqual(coarsest);
    for (const step of [finest, coarsest]) expect(Number.isInteger(Math.round(Math.log10(step) * 1e9) / 1e9)).toBe(true);
  }
});
