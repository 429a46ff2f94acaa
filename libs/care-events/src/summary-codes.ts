import { isObject, type Loose, objectsOf, textOf } from './patient-reference.js';

/** Codes of a member that is a CodeableConcept, or a list of them. */
export function codesIn(value: unknown): string[] {
  return objectsOf(value).flatMap(({ coding }) => objectsOf(coding).flatMap(({ code }) => textOf(code) ?? []));
}

/**
 * What a concept means, to be compared with others: its codes with their systems, in any order. A code of no system is its
 * sender's own. Null where it has no code: words are not compared.
 */
export function meaningOf(concept: unknown, source: string): string | null {
  const codings = isObject(concept) ? objectsOf(concept['coding']) : [];
  const codes = codings.flatMap(({ system, code }) =>
    textOf(code) === undefined ? [] : [`${textOf(system) ?? `of ${source}`}|${String(code)}`],
  );
  return codes.length === 0 ? null : [...new Set(codes)].sort().join(' ');
}

/** The same for what tells two entries of one code apart (a specimen, a body site, a method): there other words are other things. */
export function distinctionOf(value: unknown, source: string): string {
  return objectsOf(value)
    .map((concept: Loose) => meaningOf(concept, source) ?? `“${textOf(concept['text']) ?? ''}”`)
    .sort()
    .join(', ');
}
