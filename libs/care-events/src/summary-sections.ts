import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { isObject, objectsOf, textOf } from './patient-reference.js';

/** A section of the International Patient Summary: its LOINC code, and which entries belong in it. */
export interface Section {
  readonly title: string;
  readonly loinc: string;
  /** Always there, with the reason why it is empty where it is. */
  readonly required: boolean;
  readonly holds: (resource: Resource) => boolean;
  /** Of measurements that are repeated only the latest of each code. */
  readonly latestOnly?: boolean;
}

const status = (resource: Resource, ...statuses: string[]): boolean => statuses.includes(String(resource['status']));

/** Codes of a member that is a CodeableConcept, or a list of them. */
function codesIn(value: unknown): string[] {
  return objectsOf(value).flatMap(({ coding }) => objectsOf(coding).flatMap(({ code }) => textOf(code) ?? []));
}

function isCategory(resource: Resource, ...categories: string[]): boolean {
  return codesIn(resource['category']).some((code) => categories.includes(code));
}

function isCondition(resource: Resource, past: boolean): boolean {
  if (resource.resourceType !== 'Condition' || isDisproved(resource)) return false;
  const clinical = codesIn(resource['clinicalStatus']);
  const isOver = clinical.some((code) => ['inactive', 'remission', 'resolved'].includes(code));
  const hasEnded = clinical.length === 0 && Object.keys(resource).some((key) => key.startsWith('abatement'));
  return (isOver || hasEnded) === past;
}

/** What was entered in error or refuted is no fact about the patient. */
function isDisproved(resource: Resource): boolean {
  return codesIn(resource['verificationStatus']).some((code) => code === 'entered-in-error' || code === 'refuted');
}

function isMedication(resource: Resource): boolean {
  if (resource.resourceType === 'MedicationRequest') return status(resource, 'active', 'on-hold', 'unknown');
  return resource.resourceType === 'MedicationStatement' && status(resource, 'active', 'intended', 'on-hold', 'unknown');
}

const isObservation = (resource: Resource): boolean =>
  resource.resourceType === 'Observation' && status(resource, 'preliminary', 'final', 'amended', 'corrected');

function isResult(resource: Resource): boolean {
  if (resource.resourceType === 'DiagnosticReport')
    return status(resource, 'partial', 'preliminary', 'final', 'amended', 'corrected', 'appended');
  return isObservation(resource) && isCategory(resource, 'laboratory', 'imaging');
}

/** International Patient Summary, http://hl7.org/fhir/uv/ips: the required sections first. */
export const SECTIONS: readonly Section[] = [
  { title: 'Problems', loinc: '11450-4', required: true, holds: (resource) => isCondition(resource, false) },
  {
    title: 'Allergies and intolerances',
    loinc: '48765-2',
    required: true,
    holds: (resource) => resource.resourceType === 'AllergyIntolerance' && !isDisproved(resource),
  },
  { title: 'Medications', loinc: '10160-0', required: true, holds: isMedication },
  {
    title: 'Immunizations',
    loinc: '11369-6',
    required: false,
    holds: (resource) => resource.resourceType === 'Immunization' && status(resource, 'completed'),
  },
  { title: 'Results', loinc: '30954-2', required: false, holds: isResult, latestOnly: true },
  {
    title: 'Procedures',
    loinc: '47519-4',
    required: false,
    holds: (resource) => resource.resourceType === 'Procedure' && status(resource, 'in-progress', 'completed'),
  },
  {
    title: 'Plan of care',
    loinc: '18776-5',
    required: false,
    holds: (resource) => resource.resourceType === 'CarePlan' && status(resource, 'active', 'on-hold'),
  },
  {
    title: 'Vital signs',
    loinc: '8716-3',
    required: false,
    holds: (resource) => isObservation(resource) && isCategory(resource, 'vital-signs'),
    latestOnly: true,
  },
  {
    title: 'Alerts',
    loinc: '104605-1',
    required: false,
    holds: (resource) => resource.resourceType === 'Flag' && status(resource, 'active'),
  },
  {
    title: 'Functional status',
    loinc: '47420-5',
    required: false,
    holds: (resource) => isObservation(resource) && isCategory(resource, 'functional-status', 'disability-status'),
    latestOnly: true,
  },
  {
    title: 'Social history',
    loinc: '29762-2',
    required: false,
    holds: (resource) => isObservation(resource) && isCategory(resource, 'social-history'),
    latestOnly: true,
  },
  { title: 'History of past problems', loinc: '11348-0', required: false, holds: (resource) => isCondition(resource, true) },
];

const NAMED_BY = ['code', 'vaccineCode', 'medicationCodeableConcept', 'category'] as const;

/** What an entry is about, in words. */
export function titleOf(resource: Resource): string {
  for (const field of NAMED_BY) {
    for (const concept of objectsOf(resource[field])) {
      const coding = objectsOf(concept['coding']);
      const title =
        textOf(concept['text']) ?? coding.map(({ display }) => textOf(display)).find(isText) ?? textOf(coding[0]?.['code']);
      if (title !== undefined) return title;
    }
  }
  const medication = resource['medicationReference'];
  return (isObject(medication) ? textOf(medication['display']) : undefined) ?? textOf(resource['title']) ?? resource.resourceType;
}

/** The entries of a section, the latest first; the same whatever order they came in. */
export function entriesOf(section: Section, entries: readonly RecordEntry[]): RecordEntry[] {
  const held = entries.filter(({ resource }) => section.holds(resource)).sort(latestFirst);
  if (section.latestOnly !== true) return held;
  const seen = new Set<string>();
  return held.filter((entry) => {
    const what = `${entry.resourceType} ${codesIn(entry.resource['code']).join(' ') || titleOf(entry.resource)}`;
    return !seen.has(what) && seen.add(what);
  });
}

function latestFirst(one: RecordEntry, other: RecordEntry): number {
  return instantOf(other) - instantOf(one) || (one.id < other.id ? -1 : 1);
}

function instantOf({ occurredAt }: RecordEntry): number {
  const instant = Date.parse(occurredAt ?? '');
  return Number.isNaN(instant) ? Number.NEGATIVE_INFINITY : instant;
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}
