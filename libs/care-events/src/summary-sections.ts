import { intervalOf } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { isObject, type Loose, objectsOf } from './patient-reference.js';
import { codesIn } from './summary-codes.js';
import { hasPassed } from './summary-modifiers.js';

/** A section of the International Patient Summary. */
export interface Section {
  readonly title: string;
  readonly loinc: string;
  /** Always there, with the reason why it is empty where it is. */
  readonly required?: true;
  /** Of what is repeated only the latest of each kind. */
  readonly latestOnly?: true;
}

/** International Patient Summary, http://hl7.org/fhir/uv/ips: what warns first. */
export const SECTIONS = {
  allergies: { title: 'Allergies and intolerances', loinc: '48765-2', required: true },
  alerts: { title: 'Alerts', loinc: '104605-1' },
  problems: { title: 'Problems', loinc: '11450-4', required: true },
  medications: { title: 'Medications', loinc: '10160-0', required: true },
  immunizations: { title: 'Immunizations', loinc: '11369-6' },
  results: { title: 'Results', loinc: '30954-2', latestOnly: true },
  procedures: { title: 'Procedures', loinc: '47519-4' },
  plan: { title: 'Plan of care', loinc: '18776-5' },
  vitals: { title: 'Vital signs', loinc: '8716-3', latestOnly: true },
  functional: { title: 'Functional status', loinc: '47420-5', latestOnly: true },
  social: { title: 'Social history', loinc: '29762-2', latestOnly: true },
  past: { title: 'History of past problems', loinc: '11348-0' },
} as const satisfies Record<string, Section>;
type SectionName = keyof typeof SECTIONS;

/** Why an entry is in no section. */
export type LeftOut =
  'proposed' | 'not-begun' | 'refuted' | 'not-done' | 'ended' | 'awaited' | 'mistaken' | 'superseded' | 'other';

export type Place = { readonly section: SectionName } | { readonly leftOut: LeftOut };

/** Where an entry belongs; what is true of the person now is told from what is over, intended or was never so. */
export function placeOf(resource: Resource, now: number): Place {
  const isForbidding = resource['doNotPerform'] === true;
  const section = isForbidding ? 'alerts' : sectionOf(resource, now);
  if (section === null) return { leftOut: 'other' };
  const why = whyLeftOut(resource, now);
  // That somebody only proposes not to give it is no reason not to say so.
  return why === null || (why === 'proposed' && isForbidding) ? { section } : { leftOut: why };
}

function sectionOf(resource: Resource, now: number): SectionName | null {
  switch (resource.resourceType) {
    case 'Condition':
      return isOver(resource, now) ? 'past' : 'problems';
    case 'Observation':
      return sectionOfObservation(resource);
    default:
      return BY_TYPE[resource.resourceType] ?? null;
  }
}

const BY_TYPE: Readonly<Record<string, SectionName>> = {
  AllergyIntolerance: 'allergies',
  MedicationRequest: 'medications',
  MedicationStatement: 'medications',
  Immunization: 'immunizations',
  DiagnosticReport: 'results',
  Procedure: 'procedures',
  CarePlan: 'plan',
  Flag: 'alerts',
};

function whyLeftOut(resource: Resource, now: number): LeftOut | null {
  const verification = codesIn(resource['verificationStatus']);
  if (verification.includes('entered-in-error')) return 'mistaken';
  if (verification.includes('refuted')) return 'refuted';
  const byStatus = isStillAFact(resource) ? undefined : STATUSES[String(resource['status'])];
  if (byStatus !== undefined) return byStatus;
  if (isOnlyProposed(resource)) return 'proposed';
  return isOverByDate(resource, now) ? 'ended' : null;
}

/** Of every status that R4 gives to what the sections hold and that keeps an entry out of them. */
const STATUSES: Readonly<Record<string, LeftOut>> = {
  'entered-in-error': 'mistaken',
  'not-done': 'not-done',
  'not-taken': 'not-done',
  draft: 'not-begun',
  preparation: 'not-begun',
  registered: 'awaited',
  cancelled: 'ended',
  completed: 'ended',
  inactive: 'ended',
  revoked: 'ended',
  stopped: 'ended',
};

/** What was done is a fact when it is over, or was broken off; a medicine or a plan that is completed is one no more. */
const isStillAFact = ({ resourceType, status }: Resource & { readonly status?: unknown }): boolean =>
  ((resourceType === 'Immunization' || resourceType === 'Procedure') && status === 'completed') ||
  (resourceType === 'Procedure' && status === 'stopped');

function isOnlyProposed({ resourceType, intent }: Resource & { readonly intent?: unknown }): boolean {
  return intent === 'proposal' || intent === 'option' || (intent === 'plan' && resourceType !== 'CarePlan');
}

/** Types whose entries last for a time and are not in force after it, with the members that say it. */
const LASTS: Readonly<Record<string, readonly string[]>> = {
  MedicationStatement: ['effectivePeriod'],
  MedicationRequest: [],
  ServiceRequest: ['occurrencePeriod'],
  CarePlan: ['period'],
  Flag: ['period'],
};

function isOverByDate(resource: Resource, now: number): boolean {
  const members = LASTS[resource.resourceType];
  if (members === undefined) return false;
  const hasEnded = (period: unknown): boolean => isObject(period) && hasPassed(period['end'], now);
  const dosages = objectsOf(resource['dosageInstruction'] ?? resource['dosage']);
  return (
    members.some((member) => hasEnded(resource[member])) ||
    (dosages.length > 0 && dosages.every((dosage) => hasEnded(boundsOf(dosage))))
  );
}

function boundsOf({ timing }: Loose): unknown {
  const repeat = isObject(timing) ? timing['repeat'] : undefined;
  return isObject(repeat) ? repeat['boundsPeriod'] : undefined;
}

const OVER = ['inactive', 'remission', 'resolved'];

/** By what is said of it now, else by when it ended. An end in words, or still to come, leaves it among the problems, with the end said. */
function isOver(resource: Resource, now: number): boolean {
  const clinical = codesIn(resource['clinicalStatus']);
  if (clinical.length > 0) return clinical.some((code) => OVER.includes(code));
  const { abatementDateTime: date, abatementPeriod: period, abatementAge: age, abatementRange: range } = resource as Loose;
  if (date !== undefined) return hasBegun(date, now);
  if (isObject(period)) return hasPassed(period['end'], now);
  return age !== undefined || range !== undefined;
}

/** Of a year that is not over yet too: who gives it says that the end was in it. */
function hasBegun(date: unknown, now: number): boolean {
  const interval = intervalOf(date);
  return interval !== null && interval.from <= now;
}

const BY_CATEGORY: Readonly<Record<string, SectionName>> = {
  'vital-signs': 'vitals',
  'social-history': 'social',
  'functional-status': 'functional',
  'disability-status': 'functional',
};

/** Everything observed that no other section holds is a result: a potassium of no category must not be missing. */
function sectionOfObservation(resource: Resource): SectionName {
  const sections = codesIn(resource['category']).flatMap((code) => BY_CATEGORY[code] ?? []);
  return codesIn(resource['category']).includes('laboratory') ? 'results' : (sections[0] ?? 'results');
}
