import { nhsNumberProblem } from '@weft/domain';
import type { Problem, Resource } from '@weft/domain';
import { namesMeant, namesOf, referencesIn, typeMeant } from './bundle-names.js';
import type { BundleEntry } from './bundle-names.js';
import { costProblem } from './fhir.js';
import {
  containedIn,
  NHS_NUMBER_SYSTEM,
  nhsNumberAsId,
  nhsNumbersOf,
  numberOfConditional,
  patientReferencesOf,
  textOf,
} from './patient-reference.js';
import type { Loose, PatientReference } from './patient-reference.js';
import { problem, typeShown } from './problems.js';

/** What stands for a patient's NHS number: the number, or why it cannot be told. */
export type Subject = { readonly ok: true; readonly subject: string } | { readonly ok: false; readonly problem: Problem };

/** A place that tells nothing of whom a resource is about: it means somebody or something else, or what cannot be known here. */
type Silent = 'another' | 'unknown';

/** Whom the entries of a Bundle are about, by everything that may refer to them; `another` of what is about nobody. */
export type Patients = ReadonlyMap<string, Subject | 'another'>;

export function indexPatients(entries: readonly BundleEntry[]): Patients {
  const patients = new Map<string, Subject | 'another'>();
  const note = (entry: BundleEntry, about: Subject | 'another'): void => {
    for (const name of namesOf(entry)) {
      const known = patients.get(name);
      patients.set(name, known === undefined || isSame(known, about) ? about : ambiguous(`${typeShown(entry.resource)}.id`));
    }
  };
  const [persons, things] = [entries.filter(isPatient), entries.filter((entry) => !isPatient(entry))];
  for (const entry of persons) note(entry, subjectOfPatient(entry.resource));
  const about = things.map((entry) => namedBy(entry.resource, patients) ?? 'another');
  things.forEach((entry, index) => note(entry, about[index]!));
  return patients;
}

const isPatient = ({ resource }: BundleEntry): boolean => resource.resourceType === 'Patient';

function isSame(one: Subject | 'another', other: Subject | 'another'): boolean {
  if (one === 'another' || other === 'another') return one === other;
  return one.ok && other.ok && one.subject === other.subject;
}

function ambiguous(field: string): Subject {
  return { ok: false, problem: problem(field, 'ambiguous', 'refers to patients with different NHS numbers') };
}

/** The NHS number of the patient whom a resource is about. */
export function subjectsOf(resource: Resource, patients: Patients): Subject {
  const found = namedBy(resource, patients) ?? hungOn(resource, patients);
  if (found !== null) return found;
  return {
    ok: false,
    problem: problem(typeShown(resource), 'no-patient', 'refers to no patient, so it belongs in no record'),
  };
}

/** Whom a resource says that it is about: by the places where R4 looks for it, else by those of persons who took part. Null: nobody. */
function namedBy(resource: Resource, patients: Patients): Subject | null {
  if (resource.resourceType === 'Patient') return subjectOfPatient(resource);
  const { own, others } = patientReferencesOf(resource);
  if (own.length + others.length === 0) return null;
  const contained = containedIn(resource);
  return agreed(own, contained, patients, resource) ?? agreed(others, contained, patients, resource);
}

function agreed(
  references: readonly PatientReference[],
  contained: Contained,
  patients: Patients,
  resource: Resource,
): Subject | null {
  const all = references.map(({ path, reference }) => ({ path, whose: resolve(reference, path, contained, patients) }));
  const subjects = all.flatMap(({ whose }) => (typeof whose === 'string' ? [] : [whose]));
  const [first] = subjects;
  if (first === undefined) {
    const unknown = all.find(({ whose }) => whose === 'unknown');
    return unknown === undefined ? null : { ok: false, problem: unknownPatient(unknown.path) };
  }
  const broken = subjects.find((subject) => !subject.ok);
  if (broken !== undefined) return broken;
  return subjects.every((subject) => isSame(subject, first)) ? first : ambiguous(typeShown(resource));
}

/** Whom those entries are about that a resource refers to which names nobody itself: a Provenance of an Observation, say. */
function hungOn(resource: Resource, patients: Patients): Subject | null {
  if (costProblem(resource) !== null) return null;
  let found: Subject | null = null;
  for (const reference of referencesIn(resource)) {
    const about = knownBy(reference, patients);
    if (about === undefined || about === 'another') continue;
    if (found !== null && !isSame(found, about)) return ambiguous(typeShown(resource));
    found = about;
  }
  return found;
}

function subjectOfPatient(patient: Resource): Subject {
  const numbers = nhsNumbersOf(patient['identifier']);
  const current = new Set(
    (numbers.some(({ old }) => !old) ? numbers.filter(({ old }) => !old) : numbers).map(({ number }) => number),
  );
  const [number] = current;
  if (number === undefined) {
    return {
      ok: false,
      problem: problem('Patient.identifier', 'required', `an identifier of system ${NHS_NUMBER_SYSTEM} is required`),
    };
  }
  return current.size > 1 ? ambiguous('Patient.identifier') : checked(number, 'Patient.identifier');
}

function checked(number: string, field: string): Subject {
  const wrong = nhsNumberProblem(number);
  return wrong === null ? { ok: true, subject: number } : { ok: false, problem: problem(field, 'nhs-number', wrong) };
}

type Contained = ReturnType<typeof containedIn>;

function resolve(reference: Loose, path: string, contained: Contained, patients: Patients): Subject | Silent {
  const [identified] = nhsNumbersOf(reference['identifier']);
  if (identified !== undefined) return checked(identified.number, `${path}.identifier`);
  const text = textOf(reference['reference']) ?? '';
  const conditional = numberOfConditional(text);
  if (conditional !== undefined) return checked(conditional, `${path}.reference`);
  if (text.startsWith('#')) {
    const named = contained.get(text.slice(1));
    if (named?.['resourceType'] === 'Patient') return subjectOfPatient(named as unknown as Resource);
    return named === undefined ? 'unknown' : 'another';
  }
  const known = knownBy(reference, patients);
  if (known !== undefined) return known;
  const number = nhsNumberAsId(text);
  if (number !== null) return checked(number, `${path}.reference`);
  const type = typeMeant(reference);
  if (type === 'Patient') return { ok: false, problem: unknownPatient(path) };
  return type === undefined ? 'unknown' : 'another';
}

function knownBy(reference: Loose, patients: Patients): Subject | 'another' | undefined {
  for (const name of namesMeant(reference)) {
    const known = patients.get(name);
    if (known !== undefined) return known;
  }
  return undefined;
}

const unknownPatient = (path: string): Problem =>
  problem(`${path}.reference`, 'unknown-patient', 'refers to no patient of this bundle');
