import type { Resource } from '@weft/domain';
import type { Prng } from './prng.js';

export const SMALL_RESOURCE_TYPES = [
  'Observation',
  'Encounter',
  'Condition',
  'CarePlan',
  'Patient',
  'MedicationRequest',
  'AllergyIntolerance',
] as const;
/** In some regions alone: see `withDocuments`. */
export const DOCUMENT = 'DocumentReference' as const;
export type SmallResourceType = (typeof SMALL_RESOURCE_TYPES)[number] | typeof DOCUMENT;
/** What a document may replace: mostly what is before it in the alphabet, so that chains come about; else a ring, or nothing. */
const REPLACED = { a: ['b', 'c', 'd'], b: ['a', 'a', 'a', 'c', 'd'], c: ['b', 'b', 'b', 'a', 'd'] } as const;
export const DOCUMENT_IDS = ['a', 'b', 'c'] as const satisfies readonly (keyof typeof REPLACED)[];

export const SNOMED = 'http://snomed.info/sct';
/** Known to the locality's list in some regions, and carried by no entry. */
export const LISTED_CODE = 'listed-here';
/** Codes that decisions name: an entry of such a code is held back where they say so. */
export const SENSITIVE_CODES = ['165816005', '77386006'] as const;
const CODES = ['271649006', '38341003', '195967001', ...SENSITIVE_CODES] as const;
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const LABELS = [
  ...[undefined, undefined, undefined, undefined],
  ...[{ system: ACT_CODE, code: 'R' }, { system: ACT_CODE, code: 'SEX' }, { code: 'M' }],
  // The last is a level that nobody knows.
  ...['L', 'R', 'V', 'X'].map((code) => ({ system: CONFIDENTIALITY, code })),
] as const;
/** Days on which entries happen: few, and those of summer begin an hour earlier in England than by UTC. */
const ENTRY_DAYS = ['2019-06-12', '2024-01-12', '2024-06-12', '2024-06-13'] as const;
const DAY_MS = 86_400_000;
const OWN_AGE_YEARS = 13;

export const someEntryDay = (prng: Prng): string => prng.pick(ENTRY_DAYS);

/**
 * A small FHIR R4 resource, at times with codes where one may forget to look, and with references to other entries. What could name
 * the patient is in it on purpose: nothing beyond individual care may let it through.
 */
