import { NHS_NUMBER_SYSTEM, nhsNumberProblem } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { PATIENT_PLACES } from './patient-places.js';
import { typeShown } from './problems.js';

export { NHS_NUMBER_SYSTEM };

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

/** Whether an object says more than the members that are understood here, a modifier extension among them. */
export function hasUnknown(value: Loose, known: readonly string[]): boolean {
  return Object.keys(value).some((member) => !['id', 'extension', ...known].includes(member.replace(/^_/, '')));
}

/** The type of resource in the address of a reference. */
export function typeAddressed(reference: unknown): string | undefined {
  return /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(textOf(reference) ?? '')?.[1];
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

/** What a reference without its version refers to. */
export const unversioned = (reference: string): string => reference.replace(/\/_history\/[^/]*$/, '');

/**
 * The NHS number of a reference `Patient/<NHS number>`, relative or absolute, or of a conditional one by NHS number; null where that
 * is no sound NHS number.
 */
export function nhsNumberOfReference(reference: unknown): string | null {
  const text = textOf(reference) ?? '';
  const number = numberOfConditional(text) ?? /(?:^|\/)Patient\/(\d{10})$/.exec(unversioned(text))?.[1];
  return number !== undefined && nhsNumberProblem(number) === null ? number : null;
}

/** `Patient?identifier=<system>|<value>`, relative or absolute: what a conditional reference says of the one whom it means. */
export function identifierOfConditional(
  reference: string,
): { readonly type: string; readonly system: string; readonly value: string } | null {
  const [, type, query] = /(?:^|\/)([A-Z][A-Za-z]+)\?(.*)$/.exec(reference) ?? [];
  const [system, value, ...more] = (new URLSearchParams(query ?? '').get('identifier') ?? '').split('|');
  if (type === undefined || !system || !value || more.length > 0) return null;
  return { type, system, value };
}

/** The number that a conditional reference by NHS number says, sound or not; undefined of any other. */
export function numberOfConditional(reference: string): string | undefined {
  const said = identifierOfConditional(reference);
  return said?.type === 'Patient' && said.system === NHS_NUMBER_SYSTEM ? said.value.replace(/[\s-]/g, '') : undefined;
}

/** The Personal Demographics Service and its sandboxes: a Patient's id there is the NHS number. */
const PDS = /^https:\/\/(?:[a-z0-9-]+\.)*api\.service\.nhs\.uk\/personal-demographics\/FHIR\/R4\/Patient\/(\d{10})$/;

/** The NHS number that stands for a Patient's id: on PDS, or where no address says whose id it would be. Null where it is no sound one. */
export function nhsNumberAsId(reference: string): string | null {
  const text = unversioned(reference);
  const number = PDS.exec(text)?.[1] ?? /^Patient\/(\d{10})$/.exec(text)?.[1];
  return number !== undefined && nhsNumberProblem(number) === null ? number : null;
}

export interface PatientReference {
  readonly path: string;
  readonly reference: Loose;
}

export interface PatientReferences {
  /** Where R4 looks for whom it is about. */
  readonly own: readonly PatientReference[];
  /** Where it names who took part: the patient, perhaps, and the one whom it is about where the first say nobody. */
  readonly others: readonly PatientReference[];
}

/** Every reference of a resource that may name its patient, with its path. */
export function patientReferencesOf(resource: Resource): PatientReferences {
  const { own, others } = placesOf(resource.resourceType);
  const from = (places: readonly (readonly string[])[]): PatientReference[] =>
    places.flatMap((place) => references(resource, place, typeShown(resource)));
  return { own: from(own), others: from(others) };
}

/** Whether R4 lets a resource of the type name a patient whom it is about. */
export const namesPatients = (type: string): boolean => places.has(type);

type Place = readonly string[];
interface Places {
  readonly own: readonly Place[];
  readonly others: readonly Place[];
}

const NOWHERE: Places = { own: [], others: [] };
const places = new Map(PATIENT_PLACES.trim().split('\n').map(readLine));

/** The types that may be about a patient. */
export const PATIENT_TYPES: readonly string[] = [...places.keys(), 'Patient'].sort();

function readLine(line: string): [string, Places] {
  const [first, others = ''] = line.split(' | ') as [string, string?];
  const [type, ...own] = first.split(' ') as [string, ...string[]];
  const paths = (words: readonly string[]): Place[] => words.filter((word) => word !== '').map((word) => word.split('.'));
  return [type, { own: paths(own), others: paths(others.split(' ')) }];
}

function placesOf(type: string): Places {
  return places.get(type) ?? NOWHERE;
}

function references(value: unknown, [step, ...rest]: Place, path: string): PatientReference[] {
  if (step === undefined) return isObject(value) ? [{ path, reference: value }] : [];
  if (!isObject(value)) return [];
  const below = value[step];
  if (!Array.isArray(below)) return references(below, rest, `${path}.${step}`);
  return below.flatMap((item, index) => references(item, rest, `${path}.${step}[${index}]`));
}
