import { checkDigitOf } from '@weft/testing';
import type { Resource } from '@weft/domain';

/** What an organisation publishes of somebody whom it knows, so as to find them again. */
export interface Mark {
  readonly name: string;
  /** @param nth a number of the mark's own: no two people have the same mark. */
  readonly resource: (id: string, nth: number) => Resource;
  /** In what is told, the mark itself would look like this. */
  readonly literal?: (nth: number) => string;
  /** How many times the entry is published, each time as another version. */
  readonly versions?: (nth: number) => number;
  /** Found all the same: what no projection of single entries hides. docs/adr/0017 says why. */
  readonly isLimit?: boolean;
}

const LOINC = 'http://loinc.org';
const SNOMED = 'http://snomed.info/sct';
const UCUM = 'http://unitsofmeasure.org';
const WEIGHT = { coding: [{ system: LOINC, code: '29463-7' }] };
const weight = (id: string, more: object): Resource => ({
  ...{ resourceType: 'Observation', id, status: 'final', code: WEIGHT, effectiveDateTime: '2024-05-06T07:08:09Z' },
  valueQuantity: { value: 71, system: UCUM, code: 'kg' },
  ...more,
});
const kilograms = (value: number, more: object = {}) => ({ valueQuantity: { value, system: UCUM, code: 'kg', ...more } });
const condition = (id: string, system: string, code: string): Resource => ({
  ...{ resourceType: 'Condition', id, code: { coding: [{ system, code, display: `Mark ${code}` }] }, recordedDate: '2024-05-06' },
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
});

