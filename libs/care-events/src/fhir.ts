import type { Problem } from '@weft/domain';
import { limitProblem, LIMITS } from './fhir-r4/limits.js';
import type { Limits } from './fhir-r4/limits.js';
import { validate } from './fhir-r4/validate.js';

/** What is too large to be judged, or to be walked more than once: found in one walk, which ends where a limit is reached. */
export function costProblem(resource: unknown): Problem | null {
  if (resource === null || typeof resource !== 'object') return limitProblem(resource, LIMITS);
  const known = costs.get(resource);
  if (known !== undefined) return known;
  const problem = limitProblem(resource, LIMITS);
  costs.set(resource, problem);
  return problem;
}

/** Whoever reads a resource asks first, and there are several on its way: it is walked once. Nobody changes it meanwhile. */
const costs = new WeakMap<object, Problem | null>();

/**
 * Everything in which a resource is not FHIR R4: a problem for each element, its field the element's FHIRPath; no more than 50.
 * What exceeds the limits is not validated. Never throws, whatever JSON it is given.
 */
export function fhirProblems(resource: unknown, limits: Limits = LIMITS): Problem[] {
  const over = limitProblem(resource, limits);
  return over === null ? validate(resource) : [over];
}
