import { nhsNumberProblem } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { typeShown } from './problems.js';

export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

/** A FHIR Reference or Identifier as far as it can be relied on before validation: any member may be of any type. */
export type Loose = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Loose {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The objects of a member that may be one or a list, or absent. */
export function objectsOf(value: unknown): Loose[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

/** The same, with null for what is no object: where something may be lost, it must not be passed over. */
export function itemsOf(value: unknown): (Loose | null)[] {
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => (isObject(item) ? item : null));
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What a resource contains, by id; of several the first. A map: who looks for each of many references has read the list once. */
export function containedIn(resource: Resource): ReadonlyMap<unknown, Loose> {
  const contained = new Map<unknown, Loose>();
  for (const one of objectsOf(resource['contained'])) if (!contained.has(one['id'])) contained.set(one['id'], one);
  return contained;
}

export interface NhsNumber {
  /** Without the spaces that people write in it. Whether it is a sound number is for nhsNumberProblem to say. */
  readonly number: string;
  /** FHIR Identifier.use `old`: a number that no longer is the patient's. */
  readonly old: boolean;
}

/** The NHS numbers among FHIR Identifiers, one or a list. */
export function nhsNumbersOf(identifiers: unknown): NhsNumber[] {
  return objectsOf(identifiers)
    .filter((identifier) => identifier['system'] === NHS_NUMBER_SYSTEM)
    .map((identifier) => ({
      number: (textOf(identifier['value']) ?? '').replace(/[\s-]/g, ''),
      old: identifier['use'] === 'old',
    }));
}

/** The NHS number of a reference `Patient/<NHS number>`, relative or absolute; null where its id is no sound NHS number. */
export function nhsNumberOfReference(reference: unknown): string | null {
  const id = /(?:^|\/)Patient\/(\d{10})(?:\/_history\/.*)?$/.exec(textOf(reference) ?? '')?.[1];
  return id !== undefined && nhsNumberProblem(id) === null ? id : null;
}

/** Where R4 resources name the patient they are about, with the path of each reference. */
const ABOUT = ['subject', 'patient', 'beneficiary', 'for', 'individual'] as const;

export interface PatientReference {
  readonly path: string;
  readonly reference: Loose;
}

export function patientReferencesOf(resource: Resource): PatientReference[] {
  const direct = ABOUT.flatMap((field) => references(resource[field], `${typeShown(resource)}.${field}`));
  const participants = Array.isArray(resource['participant']) ? resource['participant'] : [];
  const actors = participants.flatMap((participant, index) =>
    isObject(participant) ? references(participant['actor'], `${typeShown(resource)}.participant[${index}].actor`) : [],
  );
  return [...direct, ...actors.filter(({ reference }) => mayBePatient(reference))];
}

function references(value: unknown, path: string): PatientReference[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => (isObject(item) ? [{ path: `${path}[${index}]`, reference: item }] : []));
  return isObject(value) ? [{ path, reference: value }] : [];
}

/** An appointment's actors are patients, practitioners, rooms: only what says that it is a patient counts. */
function mayBePatient(reference: Loose): boolean {
  return (
    reference['type'] === 'Patient' ||
    nhsNumbersOf(reference['identifier']).length > 0 ||
    /(?:^|\/)Patient[/?]/.test(textOf(reference['reference']) ?? '')
  );
}