export function smallResource(
  prng: Prng,
  type: SmallResourceType,
  id: string,
  nhsNumber: string,
  meta: NonNullable<Resource['meta']>,
  now: number,
): Resource {
  const labels = [prng.pick(LABELS), prng.chance(0.1) ? prng.pick(LABELS) : undefined].filter((label) => label !== undefined);
  const base = {
    ...{ resourceType: type, id, meta: { ...meta, ...(labels.length > 0 && { security: labels }) } },
    text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${type} ${id}</div>` },
    ...(prng.chance(type === DOCUMENT ? 0.5 : 0.2) && { identifier: [{ system: 'urn:local', value: `${type}-${id}` }] }),
    ...hidden(prng),
  };
  const identifier = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber };
  const patient = { reference: `Patient/${id}`, identifier };
  const when = happened(prng);
  const encounter = sometimes(prng, 0.3, () => ({ encounter: reference(prng, 'Encounter') }));
  switch (type) {
    case 'Observation':
      return {
        ...base,
        ...encounter,
        status: errorOr(prng, 'final'),
        code: concept(prng),
        subject: patient,
        ...(when !== undefined && { effectiveDateTime: when }),
        valueQuantity: { value: prng.between(40, 200), unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
        ...sometimes(prng, 0.1, () => ({ component: [{ code: concept(prng) }] })),
        ...sometimes(prng, 0.2, () => ({
          [prng.pick(['derivedFrom', 'hasMember', 'note'])]: [reference(prng, 'Observation')],
        })),
        ...sometimes(prng, 0.1, () => ({ focus: [reference(prng, 'Condition')] })),
      };
    case 'Encounter':
      return {
        ...base,
        status: errorOr(prng, prng.pick(['planned', 'in-progress', 'finished'])),
        class: { system: ACT_CODE, code: 'AMB' },
        subject: patient,
        ...period(prng, when),
        ...sometimes(prng, 0.2, () => ({ diagnosis: [{ condition: reference(prng, 'Condition') }] })),
      };
    case 'Condition':
      return {
        ...base,
        ...encounter,
        verificationStatus: { coding: [{ code: errorOr(prng, 'confirmed') }] },
        code: concept(prng),
        subject: patient,
        ...(when !== undefined && { onsetDateTime: when }),
      };
    case 'CarePlan':
      return {
        ...base,
        ...encounter,
        status: errorOr(prng, prng.pick(['draft', 'active', 'completed'])),
        intent: 'plan',
        subject: patient,
        ...period(prng, when),
        title: `Plan ${prng.below(9)}`,
        ...sometimes(prng, 0.2, () => ({ addresses: [reference(prng, 'Condition')] })),
        ...sometimes(prng, 0.2, () => ({ partOf: [reference(prng, 'CarePlan')] })),
      };
    case 'Patient':
      return {
        ...base,
        identifier: [identifier],
        gender: prng.pick(['female', 'male']),
        ...born(prng, now),
        address: [{ postalCode: 'LS1 4AP' }],
      };
    case 'MedicationRequest':
      return {
        ...base,
        ...encounter,
        status: errorOr(prng, prng.pick(['active', 'completed'])),
        intent: 'order',
        medicationCodeableConcept: concept(prng),
        subject: patient,
        ...(when !== undefined && { authoredOn: when }),
        ...sometimes(prng, 0.2, () => ({ basedOn: [reference(prng, 'CarePlan')] })),
        ...sometimes(prng, 0.2, () => ({ reasonReference: [reference(prng, 'Condition')] })),
      };
    case 'AllergyIntolerance':
      return {
        ...base,
        ...encounter,
        verificationStatus: { coding: [{ code: errorOr(prng, 'confirmed') }] },
        code: concept(prng),
        patient,
      };
    case DOCUMENT:
      return {
        ...base,
        status: errorOr(prng, prng.pick(['current', 'superseded'])),
        type: concept(prng),
        subject: patient,
        ...(when !== undefined && { date: when }),
        ...sometimes(prng, 0.1, () => ({ context: { encounter: [reference(prng, 'Encounter')] } })),
        ...sometimes(prng, id === 'a' ? 0.1 : 0.6, () => relatesTo(prng, id as keyof typeof REPLACED)),
      };
  }
}

/** Mostly it replaces one, at times two, or is related otherwise. */
function relatesTo(prng: Prng, id: keyof typeof REPLACED): object {
  const one = (): object => ({
    code: prng.chance(0.9) ? 'replaces' : 'appends',
    target: reference(prng, DOCUMENT, prng.pick(REPLACED[id])),
  });
  return { relatesTo: prng.chance(0.2) ? [one(), one()] : [one()] };
}

function sometimes<T extends object>(prng: Prng, share: number, draw: () => T): T | Record<string, never> {
  return prng.chance(share) ? draw() : {};
}

function errorOr(prng: Prng, status: string): string {
  return prng.chance(0.08) ? 'entered-in-error' : status;
}

function concept(prng: Prng): { coding: { system: string; code: string }[] } {
  return { coding: [{ system: SNOMED, code: prng.pick(CODES) }] };
}

/** Of an entry that may be there too. */
const COPY = { resourceType: 'Condition', id: 'c', identifier: [{ system: 'urn:local', value: 'Condition-a' }] };

/** Codes in what the resource contains, or in an extension. */
function hidden(prng: Prng): object {
  if (!prng.chance(0.15)) return {};
  return prng.pick([
    { contained: [{ ...COPY, code: concept(prng) }] },
    { extension: [{ url: 'urn:reason', valueCodeableConcept: concept(prng) }] },
    { extension: [{ url: 'urn:reason', valueCode: prng.pick(CODES) }] },
    { extension: [{ url: 'urn:level', valueCoding: { system: CONFIDENTIALITY, code: 'V' } }] },
  ]);
}

/** An entry of the kind, by any of the ways in which FHIR names one. */
function reference(prng: Prng, type: SmallResourceType, id: string = prng.pick(['a', 'b'])): object {
  return prng.pick([
    { reference: `${type}/${id}`, display: `The ${type} ${id}` },
    { reference: `${type}/${id}` },
    { reference: `https://example.org/fhir/${type}/${id}/_history/2` },
    { reference: `urn:uuid:${id}` },
    { reference: `${type}?identifier=urn:local%7C${type}-${id}` },
    { type, identifier: { system: 'urn:local', value: `${type}-${id}` } },
    { identifier: { system: 'urn:local', value: `${type}-${id}` } },
    { reference: '#c' },
  ]);
}

/** To the day, or less or more precisely; at times not at all. */
function happened(prng: Prng): string | undefined {
  const day = someEntryDay(prng);
  return prng.pick([day, day, day, day.slice(0, 7), day.slice(0, 4), `${day}T00:30:00+01:00`, `${day}T23:30:00Z`, undefined]);
}

/** Some that began long ago ended between the other days; the others go on. */
function period(prng: Prng, start: string | undefined): { readonly period?: { readonly start: string; readonly end?: string } } {
  if (start === undefined) return {};
  return { period: { start, ...(start.startsWith('2019') && prng.chance(0.5) && { end: '2024-01-12' }) } };
}

/** Mostly grown up; else about to be old enough to decide alone, or of an age that cannot be told. */
function born(prng: Prng, now: number): { readonly birthDate?: string } {
  if (prng.chance(0.6)) return { birthDate: `19${prng.between(20, 99)}-06-15` };
  const today = new Date(now + prng.between(-2, 2) * DAY_MS).toISOString();
  const birthday = `${Number(today.slice(0, 4)) - OWN_AGE_YEARS}${today.slice(4, 10)}`;
  return prng.pick([{ birthDate: birthday }, { birthDate: birthday }, { birthDate: birthday.slice(0, prng.pick([4, 7])) }, {}]);
}
