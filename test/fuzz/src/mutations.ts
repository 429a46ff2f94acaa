import type { Prng } from '@weft/testing';
import { FUZZED, type Json } from './specimens.js';

const MESSAGE_LIMIT_BYTES = 1_048_576;

/** Where in a value something stands: what holds it, and its name or index there. */
interface Place {
  readonly holder: Json[] | { [name: string]: Json };
  readonly at: string | number;
}

/** As JSON that was changed in a few places, as bytes: most often still JSON. */
export function mutated(prng: Prng, value: Json): Buffer {
  let changed = value;
  for (let times = prng.below(4); times > 0; times -= 1) {
    const next = structuredClone(changed);
    mutateValue(prng, next);
    if (charactersLeft(next, 2 * MESSAGE_LIMIT_BYTES) < 0) break;
    changed = next;
  }
  return mutateBytes(prng, JSON.stringify(changed));
}

/** What is left of so many characters once the value is written; below none as soon as that is so. */
function charactersLeft(value: Json, room: number): number {
  if (typeof value !== 'object' || value === null) return room - (typeof value === 'string' ? value.length : 4);
  let left = room - 2;
  for (const name in value) {
    if (left < 0) return left;
    left = charactersLeft(get(value, name), left - name.length);
  }
  return left;
}

function mutateValue(prng: Prng, value: Json): void {
  const places = placesIn(value);
  if (places.length === 0) return;
  const { holder, at } = prng.pick(places);
  const [there, other] = [get(holder, at), prng.pick(places)];
  prng.pick([
    () => set(holder, at, odd(prng)),
    () => set(holder, at, odd(prng)),
    () => remove(holder, at),
    () => set(holder, at, [there, there]),
    () => set(holder, at, { value: there }),
    () => set(holder, at, structuredClone(get(other.holder, other.at))),
    () => !Array.isArray(holder) && set(holder, prng.pick(NAMES), there),
    () => set(holder, at, many(prng, there)),
    () => typeof there === 'string' && set(holder, at, spoilt(prng, there)),
  ])();
}

function placesIn(value: Json): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const names: readonly (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return names.flatMap((at) => [{ holder: value, at }, ...placesIn(get(value, at))]);
}

const get = (holder: Place['holder'], at: string | number): Json => (holder as { [name: string]: Json })[at] as Json;
/** Also `__proto__` is a member like any other. */
const set = (holder: Place['holder'], at: string | number, value: Json): unknown =>
  Object.defineProperty(holder, at, { value, enumerable: true, configurable: true, writable: true });
const remove = (holder: Place['holder'], at: string | number): unknown =>
  Array.isArray(holder) ? holder.splice(Number(at), 1) : delete holder[at as string];

const NAMES = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '', 'resourceType', 'ResourceType', 'id', 'extension'],
  ...['modifierExtension', 'contained', 'meta', 'link', 'status', 'type', 'provision', '_status', '9990000018', 'a\u0000b'],
];

/** Lengths around the limits that there are, and beyond all of them. */
const LENGTHS = [0, 1, 2, 63, 64, 65, 100, 101, 1_000, 1_001, 14_200, 20_000, 20_001];

function many(prng: Prng, value: Json): Json {
  const text = JSON.stringify(value) ?? 'null';
  const room = Math.floor((MESSAGE_LIMIT_BYTES * 1.1) / (text.length + 1));
  return new Array<Json>(Math.min(prng.pick(LENGTHS), room)).fill(value);
}

const DATES = [
  ...['0000-00-00', '0001-01-01', '9999-12-31T23:59:60Z', '2026-02-30', '2026-13', '+275760-09-13', '-1', '2026-01-01T24:00:00Z'],
  ...[
    '2026-03-29T01:30:00',
    '1582-10-10',
    '2026',
    '2026-01-01T10:00:00.123456789Z',
    '2026-01-01T10:00:00+99:99',
    'now',
    ' 2026-01-01',
  ],
];
const TEXTS = [
  ...[
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\udfff\ud800',
    '\ufeff',
    '\u202e',
    '😀',
    'entered-in-error',
    'null',
    '../../etc',
    '#',
    '#r',
    'Patient/1',
  ],
  ...[
    'urn:uuid:',
    'urn:ods:RX901',
    'urn:ods:ZZ9',
    'urn:weft:governance',
    'urn:weft:purpose',
    'permit',
    'deny',
    '<div>',
    '[object Object]',
  ],
];
const NUMBERS = [0, -0, -1, 0.1, 1e20, 1e-320, 1.7976931348623157e308, 2 ** 53, 2 ** 31, 2 ** 63];

