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
export type SmallResourceType = (typeof SMALL_RESOURCE_TYPES)[number];

/** Codes that decisions name as categories: an entry of such a code is held back where they say so. */
export const SENSITIVE_CODES = ['165816005', '77386006'] as const;
const CODES = ['271649006', '38341003', '195967001', ...SENSITIVE_CODES] as const;
const LABELS = [undefined, undefined, undefined, 'R', 'SEX'] as const;

/** A small FHIR R4 resource. What could name the patient is in it on purpose: nothing beyond individual care may let it through. */
export function smallResource(
  prng: Prng,
  type: SmallResourceType,
  id: string,
  nhsNumber: string,
  meta: NonNullable<Resource['meta']>,
): Resource {
  const label = prng.pick(LABELS);
  const security =
    label === undefined ? {} : { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: label }] };
  const base = { resourceType: type, id, meta: { ...meta, ...security } };
  const identifier = { system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber };
  const patient = { reference: `Patient/${id}`, identifier };
  const when = someDay(prng);
  switch (type) {
    case 'Observation':
      return {
        ...base,
        status: errorOr(prng, 'final'),
        code: concept(prng),
        subject: patient,
        effectiveDateTime: when,
        valueQuantity: { value: prng.between(40, 200), unit: 'mm[Hg]', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
      };
    case 'Encounter':
      return {
        ...base,
        status: errorOr(prng, prng.pick(['planned', 'in-progress', 'finished'])),
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject: patient,
        period: { start: when },
      };
    case 'Condition':
      return {
        ...base,
        verificationStatus: { coding: [{ code: errorOr(prng, 'confirmed') }] },
        code: concept(prng),
        subject: patient,
        onsetDateTime: when,
      };
    case 'CarePlan':
      return {
        ...base,
        status: errorOr(prng, prng.pick(['draft', 'active', 'completed'])),
        intent: 'plan',
        subject: patient,
        period: { start: when },
        title: `Plan ${prng.below(9)}`,
      };
    case 'Patient':
      return {
        ...base,
        identifier: [identifier],
        gender: prng.pick(['female', 'male']),
        birthDate: `19${prng.between(20, 99)}-06-15`,
        address: [{ postalCode: 'LS1 4AP' }],
      };
    case 'MedicationRequest':
      return {
        ...base,
        status: errorOr(prng, prng.pick(['active', 'completed'])),
        intent: 'order',
        medicationCodeableConcept: concept(prng),
        subject: patient,
        authoredOn: when,
      };
    case 'AllergyIntolerance':
      return { ...base, verificationStatus: { coding: [{ code: errorOr(prng, 'confirmed') }] }, code: concept(prng), patient };
  }
}

function errorOr(prng: Prng, status: string): string {
  return prng.chance(0.08) ? 'entered-in-error' : status;
}

function concept(prng: Prng): { coding: { system: string; code: string }[] } {
  return { coding: [{ system: 'http://snomed.info/sct', code: prng.pick(CODES) }] };
}

function someDay(prng: Prng): string {
  return `20${prng.between(10, 25)}-0${prng.between(1, 9)}-1${prng.below(10)}`;
}
