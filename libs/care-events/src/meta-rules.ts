import type { Problem, Resource } from '@weft/domain';
import type { EventType } from './envelope.js';
import { timeProblems } from './envelope.js';
import { isObject, objectsOf } from './patient-reference.js';
import { problem, typeShown } from './problems.js';

/** What only names something needs not be whole. */
const NAMING: readonly EventType[] = [
  ...(['care-event-retracted-1', 'patient-merged-1', 'patient-unmerged-1', 'patient-death-retracted-1'] as const),
];

/** What a resource's meta says that keeps it from taking another version's place. */
export function metaProblems(type: EventType, resource: Resource, now: number): Problem[] {
  const meta: unknown = resource.meta;
  if (!isObject(meta)) return [];
  const { lastUpdated, tag } = meta;
  const path = `${typeShown(resource)}.meta`;
  // A version from the future would be ahead of every one that comes after it.
  const times = typeof lastUpdated === 'string' ? timeProblems(`${path}.lastUpdated`, lastUpdated, now) : [];
  return isSubset(tag) && !NAMING.includes(type) ? [...times, subset(`${path}.tag`)] : times;
}

/** https://hl7.org/fhir/R4/search.html#summary: elements were left out, and nobody can tell which. Some servers leave the system out. */
const isSubset = (tag: unknown): boolean => objectsOf(tag).some(({ code }) => code === 'SUBSETTED');

const subset = (field: string): Problem =>
  problem(
    field,
    'subsetted',
    'says that elements were left out (SUBSETTED): send the whole resource, or it would take its place',
  );
