import type { Problem, Resource } from '@weft/domain';
import {
  containedIn,
  isObject,
  nhsNumberOfReference,
  nhsNumbersOf,
  numberOfConditional,
  patientReferencesOf,
  textOf,
} from './patient-reference.js';
import type { Loose, PatientReference } from './patient-reference.js';
import { nameShown, problem, typeShown } from './problems.js';

/**
 * A resource filed under the wrong person harms two: every NHS number by which it names its patient must be the subject, and so must
 * those of every resource within it.
 */
export function somebodyElseProblems(subject: string, resource: Resource): Problem[] {
  const problems: Problem[] = [];
  const all: Found[] = [{ resource, path: typeShown(resource) }];
  // A list gives what is added to it while it is walked.
  for (const found of all) {
    const { resource: one, path } = found;
    for (const elsewhere of elsewhereIn(subject, one)) {
      const place = path + elsewhere.slice(typeShown(one).length);
      problems.push(problem(place, 'somebody-else', "a resource about somebody else than the event's subject"));
    }
    for (const [name, value] of Object.entries(one)) collect(value, `${path}.${nameShown(name)}`, all);
  }
  return problems;
}

interface Found {
  readonly resource: Resource;
  readonly path: string;
}

/** The resources within a value, however deep; what is within those is for their own turn. */
function collect(value: unknown, path: string, found: Found[]): void {
  if (Array.isArray(value)) return value.forEach((item, index) => collect(item, `${path}[${index}]`, found));
  if (!isObject(value)) return;
  if (textOf(value['resourceType']) !== undefined) return void found.push({ resource: value as unknown as Resource, path });
  for (const name in value) collect(value[name], `${path}.${nameShown(name)}`, found);
}

function elsewhereIn(subject: string, resource: Resource): string[] {
  if (resource.resourceType === 'Patient') {
    return isSomebodyElse(subject, resource['identifier']) ? ['Patient.identifier'] : [];
  }
  const contained = containedIn(resource);
  const { own, others } = patientReferencesOf(resource);
  const judged = (references: readonly PatientReference[]) =>
    references.map(({ path, reference }) => ({ path, number: numberOf(reference, contained, subject) }));
  const named = judged(own);
  const counted = named.some(({ number }) => number !== undefined) ? named : [...named, ...judged(others)];
  return counted.flatMap(({ path, number }) => (number === undefined || number === subject ? [] : [path]));
}

function isSomebodyElse(subject: string, identifiers: unknown): boolean {
  const numbers = nhsNumbersOf(identifiers);
  return numbers.length > 0 && !numbers.some(({ number }) => number === subject);
}

/** The NHS number that a reference names, sound or not: the subject's, where several are named and one is. */
function numberOf(reference: Loose, contained: ReturnType<typeof containedIn>, subject: string): string | undefined {
  const among = (identifiers: unknown): string | undefined => {
    const numbers = nhsNumbersOf(identifiers).map(({ number }) => number);
    return numbers.includes(subject) ? subject : numbers[0];
  };
  const identified = among(reference['identifier']);
  if (identified !== undefined) return identified;
  const target = textOf(reference['reference']) ?? '';
  if (!target.startsWith('#')) return numberOfConditional(target) ?? nhsNumberOfReference(target) ?? undefined;
  // The one within is judged in its own turn.
  return contained.get(target.slice(1))?.['resourceType'] === 'Patient' ? subject : undefined;
}
