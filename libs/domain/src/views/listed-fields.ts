import {
  bool,
  birthYear,
  codeOf,
  coding,
  concept,
  concepts,
  date,
  each,
  homeDistrict,
  nothing,
  patient,
  period,
  reference,
  type Form,
} from './forms.js';

/**
 * What becomes of a field that cannot be told as its form says: an optional one is left out; one that R4 requires stands `masked`; and of
 * one that changes what the rest means the whole entry is left out.
 */
type Unless = 'optional' | 'masked' | 'leave-out';

export interface Field {
  readonly form: Form;
  readonly unless: Unless;
}

const optional = (form: Form): Field => ({ form, unless: 'optional' });
const masked = (form: Form): Field => ({ form, unless: 'masked' });
const decisive = (form: Form): Field => ({ form, unless: 'leave-out' });
const status = (codes: string): Field => decisive(codeOf(codes));

const encounter = optional(reference('Encounter'));

/**
 * What population health and research may see of a resource: an allow-list, field by field, each with the form it is brought into. What
 * is not listed does not exist for them: names, numbers, addresses, narrative, notes, display texts, extensions, performers,
 * devices. A new FHIR field is left out until somebody lists it. Measured values are in `measured.ts`.
 */
export const LISTED: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  Patient: {
    active: decisive(bool),
    gender: optional(codeOf('male female other unknown')),
    birthDate: optional(birthYear),
    deceasedBoolean: decisive(bool),
    deceasedDateTime: optional(date),
    address: optional(homeDistrict),
    link: decisive(nothing),
  },
  Observation: {
    status: status('registered preliminary final amended corrected cancelled entered-in-error unknown'),
    category: optional(concepts),
    code: masked(concept),
    subject: optional(patient),
    // What is measured of somebody else, as of an unborn child.
    focus: decisive(nothing),
    encounter,
    effectiveDateTime: optional(date),
    effectivePeriod: optional(period),
    interpretation: optional(concepts),
  },
  Encounter: {
    status: status('planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown'),
    class: masked(coding),
    type: optional(concepts),
    subject: optional(patient),
    period: optional(period),
    reasonCode: optional(concepts),
  },
  Condition: {
    clinicalStatus: decisive(concept),
    verificationStatus: decisive(concept),
    category: optional(concepts),
    severity: optional(concept),
    code: optional(concept),
    subject: masked(patient),
    encounter,
    onsetDateTime: optional(date),
    abatementDateTime: optional(date),
    recordedDate: optional(date),
  },
  MedicationRequest: {
    status: status('active on-hold cancelled completed entered-in-error stopped draft unknown'),
    intent: status('proposal plan order original-order reflex-order filler-order instance-order option'),
    doNotPerform: decisive(bool),
    medicationCodeableConcept: masked(concept),
    subject: masked(patient),
    encounter,
    authoredOn: optional(date),
  },
  MedicationStatement: {
    status: status('active completed entered-in-error intended stopped on-hold unknown not-taken'),
    medicationCodeableConcept: masked(concept),
    subject: masked(patient),
    effectiveDateTime: optional(date),
    effectivePeriod: optional(period),
  },
  Procedure: {
    status: status('preparation in-progress not-done on-hold stopped completed entered-in-error unknown'),
    category: optional(concept),
    code: optional(concept),
    subject: masked(patient),
    encounter,
    performedDateTime: optional(date),
    performedPeriod: optional(period),
    reasonCode: optional(concepts),
  },
  Immunization: {
    status: status('completed entered-in-error not-done'),
    vaccineCode: masked(concept),
    patient: masked(patient),
    encounter,
    occurrenceDateTime: masked(date),
    primarySource: optional(bool),
    isSubpotent: decisive(bool),
  },
  AllergyIntolerance: {
    clinicalStatus: decisive(concept),
    verificationStatus: decisive(concept),
    type: optional(codeOf('allergy intolerance')),
    category: optional(each(codeOf('food medication environment biologic'))),
    criticality: optional(codeOf('low high unable-to-assess')),
    code: optional(concept),
    patient: masked(patient),
    encounter,
    onsetDateTime: optional(date),
    recordedDate: optional(date),
  },
  DiagnosticReport: {
    status: status('registered partial preliminary final amended corrected appended cancelled entered-in-error unknown'),
    category: optional(concepts),
    code: masked(concept),
    subject: optional(patient),
    encounter,
    effectiveDateTime: optional(date),
    result: optional(each(reference('Observation'))),
  },
  CarePlan: {
    status: status('draft active on-hold revoked completed entered-in-error unknown'),
    intent: status('proposal plan order option'),
    category: optional(concepts),
    subject: masked(patient),
    encounter,
    period: optional(period),
  },
  Goal: {
    lifecycleStatus: status('proposed planned accepted active on-hold completed cancelled entered-in-error rejected'),
    achievementStatus: optional(concept),
    category: optional(concepts),
    description: masked(concept),
    subject: masked(patient),
    startDate: optional(date),
  },
};
