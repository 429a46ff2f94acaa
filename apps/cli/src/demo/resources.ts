import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import type { Resource } from '@weft/domain';
import type { Person } from './people.js';

/** FHIR R4 resources as English systems write them, with UK Core's profiles. Each carries the NHS number of its patient. */

const UK_CORE = 'https://fhir.hl7.org.uk/StructureDefinition/UKCore-';
const SNOMED = 'http://snomed.info/sct';
const UCUM = 'http://unitsofmeasure.org';
const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const ODS = 'https://fhir.nhs.uk/Id/ods-organization-code';

export interface Term {
  readonly code: string;
  readonly display: string;
}

/** What every resource is told: who holds it, about whom, since when, and which version it is. */
export interface About {
  readonly id: string;
  readonly person: Pick<Person, 'nhsNumber'>;
  readonly ods: string;
  /** When this version was written, RFC 3339. */
  readonly written: string;
  readonly version?: number;
}

const concept = ({ code, display }: Term) => ({ coding: [{ system: SNOMED, code, display }], text: display });

function base(resourceType: string, { id, written, version = 1 }: About): Resource {
  return { resourceType, id, meta: { versionId: String(version), lastUpdated: written, profile: [`${UK_CORE}${resourceType}`] } };
}

const patientOf = ({ person }: About) => ({
  type: 'Patient',
  identifier: { system: NHS_NUMBER_SYSTEM, value: person.nhsNumber },
});

const organisationOf = (ods: string) => ({ type: 'Organization', identifier: { system: ODS, value: ods } });

export function patient(about: About, person: Person, more: object = {}): Resource {
  return {
    ...base('Patient', about),
    identifier: [{ system: NHS_NUMBER_SYSTEM, value: about.person.nhsNumber }],
    active: true,
    name: [{ use: 'official', family: person.family, given: [person.given] }],
    gender: person.gender,
    birthDate: person.birthDate,
    address: [{ use: 'home', line: [person.street], city: person.town, postalCode: person.postcode }],
    managingOrganization: organisationOf(about.ods),
    ...more,
  };
}

/** A Patient as a merge tells of it: given way to another number. */
export function supersededPatient(about: About, survivor: string): Resource {
  return {
    ...base('Patient', about),
    identifier: [{ use: 'old', system: NHS_NUMBER_SYSTEM, value: about.person.nhsNumber }],
    active: false,
    link: [{ type: 'replaced-by', other: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: survivor } } }],
  };
}

export function condition(about: About, what: Term, onset: string, clinical: 'active' | 'resolved' = 'active'): Resource {
  const status = (kind: string, code: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/condition-${kind}`, code }],
  });
  return {
    ...base('Condition', about),
    clinicalStatus: status('clinical', clinical),
    verificationStatus: status('ver-status', 'confirmed'),
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-category', code: 'problem-list-item' }] }],
    code: concept(what),
    subject: patientOf(about),
    onsetDateTime: onset,
    recordedDate: onset,
  };
}

export interface Measurement extends Term {
  readonly value: number;
  readonly unit: string;
}

const quantity = ({ value, unit }: Measurement) => ({ value, unit, system: UCUM, code: unit });

export function observation(
  about: About,
  what: Term,
  measured: Measurement | readonly Measurement[],
  at: string,
  status: 'final' | 'preliminary' = 'final',
): Resource {
  const parts = Array.isArray(measured) ? (measured as readonly Measurement[]) : undefined;
  return {
    ...base('Observation', about),
    status,
    code: concept(what),
    subject: patientOf(about),
    effectiveDateTime: at,
    performer: [organisationOf(about.ods)],
    ...(parts === undefined
      ? { valueQuantity: quantity(measured as Measurement) }
      : { component: parts.map((part) => ({ code: concept(part), valueQuantity: quantity(part) })) }),
  };
}

export function encounter(
  about: About,
  kind: 'AMB' | 'IMP' | 'EMER' | 'VR',
  what: Term,
  status: 'planned' | 'in-progress' | 'finished',
  period: { readonly start: string; readonly end?: string },
): Resource {
  return {
    ...base('Encounter', about),
    status,
    class: { system: ACT_CODE, code: kind },
    type: [concept(what)],
    subject: patientOf(about),
    period,
    serviceProvider: organisationOf(about.ods),
  };
}

export function medicationRequest(about: About, medicine: Term & { readonly dose: string }, authoredOn: string): Resource {
  return {
    ...base('MedicationRequest', about),
    status: 'active',
    intent: 'order',
    medicationCodeableConcept: concept(medicine),
    subject: patientOf(about),
    authoredOn,
    requester: organisationOf(about.ods),
    dosageInstruction: [{ text: medicine.dose }],
  };
}

export function allergy(about: About, what: Term, recordedDate: string): Resource {
  const status = (kind: string, code: string) => ({
    coding: [{ system: `http://terminology.hl7.org/CodeSystem/allergyintolerance-${kind}`, code }],
  });
  return {
    ...base('AllergyIntolerance', about),
    clinicalStatus: status('clinical', 'active'),
    verificationStatus: status('verification', 'confirmed'),
    type: 'allergy',
    category: ['medication'],
    criticality: 'high',
    code: concept(what),
    patient: patientOf(about),
    recordedDate,
  };
}

export function immunization(about: About, vaccine: Term, at: string): Resource {
  return {
    ...base('Immunization', about),
    status: 'completed',
    vaccineCode: concept(vaccine),
    patient: patientOf(about),
    occurrenceDateTime: at,
    primarySource: true,
  };
}

export function carePlan(about: About, title: string, start: string): Resource {
  return {
    ...base('CarePlan', about),
    status: 'active',
    intent: 'plan',
    title,
    subject: patientOf(about),
    period: { start },
    author: organisationOf(about.ods),
  };
}

export function appointment(about: About, what: string, start: string, minutes: number): Resource {
  return {
    ...base('Appointment', about),
    status: 'booked',
    description: what,
    start,
    end: new Date(Date.parse(start) + minutes * 60_000).toISOString(),
    minutesDuration: minutes,
    participant: [{ actor: patientOf(about), status: 'accepted' }],
  };
}

export function serviceRequest(about: About, what: Term, to: string, authoredOn: string): Resource {
  return {
    ...base('ServiceRequest', about),
    status: 'active',
    intent: 'order',
    code: concept(what),
    subject: patientOf(about),
    authoredOn,
    requester: organisationOf(about.ods),
    performer: [organisationOf(to)],
  };
}
