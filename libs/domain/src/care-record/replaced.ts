import { namesOf, namesReferredTo } from '../consent/facts.js';
import { isObject } from '../is-object.js';
import type { Resource } from '../vocabulary.js';
import type { Entry } from './entry.js';

/**
 * Names of the documents whose place one takes, as its references have them: FHIR R4, DocumentReference.relatesTo with the code `replaces`.
 * What appends to a document, transforms or signs it leaves that one where it is.
 */
export function namesReplaced({ resourceType, relatesTo }: Resource): readonly string[] {
  if (resourceType !== 'DocumentReference' || !Array.isArray(relatesTo)) return [];
  return relatesTo
    .filter(isObject)
    .flatMap(({ code, target }) => (code === 'replaces' && isObject(target) ? namesReferredTo(target) : []));
}

/** What a document was ever called, and what it ever replaced: a denial holds by either, whatever a later version leaves out. */
export function noteNames(entry: Entry, resource: Resource): void {
  entry.names = [...new Set([...(entry.names ?? []), ...namesOf(resource)])];
  const replaced = namesReplaced(resource);
  if (replaced.length > 0) entry.replaces = [...new Set([...(entry.replaces ?? []), ...replaced])];
}
