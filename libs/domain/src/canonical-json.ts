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

const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

function named(key: string): string {
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
