import { isObject } from '../patient-reference.js';
import type { Loose } from '../patient-reference.js';
import { each, either, exists, has, must, needs, notBoth, any, isOne } from './rules.js';
import type { Invariants } from './rules.js';
import { isAfter } from './times.js';

const UCUM = 'http://unitsofmeasure.org';

/** A unit of UCUM, and a code where there is a value. */
const measured = ({ system, ...value }: Loose): boolean =>
  (has(value, 'code') || !has(value, 'value')) && (system === undefined || system === UCUM);

const number = (value: unknown): number => (typeof value === 'number' ? value : NaN);

function isOrdered({ low, high }: Loose): boolean {
  if (!isObject(low) || !isObject(high) || low['code'] !== high['code'] || low['system'] !== high['system']) return true;
  return !(number(low['value']) > number(high['value']));
}

const hasContained = exists('contained');

export const OF_DATA_TYPES: Invariants = [
  ['ext-1', 'Extension', either('extension', 'value[x]')],
  ['per-1', 'Period', must('not end before it begins', ({ start, end }) => !isAfter(start, end))],
  ['rng-2', 'Range', must('not have a low above its high', isOrdered)],
  ['qty-3', 'Quantity', needs('code', 'system')],
  ['sqty-1', 'SimpleQuantity', must('not have a comparator', (value) => !has(value, 'comparator'))],
  [
    'age-1',
    'Age',
    must('have a code of UCUM, and a value above 0', (value) => measured(value) && !(number(value['value']) <= 0)),
  ],
  [
    'cnt-3',
    'Count',
    must(
      'be a whole number with the code 1 of UCUM',
      (value) => measured(value) && isOne(value['code'], undefined, '1') && isOne(Number.isInteger(value['value'] ?? 0), true),
    ),
  ],
  ['dis-1', 'Distance', must('have a code of UCUM', measured)],
  [
    'drt-1',
    'Duration',
    must(
      'have a value, in UCUM, where it has a code',
      (value) => !has(value, 'code') || (value['system'] === UCUM && has(value, 'value')),
    ),
  ],
  [
    'rat-1',
    'Ratio',
    must(
      'have both a numerator and a denominator, or neither and an extension',
      (value) => has(value, 'numerator') === has(value, 'denominator') && has(value, 'numerator', 'extension'),
    ),
  ],
  ['att-1', 'Attachment', needs('data', 'contentType')],
  // FHIR's text says so, and no invariant of its own.
  ['size', 'Attachment', must('have the size of its data, in bytes', hasSizeOfData)],
  ['cpt-2', 'ContactPoint', needs('value', 'system')],
  ['exp-1', 'Expression', any('expression', 'reference')],
  ['drq-1', 'DataRequirement.codeFilter', either('path', 'searchParam')],
  ['drq-2', 'DataRequirement.dateFilter', either('path', 'searchParam')],
  ['trd-1', 'TriggerDefinition', notBoth('data', 'timing[x]')],
  ['trd-2', 'TriggerDefinition', needs('condition', 'data')],
  ['trd-3', 'TriggerDefinition', must('have what its type asks for: a name, a timing or data', hasWhatTriggers)],
  ['tim-1', 'Timing.repeat', needs('duration', 'durationUnit')],
  ['tim-2', 'Timing.repeat', needs('period', 'periodUnit')],
  ['tim-4', 'Timing.repeat', must('not have a duration below 0', ({ duration }) => !(number(duration) < 0))],
  ['tim-5', 'Timing.repeat', must('not have a period below 0', ({ period }) => !(number(period) < 0))],
  ['tim-6', 'Timing.repeat', needs('periodMax', 'period')],
  ['tim-7', 'Timing.repeat', needs('durationMax', 'duration')],
  ['tim-8', 'Timing.repeat', needs('countMax', 'count')],
  ['tim-9', 'Timing.repeat', must('have a when, and none of C, CM, CD, CV, where it has an offset', hasWhenForOffset)],
  ['tim-10', 'Timing.repeat', notBoth('timeOfDay', 'when')],
  [
    'dom-2',
    'DomainResource',
    must(
      'not contain a resource that contains others',
      (value) => !hasContained(value) || each(value, 'contained').every((one) => !hasContained(one)),
    ),
  ],
  [
    'dom-4',
    'DomainResource',
    must(
      'not contain a resource with a meta.versionId or meta.lastUpdated',
      (value) => !hasContained(value) || metasOf(value).every((meta) => !has(meta, 'versionId', 'lastUpdated')),
    ),
  ],
  [
    'dom-5',
    'DomainResource',
    must(
      'not contain a resource with a security label',
      (value) => !hasContained(value) || metasOf(value).every((meta) => !has(meta, 'security')),
    ),
  ],
];

const metasOf = (value: Loose): Loose[] => each(value, 'contained').flatMap((one) => each(one, 'meta'));

function hasSizeOfData({ size, data }: Loose): boolean {
  if (typeof size !== 'number' || typeof data !== 'string') return true;
  const digits = data.replace(/[\s=]+/g, '').length;
  return size === Math.floor((digits * 3) / 4);
}

function hasWhatTriggers({ type, ...value }: Loose): boolean {
  if (type === 'named-event') return has(value, 'name');
  if (type === 'periodic') return exists('timing[x]')(value);
  return typeof type !== 'string' || !type.startsWith('data-') || has(value, 'data');
}

function hasWhenForOffset(value: Loose): boolean {
  if (!has(value, 'offset')) return true;
  return Array.isArray(value['when']) && !value['when'].some((when) => isOne(when, 'C', 'CM', 'CD', 'CV'));
}