export const MARKS: readonly Mark[] = [
  {
    name: 'a number with digits of its own',
    resource: (id, nth) => weight(id, kilograms(71.00418833 + nth / 1e6)),
    literal: (nth) => String(71.00418833 + nth / 1e6),
  },
  {
    name: 'a number beyond what there is',
    resource: (id, nth) => weight(id, kilograms(987_654 + nth)),
    literal: (nth) => `:${987_654 + nth}`,
  },
  {
    name: 'a number below what there is',
    resource: (id, nth) => weight(id, kilograms(-71_004 - nth)),
    literal: (nth) => `:-${71_004 + nth}`,
  },
  {
    name: 'an integer of its own',
    resource: (id, nth) => weight(id, { valueQuantity: undefined, valueInteger: 7_100_418 + nth }),
    literal: (nth) => `:${7_100_418 + nth}`,
  },
  {
    name: 'a bound of its own',
    resource: (id, nth) => weight(id, kilograms(71.00418833 + nth / 1e6, { comparator: '<' })),
    literal: (nth) => String(71.00418833 + nth / 1e6),
  },
  {
    name: 'a unit of its own',
    resource: (id, nth) => weight(id, kilograms(71, { code: `kg{${nth}mark}` })),
    literal: (nth) => `${nth}mark`,
  },
  {
    name: 'a unit in words',
    resource: (id, nth) => weight(id, { valueQuantity: { value: 71, unit: `mark-${nth}-kilos` } }),
    literal: (nth) => `mark-${nth}-kilos`,
  },
  {
    name: 'a value in words',
    resource: (id, nth) => weight(id, { valueQuantity: undefined, valueString: `mark-${nth}-words` }),
    literal: (nth) => `mark-${nth}-words`,
  },
  {
    name: 'a code of its own system',
    resource: (id, nth) => condition(id, 'https://trust.example/codes', `mark-${nth}-code`),
    literal: (nth) => `mark-${nth}-code`,
  },
  {
    name: 'an identifier for a code',
    resource: (id, nth) => condition(id, 'https://fhir.nhs.uk/Id/nhs-number', `99900${nth}71004`),
    literal: (nth) => `"99900${nth}71004`,
  },
  {
    name: 'a number for a SNOMED CT code',
    resource: (id, nth) => condition(id, SNOMED, withoutCheckDigit(71_004_188_000 + nth)),
    literal: (nth) => withoutCheckDigit(71_004_188_000 + nth),
  },
  {
    name: 'a code of its own namespace',
    resource: (id, nth) => condition(id, SNOMED, sctid(`71004${nth}`, '999999910')),
    literal: (nth) => sctid(`71004${nth}`, '999999910'),
  },
  {
    name: 'a word for an ICD-10 code',
    resource: (id, nth) => condition(id, 'http://hl7.org/fhir/sid/icd-10', `MARK${nth}`),
    literal: (nth) => `MARK${nth}`,
  },
  {
    name: 'a code as a category',
    resource: (id, nth) =>
      weight(id, {
        category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: `mark-${nth}-c` }] }],
      }),
    literal: (nth) => `mark-${nth}-c`,
  },
  {
    name: 'a day',
    resource: (id, nth) => weight(id, { effectiveDateTime: `2024-05-${String(10 + (nth % 10))}T10:11:12.${String(100 + nth)}Z` }),
    literal: (nth) => `10:11:12.${String(100 + nth)}`,
  },
  {
    name: 'a year long ago',
    resource: (id, nth) => weight(id, { effectiveDateTime: `${1_700 + nth}-03-11` }),
    literal: (nth) => `Time":"${1_700 + nth}`,
  },
  {
    name: 'a year to come',
    resource: (id, nth) => weight(id, { effectiveDateTime: `${2_100 + nth}-03-11` }),
    literal: (nth) => `Time":"${2_100 + nth}`,
  },
  { name: 'an id', resource: (id) => weight(`${id}-mark`, {}), literal: () => '-mark' },
  {
    name: 'what it refers to',
    resource: (id, nth) => weight(id, { encounter: { reference: `Encounter/mark-${nth}-e`, display: 'x' } }),
    literal: (nth) => `mark-${nth}-e`,
  },
  {
    name: 'a birth long ago',
    resource: (id, nth) => ({ resourceType: 'Patient', id, gender: 'female', birthDate: `${1_850 + nth}-03-11` }),
    literal: (nth) => `Date":"${1_850 + nth}`,
  },
  {
    name: 'a district that there is not',
    resource: (id, nth) => ({
      resourceType: 'Patient',
      id,
      gender: 'female',
      birthDate: '1970-01-01',
      address: [{ use: 'home', postalCode: `QX${nth % 90} 4AP` }],
    }),
    literal: (nth) => `QX${nth % 90}`,
  },
  {
    name: 'a second home',
    resource: (id, nth) => ({
      resourceType: 'Patient',
      id,
      gender: 'female',
      birthDate: '1970-01-01',
      address: [{ use: 'temp', postalCode: `ZE${nth % 90} 4AP` }],
    }),
    literal: (nth) => `ZE${nth % 90}`,
  },
  {
    name: 'an extension',
    resource: (id, nth) => weight(id, { extension: [{ url: 'urn:mark', valueString: `mark-${nth}-x` }] }),
    literal: (nth) => `mark-${nth}-x`,
  },
  {
    name: 'an extension that changes the meaning',
    resource: (id, nth) => weight(id, { modifierExtension: [{ url: `urn:mark:${nth}` }] }),
    literal: (nth) => `urn:mark:${nth}`,
  },
  { name: 'how often it was published', resource: (id) => weight(id, {}), versions: (nth) => 2 + (nth % 20) },
  {
    name: 'a code made up as SNOMED CT would make it',
    resource: (id, nth) => condition(id, SNOMED, sctid(`71004${nth}`, '00')),
    literal: (nth) => sctid(`71004${nth}`, '00'),
  },
  {
    name: 'a code made up in the namespace of the UK edition',
    resource: (id, nth) => condition(id, SNOMED, sctid(`71004${nth}`, '100000010')),
    literal: (nth) => sctid(`71004${nth}`, '100000010'),
  },
  {
    name: 'a code made up as LOINC would make it',
    resource: (id, nth) => weight(id, { code: { coding: [{ system: LOINC, code: loinc(71_000 + nth) }] } }),
    literal: (nth) => `"${loinc(71_000 + nth)}"`,
  },
  {
    name: 'a code made up as ICD-10 would make it',
    resource: (id, nth) => condition(id, 'http://hl7.org/fhir/sid/icd-10', `U${10 + nth}.7`),
    literal: (nth) => `"U${10 + nth}.7"`,
  },
  {
    name: 'a code that is released and that nobody else has',
    resource: (id, nth) => condition(id, SNOMED, RARE[nth % RARE.length] as string),
    isLimit: true,
  },
];

/** In value sets of FHIR R4, so released as shipped, and in nobody's record here. */
const RARE = '56189001 56293002 56764001 56876005 57159002 57364006 57613003 57950004 58150001 58264006'.split(' ');

/** LOINC's check digit: modulus 10, every other digit from the right doubled. */
function loinc(number: number): string {
  const doubled = [...String(number)].reverse().map((digit, place) => Number(digit) * (place % 2 === 0 ? 2 : 1));
  const sum = doubled.reduce((total, digit) => total + (digit > 9 ? digit - 9 : digit), 0);
  return `${number}-${(10 - (sum % 10)) % 10}`;
}

/** A SNOMED CT identifier: item, namespace and partition, and Verhoeff's check digit. */
function sctid(item: string, rest: string): string {
  return `${item}${rest}${checkDigitOf(`${item}${rest}`)}`;
}

const withoutCheckDigit = (number: number): string => `${number}00${(checkDigitOf(`${number}00`) + 1) % 10}`;
