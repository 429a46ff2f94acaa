import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { NHS_NUMBER_SYSTEM } from './patient-reference.js';
import { patientSummary, type SummaryOptions } from './patient-summary.js';

export const NHS_NUMBER = '9990033471';
const NOW = Date.parse('2026-03-01T12:00:00Z');

export const SCT = 'http://snomed.info/sct';
export const LOINC = 'http://loinc.org';

export interface SectionOut {
  readonly title: string;
  readonly code: { readonly coding: readonly [{ readonly code: string }] };
  readonly text: { readonly div: string };
  readonly entry?: readonly { readonly reference: string }[];
  readonly emptyReason?: object;
}
export interface Document {
  readonly timestamp: string;
  readonly identifier: { readonly value: string };
  readonly entry: readonly { readonly fullUrl: string; readonly resource: Resource }[];
}

/** An entry of a record, of RX901 unless said otherwise; it happened when its resource says. */
export function entry(resource: Record<string, unknown>, source = 'RX901', occurredAt?: string | null): RecordEntry {
  const { resourceType, id = 'x' } = resource as unknown as { resourceType: string; id?: string };
  const when = resource['effectiveDateTime'] ?? resource['onsetDateTime'] ?? resource['authoredOn'] ?? null;
  return {
    id: `${source}/${resourceType}/${id}`,
    organisation: source.split(':')[0] as string,
    resourceType,
    occurredAt: occurredAt === undefined ? (when as string | null) : occurredAt,
    recordedAt: '2026-03-01T12:00:00Z',
    resource: { id, ...resource } as unknown as Resource,
  };
}

export function summary(entries: readonly RecordEntry[], more: Partial<SummaryOptions> = {}): Document {
  const organisation = { ods: 'Y90001', name: 'The "A&E"' };
  return patientSummary({ entries, nhsNumber: NHS_NUMBER, now: NOW, organisation, ...more }) as unknown as Document;
}

export const sectionsOf = (document: Document) => document.entry[0]!.resource['section'] as readonly SectionOut[];

/** What a clinician reads: without the markup, and with the rows of a table on lines of their own. */
const wordsOf = (div: string): string =>
  div
    .replaceAll(/<(?:\/tr|\/li|\/p)>/g, '\n')
    .replaceAll(/<\/t[dh]>/g, ' | ')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

/** The narrative of the document as a whole, then of each section, by its LOINC code. */
export function narrativesOf(document: Document): { readonly whole: string; readonly of: (loinc: string) => string } {
  const text = document.entry[0]!.resource['text'] as { div: string } | undefined;
  const sections = new Map(sectionsOf(document).map((section) => [section.code.coding[0].code, wordsOf(section.text.div)]));
  return { whole: wordsOf(text?.div ?? ''), of: (loinc) => sections.get(loinc) ?? '' };
}

export const coded = (...codes: string[]) => ({ coding: codes.map((code) => ({ code })) });
export const inSystem = (system: string, code: string, text?: string) => ({
  coding: [{ system, code }],
  ...(text !== undefined && { text }),
});
export const subject = { reference: 'Patient/p1' };

export const patient = (id: string, changes: object = {}) => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: NHS_NUMBER_SYSTEM, value: NHS_NUMBER }],
  ...changes,
});
const clinical = (of: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${of}-clinical`, code }],
});
const verification = (of: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${of}-ver-status`, code }],
});
export const condition = (id: string, status: string, changes: object = {}) => ({
  resourceType: 'Condition',
  id,
  subject,
  code: { text: `Condition ${id}` },
  clinicalStatus: clinical('condition', status),
  ...changes,
});
export const verifiedAs = (code: string) => ({ verificationStatus: verification('condition', code) });
export const allergy = (id: string, status: string, changes: object = {}) => ({
  resourceType: 'AllergyIntolerance',
  id,
  patient: subject,
  code: { text: 'Penicillin' },
  clinicalStatus: clinical('allergyintolerance', status),
  ...changes,
});
export const allergyVerifiedAs = (code: string) => ({ verificationStatus: verification('allergyintolerance', code) });
export const order = (id: string, changes: object = {}) => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  subject,
  medicationCodeableConcept: { text: 'Aspirin' },
  ...changes,
});
export const statement = (id: string, changes: object = {}) => ({
  resourceType: 'MedicationStatement',
  id,
  status: 'active',
  subject,
  medicationCodeableConcept: { text: 'Aspirin' },
  ...changes,
});
export const observation = (id: string, category: string | null, changes: object = {}) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  subject,
  ...(category !== null && {
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] }],
  }),
  code: inSystem(LOINC, '2823-3', 'Potassium'),
  ...changes,
});
export const mmol = (value: number) => ({ valueQuantity: { value, unit: 'mmol/L' } });
export const report = (id: string, changes: object = {}) => ({
  resourceType: 'DiagnosticReport',
  id,
  status: 'final',
  code: inSystem(SCT, '721981007', 'Diagnostic studies report'),
  subject,
  ...changes,
});
export const procedure = (id: string, status: string, changes: object = {}) => ({
  resourceType: 'Procedure',
  id,
  status,
  subject,
  code: { text: 'Hip replacement' },
  ...changes,
});
