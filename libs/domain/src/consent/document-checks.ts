import type { Problem } from '../vocabulary.js';

/** What every part of a policy document is checked with. */

export function problem(field: string, message: string): Problem {
  return { field, code: 'invalid-policy', message };
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

export function isOneOf(value: unknown, allowed: readonly string[]): boolean {
  return typeof value === 'string' && allowed.includes(value);
}

/** A misspelt member must not pass for an absent one. */
export function unknownMembers(value: object, known: readonly string[], path: string): Problem[] {
  return Object.keys(value)
    .filter((member) => !known.includes(member))
    .map((member) => problem(path === '' ? member : `${path}.${member}`, `is no member here; ${known.join(', ')} are`));
}

/** A list, and each member of it by its place. `least` is 1 where an empty list would say nothing. */
export function listProblems(
  list: unknown,
  path: string,
  { isSound, are, least = 0 }: { isSound(item: unknown): boolean; readonly are: string; readonly least?: 0 | 1 },
): Problem[] {
  if (!Array.isArray(list)) return [problem(path, `is no list of ${are}`)];
  if (list.length < least) return [problem(path, `is empty: a list of ${are}`)];
  return list.flatMap((item: unknown, index) => (isSound(item) ? [] : [problem(`${path}[${index}]`, `is none of ${are}`)]));
}
