/** Resources have few different keys, which come again and again; so many of them are remembered as they are written. */
const NAMES_MAX = 4_096;
const names = new Map<string, string>();

/** Nothing in it that JSON would escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * Canonical JSON (RFC 8785): keys in the order of their UTF-16 code units, no white space, numbers as ECMAScript writes them.
 * Two equal values give the same characters, whatever order their keys came in. `undefined` members are left out.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += (text === '' ? '[' : ',') + canonicalJson(item);
    return text === '' ? '[]' : `${text}]`;
  }
  const object = value as Record<string, unknown>;
  for (const key of inOrder(Object.keys(object))) {
    const member = object[key];
    if (member !== undefined) text += (text === '' ? '{' : ',') + named(key) + canonicalJson(member);
  }
  return text === '' ? '{}' : `${text}}`;
}

/** A string as JSON writes it. */
export const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/** The name of a member as JSON writes it, with its colon. */
export function named(key: string): string {
  let name = names.get(key);
  if (name !== undefined) return name;
  name = `${quoted(key)}:`;
  if (names.size < NAMES_MAX) names.set(key, name);
  return name;
}

/** What was stored by us has its keys in order mostly. */
function inOrder(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index] as string) < (keys[index - 1] as string)) return keys.sort();
  }
  return keys;
}

/** Whether two values that JSON can hold have the same canonical form, without writing it. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  const one = a as Record<string, unknown>;
  const other = b as Record<string, unknown>;
  let members = 0;
  for (const key of Object.keys(one)) {
    if (one[key] === undefined) continue;
    if (!Object.hasOwn(other, key) || !sameJson(one[key], other[key])) return false;
    members += 1;
  }
  for (const key of Object.keys(other)) if (other[key] !== undefined) members -= 1;
  return members === 0;
}
