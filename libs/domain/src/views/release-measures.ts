/** Numbers that are told: from, to, and the finest and the coarsest step between two of them, powers of ten. */
export interface UnitRange {
  readonly from: number;
  readonly to: number;
  readonly finest: number;
  readonly coarsest: number;
}

/** What these codes measure, where that is told in this unit. */
export interface Measure extends UnitRange {
  readonly system: string;
  readonly codes: readonly string[];
  readonly unit: string;
}

const range = (from: number, to: number, finest: number, coarsest: number): UnitRange => ({ from, to, finest, coarsest });

/** Above what is common enough in a region to be nobody's mark, a number is told as a bound. */
export const DEFAULT_UNITS: Readonly<Record<string, UnitRange>> = {
  '1': range(0, 100, 0.1, 1),
  '%': range(0, 100, 0.1, 1),
  '{score}': range(0, 100, 0.1, 1),
  '{count}': range(0, 100, 1, 1),
  '{T-score}': range(-4, 4, 0.1, 0.1),
  '[pH]': range(4, 9, 0.1, 0.1),
  kg: range(1, 150, 0.1, 1),
  g: range(0, 5000, 1, 100),
  '[lb_av]': range(2, 330, 1, 1),
  m: range(0, 2, 0.1, 0.1),
  cm: range(0, 200, 1, 1),
  mm: range(0, 100, 1, 10),
  '[in_i]': range(0, 80, 1, 1),
  'kg/m2': range(10, 50, 1, 1),
  m2: range(0, 3, 0.1, 0.1),
  'mm[Hg]': range(30, 220, 1, 1),
  kPa: range(0, 30, 0.1, 1),
  '/min': range(0, 200, 1, 1),
  '{beats}/min': range(0, 200, 1, 1),
  '{breaths}/min': range(0, 60, 1, 1),
  Cel: range(34, 41, 0.1, 0.1),
  '[degF]': range(93, 106, 1, 1),
  L: range(0, 10, 0.1, 1),
  mL: range(0, 5000, 1, 100),
  'L/min': range(0, 1000, 1, 10),
  'mL/min': range(0, 150, 1, 1),
  'mL/min/{1.73_m2}': range(0, 150, 1, 1),
  'mm/h': range(0, 100, 1, 1),
  s: range(0, 100, 1, 10),
  ms: range(0, 600, 1, 10),
  min: range(0, 1000, 1, 10),
  h: range(0, 100, 1, 1),
  d: range(0, 400, 1, 10),
  wk: range(0, 52, 1, 1),
  mo: range(0, 24, 1, 1),
  a: range(0, 90, 1, 1),
  '/d': range(0, 60, 1, 1),
  '/wk': range(0, 100, 1, 1),
  'mmol/mol': range(20, 130, 1, 1),
  'mmol/L': range(-20, 160, 0.1, 1),
  'umol/L': range(0, 500, 1, 10),
  'nmol/L': range(0, 500, 1, 10),
  'pmol/L': range(0, 1000, 1, 10),
  'mg/mmol': range(0, 300, 1, 10),
  'mg/L': range(0, 300, 1, 10),
  'mg/dL': range(0, 400, 0.1, 1),
  'g/L': range(0, 200, 1, 1),
  'g/dL': range(0, 80, 0.1, 1),
  'ug/L': range(0, 1000, 1, 100),
  'ng/mL': range(0, 1000, 1, 100),
  'ng/L': range(0, 1000, 1, 100),
  'pg/mL': range(0, 1000, 1, 100),
  'U/L': range(0, 500, 1, 10),
  '[iU]/L': range(0, 500, 1, 10),
  'kU/L': range(0, 100, 1, 1),
  'mU/L': range(0, 50, 0.1, 1),
  'm[iU]/L': range(0, 50, 0.1, 1),
  '10*9/L': range(0, 500, 0.1, 10),
  '10*3/uL': range(0, 500, 0.1, 10),
  '10*12/L': range(2, 7, 0.1, 0.1),
  '10*6/uL': range(2, 7, 0.1, 0.1),
  fL: range(5, 600, 0.1, 10),
  pg: range(15, 40, 1, 1),
};

