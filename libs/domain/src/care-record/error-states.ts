import { isObject } from '../is-object.js';
import type { Resource } from '../vocabulary.js';
import { ERROR_STATE_PLACES } from './error-state-places.js';

const IN_ERROR = 'entered-in-error';

const places: ReadonlyMap<string, readonly string[]> = new Map(
  ERROR_STATE_PLACES.trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([type = '', ...elements]) => [type, elements]),
);

/** Whether a resource says of itself that it is no fact, in any element in which R4 lets one of its type say so. */
export function isEnteredInError(resource: Resource): boolean {
  return (places.get(resource.resourceType) ?? []).some((element) => saysInError(resource[element]));
}

/** A code, or a CodeableConcept of which one coding is enough. */
function saysInError(value: unknown): boolean {
  if (!isObject(value)) return value === IN_ERROR;
  const { coding } = value;
  return Array.isArray(coding) && coding.some((one: unknown) => isObject(one) && one['code'] === IN_ERROR);
}
