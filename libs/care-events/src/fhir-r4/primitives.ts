import { hasSecond, isCalendarDay } from '@weft/domain';
import { narrativeProblem } from './narrative.js';

/** A primitive type: what JSON has for it, and the sentence that says what is wrong with a value of the right kind. */
export interface Primitive {
  readonly json: 'string' | 'number' | 'boolean';
  readonly problem: (value: never) => string | null;
  /** A number without a fraction: R4 has it written in digits alone. */
  readonly isWhole?: true;
  /** What its text says beyond its form. */
  readonly rule?: (value: string) => string | null;
}

const STRING_MAX = 1_048_576;
const INTEGER_MAX = 2_147_483_647;

const DATE = /^(?!0000)\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?$/;
/** Zones differ by quarters of an hour, so a leap second of one of them ends such a quarter. */
const TIME = /^(?:[01]\d|2[0-3]):(?:[0-5]\d:[0-5]\d|(?:14|29|44|59):60)(?:\.\d+)?$/;
const INSTANT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))$/;
const ID = /^[A-Za-z0-9.-]{1,64}$/;
const CODE = /^\S+(?: \S+)*$/;
const OID = /^urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+$/;
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BASE64 = /^[A-Za-z0-9+/\s]*(?:=\s*){0,2}$/;

/** https://hl7.org/fhir/R4/datatypes.html#primitive */
export const PRIMITIVES: Readonly<Record<string, Primitive>> = {
  boolean: { json: 'boolean', problem: () => null },
  integer: whole((value) => (value | 0) === value, 'must be a whole number of 32 bits'),
  unsignedInt: whole(
    (value) => Number.isInteger(value) && value >= 0 && value <= INTEGER_MAX,
    'must be a whole number, 0 or above, of 31 bits',
  ),
  positiveInt: whole(
    (value) => Number.isInteger(value) && value > 0 && value <= INTEGER_MAX,
    'must be a whole number above 0, of 31 bits',
  ),
  decimal: number((value) => Number.isFinite(value), 'must be a number that a double holds'),
  string: string((value) => value.length <= STRING_MAX, `must not be longer than ${STRING_MAX} characters`),
  markdown: string((value) => value.length <= STRING_MAX, `must not be longer than ${STRING_MAX} characters`),
  elementId: string(
    (value) => !/\s/.test(value) && value.length <= STRING_MAX,
    `must have no white space, and no more than ${STRING_MAX} characters`,
  ),
  id: string((value) => ID.test(value), 'must be 1 to 64 letters, digits, hyphens and dots'),
  code: string((value) => CODE.test(value), 'must be a code: no white space but single spaces within'),
  uri: uri('must be a URI without white space'),
  url: uri('must be a URL without white space'),
  canonical: uri('must be a canonical URL without white space'),
  oid: string((value) => OID.test(value), 'must be an OID: urn:oid:, then numbers and dots'),
  uuid: string((value) => UUID.test(value), 'must be a UUID: urn:uuid:, then 32 hexadecimal digits in lower case with hyphens'),
  date: string((value) => DATE.test(value) && isDay(value), 'must be a date of the calendar: YYYY, YYYY-MM or YYYY-MM-DD'),
  dateTime: string(
    (value) => (value.length > 10 ? INSTANT.test(value) && hasSecond(value) : DATE.test(value)) && isDay(value),
    'must be a date of the calendar, or a date and time with seconds and time zone',
  ),
  instant: string(
    (value) => INSTANT.test(value) && hasSecond(value) && isDay(value),
    'must be a date and time with seconds and time zone',
  ),
  time: string((value) => TIME.test(value), 'must be a time: hh:mm:ss'),
  base64Binary: string(isBase64, 'must be base64'),
  xhtml: { json: 'string', problem: narrativeProblem },
};

function number(isRight: (value: number) => boolean, sentence: string): Primitive {
  return { json: 'number', problem: (value) => (isRight(value) ? null : sentence) };
}

function whole(isRight: (value: number) => boolean, sentence: string): Primitive {
  return { ...number(isRight, sentence), isWhole: true };
}

function string(isRight: (value: string) => boolean, sentence: string): Primitive {
  return { json: 'string', problem: (value: string) => (value === '' ? 'must not be empty' : isRight(value) ? null : sentence) };
}

function uri(sentence: string): Primitive {
  return { ...string((value) => !/\s/.test(value), sentence), rule: urnProblem };
}

function urnProblem(value: string): string | null {
  if (!value.startsWith('urn:')) return null;
  // Behind it, a version or a fragment.
  const [urn] = value.split(/[|#?]/, 1) as [string];
  if (urn.startsWith('urn:uuid:') && !UUID.test(urn)) return 'must have 32 hexadecimal digits in lower case behind urn:uuid:';
  return urn.startsWith('urn:oid:') && !OID.test(urn) ? 'must have numbers and dots behind urn:oid:' : null;
}

/** Every month has 28 days. */
function isDay(text: string): boolean {
  return text.length < 10 || text.slice(8, 10) <= '28' || isCalendarDay(+text.slice(0, 4), +text.slice(5, 7), +text.slice(8, 10));
}

/** White space may stand anywhere; what is left comes in fours. */
function isBase64(value: string): boolean {
  if (!BASE64.test(value)) return false;
  const length = /\s/.test(value) ? value.replace(/\s+/g, '').length : value.length;
  return length > 0 && length % 4 === 0;
}
