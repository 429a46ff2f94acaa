import type { Repetition, Segment } from '../message.js';
import { type Decimal, decimalOf } from './decimals.js';
import type { Members } from './facts.js';
import { FORM_READERS, filled } from './forms.js';
import { codeIn } from './read-clinical.js';
import { placeIn, type Reading } from './reading.js';

const TEXT_TYPES = ['TX', 'FT', 'ST', ''];
const CODED_TYPES = ['CE', 'CWE', 'CNE', 'CF', 'IS', 'ID'];

/** The OBX that make one result. */
export interface ObservationGroup {
  readonly code: string;
  readonly sub: string;
  readonly segments: readonly Segment[];
}

const typeOf = (segment: Segment): string => segment.field(2).value?.trim().toUpperCase() ?? '';

/**
 * OBX-3 and OBX-4 name a result, and repeat within an OBR: lines of one text, or a code with its words. What else repeats is told apart
 * by its place, and noted.
 */
export function observationGroups(reading: Reading, segments: readonly Segment[]): ObservationGroup[] {
  const groups = new Map<string, Segment[]>();
  for (const segment of segments) {
    const key = JSON.stringify([codeIn(segment, 3) ?? '', segment.field(4).text ?? '']);
    groups.set(key, [...(groups.get(key) ?? []), segment]);
  }
  return [...groups].flatMap(([key, own]): ObservationGroup[] => {
    const [code, sub] = JSON.parse(key) as [string, string];
    if (own.length === 1 || isText(own) || isCodeWithValue(own)) return [{ code, sub, segments: own }];
    reading.note('result-repeated', placeIn(own[1]!, { field: 3, component: 1 }));
    return own.map((segment, index) => ({ code, sub: index === 0 ? sub : `${sub}#${index + 1}`, segments: [segment] }));
  });
}

const isText = (segments: readonly Segment[]): boolean => segments.every((segment) => TEXT_TYPES.includes(typeOf(segment)));

const isCodeWithValue = (segments: readonly Segment[]): boolean =>
  segments.length === 2 && segments.filter((segment) => CODED_TYPES.includes(typeOf(segment))).length === 1;

interface Surroundings {
  /** A susceptibility, whose value is its interpretation. */
  readonly isChild: boolean;
  readonly isCancelled: boolean;
  readonly report: Members;
}

/** Every member that a value may be in, so that a corrected value takes the place of one of another kind. */
export const NO_VALUE: Members = Object.fromEntries(
  ['Quantity', 'String', 'CodeableConcept', 'DateTime', 'Time', 'Range', 'Ratio']
    .map((kind): [string, null] => [`value${kind}`, null])
    .concat([
      ['dataAbsentReason', null],
      ['component', null],
    ]),
);

const AS_REPORTED: Readonly<Record<string, string>> = { partial: 'preliminary' };

/** An Observation's members, without what its report says; `status` `retract` where it is taken back. */
export function observationMembers(reading: Reading, segments: readonly Segment[], around: Surroundings): Members {
  const all = segments.map((segment) => reading.members(segment, 'ORU'));
  const first = all[0]!;
  const told = first['status'] ?? AS_REPORTED[String(around.report['status'])] ?? around.report['status'] ?? 'unknown';
  const status = around.isCancelled && told !== 'retract' ? 'cancelled' : told;
  const { code, range, interpretations, effective, method } = first;
  return {
    status: status === 'not-asked' ? 'unknown' : status,
    code,
    ...valueAt(status, segments, reading, around),
    interpretation: interpretationsOf(interpretations),
    referenceRange: typeof range === 'string' ? [rangeOf(range)] : range,
    effective,
    method,
  };
}

function valueAt(status: unknown, segments: readonly Segment[], reading: Reading, { isChild }: Surroundings): Members {
  if (status === 'cancelled') return NO_VALUE;
  if (status === 'not-asked') return { ...NO_VALUE, dataAbsentReason: absent('not-asked') };
  const [segment] = segments as [Segment];
  const isEmpty = segments.every((one) => !one.field(5).raw);
  // Final now, and the value not sent again.
  if (segment.field(11).value?.trim().toUpperCase() === 'U' && isEmpty) return {};
  if (isChild && segment.field(8).value && isOwnCode(segment)) return NO_VALUE;
  const value = valueOf(reading, segments);
  return { ...NO_VALUE, ...(value ?? { dataAbsentReason: absent('unknown') }) };
}

/** A susceptibility repeats the antibiotic's code where a value would stand. */
const isOwnCode = (segment: Segment): boolean => segment.field(5).value?.trim() === codeIn(segment, 3);

const absent = (code: string): object => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code }],
});

const INTERPRETATIONS = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';

const interpretationsOf = (codes: unknown): unknown =>
  Array.isArray(codes) ? codes.map((code: string) => ({ coding: [{ system: INTERPRETATIONS, code }] })) : codes;

const RANGE = /^\s*([\d.]+)\s*-\s*([\d.]+)\s*$/;

