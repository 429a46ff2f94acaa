import { AUTHORITIES, isAuthority, isPurpose, nhsNumberProblem, PURPOSES, type Authority, type Purpose } from '@weft/domain';
import { ROLES, type Role } from '@weft/service';
import { InvalidArgumentError } from 'commander';

/** Readers of arguments, for commander: each gives the value or says what is wrong with it, without repeating an NHS number. */

/** `-` and `@<file>` stand for one that is read before the command begins. */
export function nhsNumber(text: string): string {
  if (text === '-' || /^@./.test(text)) return text;
  const digits = text.replace(/[ -]/g, '');
  const problem = nhsNumberProblem(digits);
  if (problem !== null) throw new InvalidArgumentError(`${problem}.`);
  return digits;
}

/** The argument of every command about one person. */
export const NHS_ARGUMENT = [
  '<nhs>',
  'NHS number; spaces do not matter; - asks or reads it from standard input, @FILE from a file',
  nhsNumber,
] as const;

/** An NHS number typed with its usual spaces, and without quotation marks, is one word and not three. */
export function joinNumbers(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const three = words.slice(index, index + 3).join(' ');
    const isNumber = /^\d{3} \d{3} \d{4}$/.test(three);
    joined.push(isNumber ? three : words[index]!);
    if (isNumber) index += 2;
  }
  return joined;
}

export function purpose(text: string): Purpose {
  if (isPurpose(text)) return text;
  throw new InvalidArgumentError(`It is none of ${PURPOSES.join(', ')}.`);
}

export const purposes = (text: string, previous: readonly Purpose[] = []): Purpose[] => [...previous, ...list(text).map(purpose)];

export function authority(text: string): Authority {
  if (isAuthority(text)) return text;
  throw new InvalidArgumentError(`It is none of ${AUTHORITIES.join(', ')}.`);
}

export const roles = (text: string, previous: readonly Role[] = []): Role[] => [...previous, ...list(text).map(role)];

function role(text: string): Role {
  const found = ROLES.find((known) => known === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It is none of ${ROLES.join(', ')}.`);
}

/** An ODS code, in capitals as they are written. */
export function ods(text: string): string {
  const code = text.toUpperCase();
  if (/^[A-Z0-9]{1,9}$/.test(code)) return code;
  throw new InvalidArgumentError('An ODS code is 1 to 9 letters and digits.');
}

export const odsList = (text: string, previous: readonly string[] = []): string[] => [...previous, ods(text)];

/** An option that may be given several times, or once with commas. */
export const texts = (text: string, previous: readonly string[] = []): string[] => [...previous, ...list(text)];
export const odsCodes = (text: string, previous: readonly string[] = []): string[] => [...previous, ...list(text).map(ods)];

const list = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

export function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is no whole number.');
}

/** A port; 0 lets the system choose. */
export function port(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

/** `90s`, `15m`, `8h`, `7d`; in seconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 }[unit ?? ''];
  if (count === undefined || seconds === undefined) throw new InvalidArgumentError('A duration is like 90s, 15m, 8h or 7d.');
  return Number(count) * seconds;
}

/** A date, or RFC 3339 with its offset, as it was typed. */
export function whenText(text: string): string {
  instant(text);
  return text;
}

/** RFC 3339, or a date, which is its beginning (UTC); milliseconds since 1970. */
export function instant(text: string): number {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const at = isDate || isTime ? Date.parse(text) : NaN;
  const isReal = !Number.isNaN(at) && new Date(Date.parse(text.slice(0, 10))).toISOString().startsWith(text.slice(0, 10));
  if (isReal) return at;
  throw new InvalidArgumentError('A time is like 2026-01-31 or 2026-01-31T09:30:00Z.');
}
