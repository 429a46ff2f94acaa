import type { Problem, Resource } from '@weft/domain';
import { namesOf, referencesIn, typeMeant } from './bundle-names.js';
import type { BundleEntry } from './bundle-names.js';
import { decisionWithinProblem } from './decision-within.js';
import { fhirProblems } from './fhir.js';
import { isResourceType } from './fhir-r4/types.js';
import { metaProblems } from './meta-rules.js';
import { namesPatients, objectsOf } from './patient-reference.js';
import { problem, typeShown } from './problems.js';

/** A resource about nobody: kept with whatever refers to it. */
export interface KeptResource {
  /** By which entries of later Bundles may refer to it. */
  readonly names: readonly string[];
  readonly resource: Resource;
}

/** Types that may name a patient and often name none. */
const NEED_NO_PATIENT = ['Device', 'Schedule', 'Specimen'];
/** Types that carry what belongs to somebody, though R4 has no place in them that says to whom. */
const CARRY_OTHERS = ['Binary', 'Bundle', 'EnrollmentResponse', 'Linkage', 'MessageHeader', 'OperationOutcome', 'Parameters'];
const ABOUT_PAYMENTS = ['PaymentNotice', 'PaymentReconciliation', 'Subscription', 'VerificationResult'];
/** A picture of a Practitioner need not travel with each of their entries. */
const KEPT_BYTES_MAX = 64 * 1024;

/** Whether a resource of the type may be about nobody, as a Medication, a Practitioner or a Location is. */
export function mayBeNobodys(type: unknown): boolean {
  if (!isResourceType(type) || type === 'Patient') return false;
  if (CARRY_OTHERS.includes(type) || ABOUT_PAYMENTS.includes(type)) return false;
  return !namesPatients(type) || NEED_NO_PATIENT.includes(type);
}

/** Why a resource that names no patient cannot be kept; none where it can. It would stand in the records of many. */
export function keepingProblems(resource: Resource, now: number, validate: boolean): readonly Problem[] {
  const within = decisionWithinProblem(resource);
  if (within !== null) return [within];
  const text = JSON.stringify(resource);
  const refuse = (code: string, message: string): Problem[] => [problem(typeShown(resource), code, message)];
  if (NHS_NUMBER_SYSTEMS.test(text)) return refuse('no-patient', 'carries an NHS number, and does not say whose it is');
  if (isAboutSomebody(resource)) return refuse('no-patient', 'names or carries somebody, and does not say whose it is');
  if (text.length > KEPT_BYTES_MAX) {
    return refuse(
      'too-large',
      `takes more than ${KEPT_BYTES_MAX} characters, and is about nobody: it would stand in many records`,
    );
  }
  const own = metaProblems('care-event-recorded-1', resource, now);
  return validate ? [...own, ...fhirProblems(resource)] : own;
}

/** Why a Binary cannot be kept with the document that it is attached to; none where it can. How large both may be is the document's to bear. */
export function attachingProblems(binary: Resource, now: number, validate: boolean): readonly Problem[] {
  const own = metaProblems('care-event-recorded-1', binary, now);
  return validate ? [...own, ...fhirProblems(binary)] : own;
}

/** By today's address, that of earlier versions of FHIR, and HL7 v3's identifier. */
const NHS_NUMBER_SYSTEMS = /\/id\/nhs-number|2\.16\.840\.1\.113883\.2\.1\.4\.1(?![.\d])/i;
const PERSONS: readonly unknown[] = ['Patient', 'RelatedPerson', 'Person'];

/** Whether it refers to a person who is none of its Bundle, or contains what is about one. */
function isAboutSomebody(resource: Resource): boolean {
  if (objectsOf(resource['contained']).some((one) => !mayBeNobodys(one['resourceType']))) return true;
  return [...referencesIn(resource)].some((reference) => PERSONS.includes(typeMeant(reference)));
}

const LASTING_NAMES_MAX = 5;

/** The names by which later Bundles may refer to it: what a urn:uuid means holds within one Bundle. */
export function lastingNames(entry: BundleEntry): string[] {
  return namesOf(entry).filter(isLasting).slice(0, LASTING_NAMES_MAX);
}

export const isLasting = (name: string): boolean => !/^(?:urn:uuid:|\*\/)/.test(name);
