import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import type { Reading } from '@weft/processing';
import { markedBy, mayImitateMarks, parseWithDigits } from '@weft/domain';
import type { Problem } from '@weft/domain';
import { foreignText } from './foreign-text.js';
import { jsonErrorPosition } from './json-error-position.js';
import { nameShown, problem } from './problems.js';
import { membersIn, repeatedMember } from './json-members.js';

/** FHIR nests a dozen levels in earnest; whatever walks a resource later may then recurse without fear for its stack. */
export const JSON_DEPTH_MAX = 64;

/**
 * Reads bytes that anybody may have sent: above the limit, not UTF-8, not JSON (and where), nested too deep, with a number that
 * no double holds or a `__proto__` key. Never throws. `field` is what problems are told about.
 */
export function readJson(bytes: Uint8Array, field: string, limitBytes?: number): Reading<unknown> {
  const reading = readText(bytes, field, limitBytes);
  return reading.ok ? { ok: true, event: reading.event.value } : reading;
}

/** The same of what holds FHIR: its numbers keep their digits, and nobody else says what those were. */
export function readFhirJson(bytes: Uint8Array, field: string, limitBytes?: number): Reading<unknown> {
  const reading = readText(bytes, field, limitBytes);
  if (!reading.ok) return reading;
  const { text, value } = reading.event;
  const imitation = mayImitateMarks(text) ? memberOfMark(value, field) : null;
  return imitation === null ? { ok: true, event: parseWithDigits(text, value) } : { ok: false, problems: [imitation] };
}

