import type { Prng } from '@weft/testing';
import { typeOf, type Codes, type Element, type Member } from '../../../libs/care-events/src/fhir-r4/types.js';

/** Resources made by chance from R4's own table: each element that R4 requires, and others as it comes. Most are valid. */
export function generated(resourceType: string, prng: Prng): Record<string, unknown> {
  return { resourceType, id: 'g1', ...elementsOf(resourceType, prng, 0) };
}

/** Deeper than this only what is required. */
const DEPTH = 3;
const INHERITED = new Set(['id', 'meta', 'contained', 'resourceType']);

function elementsOf(type: string, prng: Prng, depth: number): Record<string, unknown> {
  const { members, required } = typeOf(type);
  const made: Record<string, unknown> = {};
  for (const [element, choices] of choicesOf(members)) {
    const isRequired = required.includes(element);
    if (INHERITED.has(element.name) || choices.some(({ member }) => member.isResource)) continue;
    if (!isRequired && !prng.chance(chanceOf(element.name, depth))) continue;
    const { name, member } = prng.pick(choices);
    if (member.primitive !== null && isRequired && prng.chance(0.05)) made[`_${name}`] = member.isList ? [ABSENT] : ABSENT;
    else made[name] = member.isList ? [valueOf(member, prng, depth)] : valueOf(member, prng, depth);
  }
  return made;
}

const ABSENT = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };

function chanceOf(name: string, depth: number): number {
  if (/xtension$|^implicitRules$|^language$/.test(name)) return 0.02;
  return depth > DEPTH ? 0 : depth === 0 ? 0.5 : 0.3;
}

function choicesOf(members: ReadonlyMap<string, Member>): Map<Element, { name: string; member: Member }[]> {
  const choices = new Map<Element, { name: string; member: Member }[]>();
  for (const [name, member] of members) {
    if (name.startsWith('_')) continue;
    choices.set(member.element, [...(choices.get(member.element) ?? []), { name, member }]);
  }
  return choices;
}

function valueOf({ type, primitive, codes, targets }: Member, prng: Prng, depth: number): unknown {
  if (primitive !== null) return codes === null ? prng.pick(PRIMITIVES[type] ?? ['x']) : prng.pick([...codes.all]);
  if (type === 'Reference')
    return { reference: `${targets === null ? 'Patient' : prng.pick([...targets])}/r1`, display: 'Isabel' };
  if (type === 'CodeableConcept') return { coding: [codingOf(codes, prng)], text: 'Isabel' };
  if (type === 'Coding') return codingOf(codes, prng);
  if (type === 'Quantity' || type === 'SimpleQuantity') return prng.pick(QUANTITIES);
  if (type === 'Period') return { start: '2020-01-02', end: '2021-03-04' };
  if (type === 'Extension') return { url: 'https://example.org/e', valueString: 'Isabel' };
  if (type === 'Narrative') return { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Isabel</div>' };
  const made = elementsOf(type, prng, depth + 1);
  return Object.keys(made).length > 0 ? made : { extension: [{ url: 'https://example.org/e', valueString: 'Isabel' }] };
}

function codingOf(codes: Codes | null, prng: Prng): object {
  const bound = codes === null ? [] : [...codes.systems].map(([system, all]) => ({ system, code: prng.pick([...all]) }));
  return prng.pick(bound.length > 0 ? bound : CODINGS);
}

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const CODINGS = [
  { system: 'http://snomed.info/sct', code: '44054006', display: 'Isabel' },
  { system: 'http://loinc.org', code: '29463-7' },
  { system: `${HL7}/condition-clinical`, code: 'resolved' },
  { system: `${HL7}/v3-ActCode`, code: 'AMB' },
  { system: 'https://trust.example/codes', code: 'Isabel' },
  { system: 'https://fhir.nhs.uk/Id/nhs-number', code: '9990000018' },
];
const UCUM = 'http://unitsofmeasure.org';
const QUANTITIES = [
  { value: 71.00418833, system: UCUM, code: 'kg', unit: 'Isabel' },
  { value: 7100.5, comparator: '<', system: UCUM, code: 'mg/L' },
  { value: 3, unit: 'Isabels' },
  { unit: 'kg' },
];
const PRIMITIVES: Readonly<Record<string, readonly unknown[]>> = {
  boolean: [true, false],
  integer: [-3, 7, 7_100_418],
  unsignedInt: [0, 3],
  positiveInt: [1, 7],
  decimal: [0.71, 3],
  id: ['r1'],
  code: ['x'],
  uri: ['https://example.org/Isabel'],
  url: ['https://example.org/Isabel'],
  canonical: ['https://example.org/Isabel'],
  oid: ['urn:oid:1.2.3'],
  uuid: ['urn:uuid:6f9e2a10-0000-4000-8000-000000000000'],
  date: ['1907-03-11', '2021', '2021-05', '2093-01-01'],
  dateTime: ['1907-03-11', '2021-05-17T10:11:12+01:00', '2093-01-01'],
  instant: ['2021-05-17T10:11:12.345Z'],
  time: ['10:11:12'],
  base64Binary: ['QUJD'],
  string: ['Isabel'],
  markdown: ['Isabel'],
};