function odd(prng: Prng): Json {
  return prng.pick<() => Json>([
    () => null,
    () => prng.chance(0.5),
    () => [],
    () => ({}),
    () => prng.pick(NUMBERS),
    () => prng.pick(DATES),
    () => prng.pick(TEXTS),
    () => prng.pick(FUZZED),
    () => many(prng, {}),
    () => many(prng, prng.pick(NUMBERS)),
    () => nested(prng.pick([2, 8, 9, 30, 60, 64, 65, 200]), prng.chance(0.5)),
    () =>
      prng
        .pick(['x', 'é', '€', '\u0001', '\ud800'])
        .repeat(prng.pick([100, 300, 5_000, 100_001, prng.chance(0.2) ? 330_000 : 10])),
    () => Object.fromEntries(Array.from({ length: prng.pick([3, 200, 5_000]) }, (_, index) => [`m${index}`, null])),
  ])();
}

function nested(depth: number, asLists: boolean): Json {
  let value: Json = 'deep';
  for (let level = 0; level < depth; level += 1) value = asLists ? [value] : { provision: value, type: 'deny' };
  return value;
}

function spoilt(prng: Prng, text: string): string {
  const at = prng.below(text.length + 1);
  return `${text.slice(0, at)}${prng.pick(TEXTS)}${text.slice(at + prng.below(2))}`;
}

function mutateBytes(prng: Prng, text: string): Buffer {
  const bytes = Buffer.from(text);
  const at = prng.below(bytes.length + 1);
  const insert = (...octets: number[]): Buffer => Buffer.concat([bytes.subarray(0, at), Buffer.from(octets), bytes.subarray(at)]);
  if (prng.chance(0.6)) return bytes;
  return prng.pick<() => Buffer>([
    () => bytes.subarray(0, at),
    () => insert(0xff),
    () => insert(0xc3),
    () => insert(0xed, 0xa0, 0x80),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
    () => Buffer.from(text.replace('{', '{"resourceType":"Consent","resourceType":"Patient","id":"1",')),
    () => Buffer.from(text.replace(':', `:${'['.repeat(5_000)}${']'.repeat(5_000)},"x":`)),
    () => Buffer.from(text.replace('{', '{"__proto__":{"status":"active"},')),
    () => Buffer.from(text.replace(/"(\w+)":/g, prng.chance(0.5) ? '"$1" : ' : '"$1":\n\t')),
    () =>
      Buffer.from(
        text.replace(/:"[^"]*"/, prng.pick([':1e999', ':-0', ':NaN', ':01', ':1e400', ':"\\ud800"', ':"\\u0000"', ":''"])),
      ),
    () => Buffer.concat([bytes, Buffer.from(prng.pick([',', '}', ' {}', '\u0000', '//']))]),
    () => filled(bytes, MESSAGE_LIMIT_BYTES - prng.pick([0, 1, 300, 600, 2_000, 40_000, 65_000, 66_000])),
  ])();
}

/** So long in bytes, by white space at its end or, in earnest, by a text in it. */
function filled(bytes: Buffer, length: number): Buffer {
  const room = Math.max(0, length - bytes.length);
  const text = bytes.toString();
  const inText = text.replace(/"text":"/, () => `"text":"${'x'.repeat(Math.max(0, room))}`);
  return Buffer.from(inText === text ? text + ' '.repeat(room) : inText);
}

/** The embedded bus takes no others. */
const HEADER_TEXTS = [...TEXTS.filter((text) => !/[\0\p{Cs}]/u.test(text)), 'a'.repeat(300), 'ü', '%ff', '"quoted', '9990000018'];

/** The headers of a message, of which a few were left out, spoilt or added. */
export function mutatedHeaders(prng: Prng, headers: Readonly<Record<string, string>>): Record<string, string> {
  const changed: Record<string, string> = { ...headers };
  for (let times = prng.chance(0.6) ? 0 : prng.between(1, 3); times > 0; times -= 1) {
    const name = prng.pick([...Object.keys(changed), ...ODD_HEADERS]);
    if (prng.chance(0.3)) delete changed[name];
    else set(changed, name, prng.chance(0.05) ? 'h'.repeat(prng.pick([8_000, 40_000])) : prng.pick(HEADER_TEXTS));
  }
  return changed;
}

const ODD_HEADERS = [
  ...[
    'weft-validated',
    'weft-recorder',
    'weft-accepted',
    'weft-sent',
    'weft-if-match',
    'weft-mends',
    'content-type',
    'CE_ID',
    '__proto__',
    'ce_dataschema',
  ],
  ...['weft-unreadable', 'closes', 'about', 'tombstone', ''],
];