function readText(
  bytes: Uint8Array,
  field: string,
  limitBytes: number = MESSAGE_LIMIT_BYTES,
): Reading<{ readonly text: string; readonly value: unknown }> {
  const refuse = (code: string, message: string): Reading<never> => ({ ok: false, problems: [problem(field, code, message)] });
  if (bytes.length > limitBytes) return refuse('too-large', `${bytes.length} bytes are above the limit of ${limitBytes}`);
  const { deepAt, members } = outlineOf(bytes);
  if (deepAt !== null) return refuse('too-deep', `nested deeper than ${JSON_DEPTH_MAX} levels at byte ${deepAt}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('not-utf-8', 'the bytes are not UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('not-json', notJson(text));
  }
  const unfit = hasUnfit(value) ? unfitMember(value, field) : null;
  if (unfit !== null) return { ok: false, problems: [unfit] };
  return membersIn(value) === members
    ? { ok: true, event: { text, value } }
    : { ok: false, problems: [repeatedMember(bytes, field)] };
}

/** The member that stands twice in one object of the JSON that the bytes are, whose value is known; null where there is none. */
export function repeatedMemberOf(bytes: Uint8Array, value: unknown, field: string): Problem | null {
  return membersIn(value) === outlineOf(bytes).members ? null : repeatedMember(bytes, field);
}

/** Characters count from 0; lines, where there are several, from 1 as editors have them. */
function placeIn(text: string, at: number): string {
  const line = text.slice(0, at).split('\n').length;
  return line === 1 ? `character ${at}` : `character ${at}, in line ${line}`;
}

/** What people send in earnest that is no JSON is told for what it is. */
function notJson(text: string): string {
  const foreign = foreignText(text);
  if (foreign !== null) return `${foreign.what}, not JSON: Weft takes FHIR R4 JSON; ${foreign.then}`;
  const at = jsonErrorPosition(text);
  return `not JSON${at < text.length ? '' : ': it ends too early,'} at ${placeIn(text, at)}`;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Where brackets, outside strings, first stand too deep, or null; and else how many members there are, each with its colon. */
function outlineOf(bytes: Uint8Array): { readonly deepAt: number | null; readonly members: number } {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === COLON) members += 1;
    else if (OPENING.has(byte)) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) return { deepAt: at, members };
    } else if (CLOSING.has(byte)) depth -= 1;
  }
  return { deepAt: null, members };
}

/** The closing quote of the string that opens at `at`, or the end of the bytes. */
function endOfString(bytes: Uint8Array, at: number): number {
  for (let next = at + 1; next < bytes.length; next += 1) {
    if (bytes[next] === BACKSLASH) next += 1;
    else if (bytes[next] === QUOTE) return next;
  }
  return bytes.length;
}

/**
 * The bytes between the commas of the outermost array or object, as they were sent: what is inside is stepped over, not
 * checked. Null where the bytes are no single array or object that is closed at its end.
 */
export function jsonParts(bytes: Uint8Array, bracket: '[' | '{'): Uint8Array[] | null {
  const parts: Uint8Array[] = [];
  const first = firstByte(bytes);
  let depth = 0;
  let start = first + 1;
  if (bytes[first] !== bracket.charCodeAt(0)) return null;
  for (let at = first; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (OPENING.has(byte)) depth += 1;
    else if (byte === COMMA && depth === 1) {
      parts.push(bytes.subarray(start, at));
      start = at + 1;
    } else if (CLOSING.has(byte)) {
      depth -= 1;
      if (depth > 0) continue;
      parts.push(bytes.subarray(start, at));
      return bytes.subarray(at + 1).every(isSpace) ? withoutEmptyOnly(parts) : null;
    }
  }
  return null;
}

/** The bytes of a member's value within the object that `bytes` hold (known to be JSON); of several the last, as JSON.parse. */
export function memberBytes(bytes: Uint8Array, name: string): Uint8Array | null {
  let found: Uint8Array | null = null;
  for (const part of jsonParts(bytes, '{') ?? []) {
    const opens = part.indexOf(QUOTE);
    const closes = endOfString(part, opens);
    if (JSON.parse(new TextDecoder().decode(part.subarray(opens, closes + 1))) !== name) continue;
    found = trimmed(part.subarray(part.indexOf(COLON, closes) + 1));
  }
  return found;
}

/** Where the text begins: behind a byte order mark, which decoding drops, and white space. */
function firstByte(bytes: Uint8Array): number {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (at < bytes.length && isSpace(bytes[at]!)) at += 1;
  return at;
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1]!)) end -= 1;
  return bytes.subarray(firstByte(bytes), end);
}

function withoutEmptyOnly(parts: Uint8Array[]): Uint8Array[] {
  return parts.length === 1 && parts[0]!.every(isSpace) ? [] : parts;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The first member that JSON allows and nobody should send on. Depth is bounded by now. */
function unfitMember(value: unknown, path: string): Problem | null {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return problem(path, 'number-too-large', 'a number that no double holds');
  }
  if (value === null || typeof value !== 'object') return null;
  for (const key in value) {
    const inside = Array.isArray(value) ? `${path}[${key}]` : `${path}.${nameShown(key)}`;
    if (key === '__proto__') return problem(inside, 'forbidden-key', 'a key that would change what an object is');
    const unfit = unfitMember((value as Record<string, unknown>)[key], inside);
    if (unfit !== null) return unfit;
  }
  return null;
}

/** The first member that has the name of a mark. */
function memberOfMark(value: unknown, path: string): Problem | null {
  if (value === null || typeof value !== 'object') return null;
  for (const key in value) {
    const inside = Array.isArray(value) ? `${path}[${key}]` : `${path}.${nameShown(key)}`;
    if (markedBy(key) !== undefined) return problem(inside, 'forbidden-key', 'a key by which Weft notes the digits of a number');
    const found = memberOfMark((value as Record<string, unknown>)[key], inside);
    if (found !== null) return found;
  }
  return null;
}

/** Whether there is one: where it is, which takes names, is asked only then. */
function hasUnfit(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasUnfit);
  for (const key in value) if (key === '__proto__' || hasUnfit((value as Record<string, unknown>)[key])) return true;
  return false;
}
