import type { Resource } from '@weft/domain';

/** One care event of the bench: a FHIR Observation or Encounter, some 700 bytes. */
export interface BenchEvent {
  readonly id: string;
  readonly source: string;
  readonly ods: string;
  readonly subject: string;
  readonly time: string;
  readonly resource: Resource;
}

/** The organisations that are shipped. */
export const ORGANISATIONS = ['RX901', 'RX902', 'RX903', 'Y90001'] as const;

const FIRST = Date.UTC(2020, 0, 1);
const MINUTE_MS = 60_000;
const MEASURED = [
  { code: '271649006', display: 'Systolic blood pressure', unit: 'mm[Hg]', least: 95 },
  { code: '364075005', display: 'Heart rate', unit: '/min', least: 50 },
  { code: '27113001', display: 'Body weight', unit: 'kg', least: 45 },
  { code: '86290005', display: 'Respiratory rate', unit: '/min', least: 11 },
] as const;
const VISITED = [
  { code: '185349003', display: 'Encounter for check up' },
  { code: '390906007', display: 'Follow-up encounter' },
  { code: '50849002', display: 'Emergency room admission' },
] as const;

/** NHS numbers with sound check digits, out of the range that is never issued to anybody. */
export function* nhsNumbers(): Generator<string> {
  for (let nine = 990_000_000; ; nine += 1) {
    const digits = String(nine);
    let sum = 0;
    for (let place = 0; place < 9; place += 1) sum += Number(digits[place]) * (10 - place);
    const check = (11 - (sum % 11)) % 11;
    if (check < 10) yield digits + check;
  }
}

export function patientNumbers(count: number): string[] {
  const numbers = nhsNumbers();
  return Array.from({ length: count }, () => numbers.next().value as string);
}

/** The same event for the same index, whatever was asked for before. */
export function careEvent(index: number, subject: string): BenchEvent {
  const ods = ORGANISATIONS[index % ORGANISATIONS.length] as string;
  const at = new Date(FIRST + (index % 2_000_000) * MINUTE_MS).toISOString();
  const resource = index % 10 < 7 ? observation(index, ods, subject, at) : encounter(index, ods, subject, at);
  return { id: `e-${index}`, source: `urn:ods:${ods}`, ods, subject, time: at, resource };
}

const uuid = (index: number): string => `6f1c2d4e-8a3b-4c5d-9e7f-${String(index).padStart(12, '0')}`;
const of = (subject: string) => ({
  type: 'Patient',
  identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: subject },
});
const organisation = (ods: string) => ({
  type: 'Organization',
  identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: ods },
});
const concept = ({ code, display }: { readonly code: string; readonly display: string }) => ({
  coding: [{ system: 'http://snomed.info/sct', code, display }],
  text: display,
});

function observation(index: number, ods: string, subject: string, at: string): Resource {
  const what = MEASURED[index % MEASURED.length] as (typeof MEASURED)[number];
  return {
    resourceType: 'Observation',
    id: uuid(index),
    meta: { versionId: '1', lastUpdated: at },
    status: 'final',
    code: concept(what),
    subject: of(subject),
    effectiveDateTime: at,
    performer: [organisation(ods)],
    valueQuantity: { value: what.least + (index % 37), unit: what.unit, system: 'http://unitsofmeasure.org', code: what.unit },
    note: [{ text: 'Taken seated after five minutes of rest.' }],
  };
}

function encounter(index: number, ods: string, subject: string, at: string): Resource {
  const isOpen = index % 50 === 7;
  return {
    resourceType: 'Encounter',
    id: uuid(index),
    meta: { versionId: '1', lastUpdated: at },
    status: isOpen ? 'in-progress' : 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB', display: 'ambulatory' },
    type: [concept(VISITED[index % VISITED.length] as (typeof VISITED)[number])],
    subject: of(subject),
    period: isOpen ? { start: at } : { start: at, end: at },
    serviceProvider: organisation(ods),
  };
}