export const DEFAULT_UNIT_TEXTS: Readonly<Record<string, string>> = {
  mmHg: 'mm[Hg]',
  'mm Hg': 'mm[Hg]',
  bpm: '{beats}/min',
  'beats/min': '{beats}/min',
  'breaths/min': '{breaths}/min',
  '°C': 'Cel',
  '10^9/L': '10*9/L',
  '10^12/L': '10*12/L',
  'IU/L': '[iU]/L',
  'mIU/L': 'm[iU]/L',
  years: 'a',
};

const LOINC = 'http://loinc.org';
const SNOMED = 'http://snomed.info/sct';
const measure = (system: string, codes: string, unit: string, numbers: UnitRange): Measure => ({
  ...numbers,
  system,
  codes: codes.split(' '),
  unit,
});

export const DEFAULT_MEASURES: readonly Measure[] = [
  measure(LOINC, '8302-2 3137-7', 'cm', range(40, 200, 1, 1)),
  measure(SNOMED, '50373000', 'cm', range(40, 200, 1, 1)),
  measure(LOINC, '8462-4', 'mm[Hg]', range(40, 130, 1, 1)),
  measure(SNOMED, '271650006', 'mm[Hg]', range(40, 130, 1, 1)),
  measure(LOINC, '8480-6', 'mm[Hg]', range(70, 220, 1, 1)),
  measure(SNOMED, '271649006', 'mm[Hg]', range(70, 220, 1, 1)),
  measure(LOINC, '8867-4', '/min', range(40, 160, 1, 1)),
  measure(LOINC, '9279-1', '/min', range(8, 40, 1, 1)),
  measure(LOINC, '2708-6 59408-5', '%', range(80, 100, 1, 1)),
  measure(LOINC, '4548-4', '%', range(4, 14, 0.1, 0.1)),
  measure(LOINC, '2951-2', 'mmol/L', range(120, 150, 1, 1)),
  measure(LOINC, '2823-3', 'mmol/L', range(2, 7, 0.1, 0.1)),
  measure(LOINC, '72514-3', '{score}', range(0, 10, 1, 1)),
];

const COMPARATORS = ['<', '<=', '>=', '>'];

export interface Told {
  readonly value: number;
  readonly comparator?: string;
}

/**
 * The number on its grid: two significant digits, but no finer and no coarser than the range says, and within it. Outside of it a bound
 * is told. Undefined where what was measured would no longer be said truly.
 */
export function toldNumber(value: number, comparator: unknown, { from, to, finest, coarsest }: UnitRange): Told | undefined {
  if (comparator !== undefined && !COMPARATORS.includes(comparator as string)) return undefined;
  const [isBelow, isAbove] = [comparator === '<' || comparator === '<=', comparator === '>' || comparator === '>='];
  if (value >= to && !isBelow) return value === to && comparator === undefined ? { value: to } : { value: to, comparator: '>=' };
  if (value <= from && !isAbove)
    return value === from && comparator === undefined ? { value: from } : { value: from, comparator: '<=' };
  if (value > to || value < from) return undefined;
  const twoDigits = value === 0 ? finest : 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  const exponent = Math.round(Math.log10(Math.min(Math.max(twoDigits, finest), coarsest)));
  const round = isBelow ? Math.ceil : isAbove ? Math.floor : Math.round;
  const steps = exponent < 0 ? value * 10 ** -exponent : value / 10 ** exponent;
  // What a number of base two cannot hold is no reason to go a step further.
  const near = Math.round(steps);
  const whole = Math.abs(steps - near) < 1e-9 ? near : round(steps);
  const told = Number((exponent < 0 ? whole / 10 ** -exponent : whole * 10 ** exponent).toFixed(Math.max(0, -exponent)));
  return { value: told === 0 ? 0 : told, ...(comparator !== undefined && { comparator: comparator as string }) };
}