/** As text always, and as numbers where it is two of them, or one bound. */
function rangeOf(text: string): object {
  const [, low, high] = RANGE.exec(text) ?? [];
  const bound = low === undefined ? decimalOf(text) : null;
  const only =
    bound?.comparator === undefined ? {} : bound.comparator.startsWith('<') ? { high: bare(bound) } : { low: bare(bound) };
  const both =
    low === undefined || high === undefined ? {} : { low: decimalOf(low) ?? undefined, high: decimalOf(high) ?? undefined };
  return filled({ ...both, ...only, text })!;
}

function bare({ comparator: _comparator, ...number }: Decimal): object {
  return number;
}

function valueOf(reading: Reading, segments: readonly Segment[]): Members | undefined {
  if (isText(segments)) return textOf(segments);
  if (segments.length === 1) return oneValue(reading, segments[0]!);
  const [coded, other] = CODED_TYPES.includes(typeOf(segments[0]!)) ? segments : [segments[1]!, segments[0]!];
  const beside = oneValue(reading, other!);
  // FHIR has no component of the result's own code beside a value.
  const text = other!.field(3).component(2).value?.trim() || codeIn(other!, 3);
  return { ...oneValue(reading, coded!), component: beside === undefined ? undefined : [{ code: { text }, ...beside }] };
}

/** Lines in their order; an empty one among them is one. Repetitions of a formatted text are lines too. */
function textOf(segments: readonly Segment[]): Members | undefined {
  const isFormatted = (segment: Segment): boolean => typeOf(segment) !== 'ST';
  const lines = segments.map((segment) =>
    isFormatted(segment)
      ? segment
          .field(5)
          .repetitions.map((repetition) => repetition.text ?? '')
          .join('\n')
      : (segment.field(5).repetition(1).text ?? ''),
  );
  const text = lines.join('\n').replace(/\s+$/, '');
  return text === '' ? undefined : { valueString: text };
}

function oneValue(reading: Reading, segment: Segment): Members | undefined {
  const value = segment.field(5).repetition(1);
  const text = value.text?.trim();
  if (!text) return undefined;
  switch (typeOf(segment)) {
    case 'NM':
      return numberValue(reading, segment, text);
    case 'SN':
      return structuredValue(reading, segment, value) ?? { valueString: text };
    case 'TM':
      return /^\d{4}(\d\d)?/.test(text) ? { valueTime: timeOfDay(text) } : { valueString: text };
    case 'DT':
    case 'TS':
    case 'DTM':
      return timeValue(reading, segment, value, text);
    default:
      if (!CODED_TYPES.includes(typeOf(segment))) return { valueString: text };
      return { valueCodeableConcept: formAt(reading, segment, value, 'coded') };
  }
}

const timeOfDay = (text: string): string => `${text.slice(0, 2)}:${text.slice(2, 4)}:${text.slice(4, 6).padEnd(2, '0')}`;

const formAt = (reading: Reading, segment: Segment, value: Repetition, form: 'coded' | 'time'): unknown => {
  const place = placeIn(segment, { field: 5, component: 1 });
  const row = {
    segment: 'OBX',
    field: 5,
    component: 0,
    repeats: false,
    member: '',
    form,
    need: 'optional',
    values: undefined,
  } as const;
  return FORM_READERS[form](value, row, {
    reading,
    place,
    meaning: () => undefined,
    wrong: (code) => void reading.note(code, place),
  });
};

function timeValue(reading: Reading, segment: Segment, value: Repetition, text: string): Members {
  const time = formAt(reading, segment, value, 'time');
  return typeof time === 'string' ? { valueDateTime: time } : { valueString: text };
}

/** A number with its unit; what is none is text, as it stands. */
function numberValue(reading: Reading, segment: Segment, text: string): Members {
  const number = decimalOf(text);
  if (number === null) {
    reading.note('number', placeIn(segment, { field: 5, component: 1 }));
    return { valueString: text };
  }
  return { valueQuantity: { ...number, ...unitOf(reading, segment) } };
}

/** The unit as text always, and as UCUM where the table knows that it means the same. */
function unitOf({ tables }: Reading, segment: Segment): object {
  const unit = segment.field(6).component(1).value?.trim();
  if (!unit) return {};
  const code = tables.values['ucum']?.[unit];
  return { unit, ...(code !== undefined && { system: 'http://unitsofmeasure.org', code }) };
}

/** SN: `<^7`, `^1^-^5`, `^1^:^128`. */
function structuredValue(reading: Reading, segment: Segment, value: Repetition): Members | undefined {
  const [comparator = '', one = '', between = '', two = ''] = [1, 2, 3, 4].map((number) => value.component(number).value?.trim());
  const unit = unitOf(reading, segment);
  const [first, second] = [decimalOf(`${comparator === '=' ? '' : comparator}${one}`), decimalOf(two)];
  if (first === null) return undefined;
  if (second === null) return between === '' ? { valueQuantity: { ...first, ...unit } } : undefined;
  if (between === '-') return { valueRange: { low: { ...first, ...unit }, high: { ...second, ...unit } } };
  return between === ':' || between === '/' ? { valueRatio: { numerator: first, denominator: second } } : undefined;
}
