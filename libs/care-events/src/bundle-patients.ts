import { nhsNumberProblem } from '@weft/domain';
import type { Problem, Resource } from '@weft/domain';
import { containedIn, NHS_NUMBER_SYSTEM, nhsNumbersOf, patientReferencesOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem, typeShown } from './problems.js';

export interface BundleEntry {
  readonly index: number;
  readonly resource: Resource;
  readonly fullUrl?: string;
}

/** What stands for a patient's NHS number: the number, or why it cannot be told. */
export type Subject = { readonly ok: true; readonly subject: string } | { readonly ok: false; readonly problem: Problem };

/** The Patients of a Bundle by everything that may refer to them: fullUrl, `urn:uuid:<id>`, `Patient/<id>`. */
export type Patients = ReadonlyMap<string, Subject>;

export function indexPatients(entries: readonly BundleEntry[]): Patients {
  const patients = new Map<string, Subject>();
  for (const { resource, fullUrl } of entries) {
    if (resource.resourceType !== 'Patient') continue;
    const subject = subjectOfPatient(resource);
    const id = textOf(resource.id);
    const names = [...(fullUrl === undefined ? [] : [fullUrl]), ...(id === undefined ? [] : [`Patient/${id}`, `urn:uuid:${id}`])];
    for (const name of new Set(names)) {
      const known = patients.get(name);
      patients.set(name, known === undefined || isSame(known, subject) ? subject : ambiguous('Patient.id'));
    }
  }
  return patients;
}

function isSame(one: Subject, other: Subject): boolean {
  return one.ok && other.ok && one.subject === other.subject;
}

function ambiguous(field: string): Subject {
  return { ok: false, problem: problem(field, 'ambiguous', 'refers to patients with different NHS numbers') };
}

/** The NHS number of the patient whom a resource is about. */
export function subjectsOf(resource: Resource, patients: Patients): Subject {
  if (resource.resourceType === 'Patient') return subjectOfPatient(resource);
  const contained = containedIn(resource);
  const found = patientReferencesOf(resource).map(({ path, reference }) => resolve(reference, path, contained, patients));
  const [first] = found;
  if (first === undefined) {
    return {
      ok: false,
      problem: problem(typeShown(resource), 'no-patient', 'refers to no patient, so it belongs in no record'),
    };
  }
  const broken = found.find((subject) => !subject.ok);
  if (broken !== undefined) return broken;
  return found.every((subject) => isSame(subject, first)) ? first : ambiguous(typeShown(resource));
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

function resolve(reference: Loose, path: string, contained: ReturnType<typeof containedIn>, patients: Patients): Subject {
  const [identified] = nhsNumbersOf(reference['identifier']);
  if (identified !== undefined) return checked(identified.number, `${path}.identifier`);
  const text = textOf(reference['reference']) ?? '';
  const conditional = numberOfConditional(text);
  if (conditional !== null) return checked(conditional, `${path}.reference`);
  if (text.startsWith('#')) {
    const named = contained.get(text.slice(1));
    if (named?.['resourceType'] === 'Patient') return subjectOfPatient(named as unknown as Resource);
  }
  const known = patients.get(text) ?? patients.get(text.replace(/\/_history\/[^/]*$/, '')) ?? patients.get(relative(text));
  return known ?? { ok: false, problem: problem(`${path}.reference`, 'unknown-patient', 'refers to no patient of this bundle') };
}

/** `http://host/fhir/Patient/1/_history/2` is `Patient/1`. */
function relative(text: string): string {
  return /(?:^|\/)(Patient\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(text)?.[1] ?? text;
}

/** `Patient?identifier=<system>|<number>`: a conditional reference by NHS number. */
function numberOfConditional(text: string): string | null {
  const query = /^Patient\?(.*)$/.exec(text)?.[1];
  const [system, number] = (new URLSearchParams(query ?? '').get('identifier') ?? '').split('|');
  return query !== undefined && system === NHS_NUMBER_SYSTEM ? (number ?? '') : null;
}
