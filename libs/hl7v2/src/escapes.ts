/** What divides a message, as its header says. */
export interface Separators {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly escape: string;
  /** Absent where the header ends before it: such a sender's `&` is text. */
  readonly subcomponent: string | undefined;
  readonly truncation: string;
}

const USUAL = '^~\\&';

/** Of a header segment (MSH, FHS, BHS). What MSH-2 leaves out is the usual one, but for the subcomponent's. */
export function separatorsOf(header: string): Separators {
  const field = header[3] ?? '|';
  const marks = /^[^\r\n]*/.exec(header.slice(4).split(field, 1)[0]!)![0];
  const [component, repetition, escape, subcomponent, truncation] = marks === '' ? USUAL : marks;
  return {
    field,
    component: component ?? '^',
    repetition: repetition ?? '~',
    escape: escape ?? '\\',
    subcomponent,
    truncation: truncation ?? '#',
  };
}

const SEQUENCES = 'F|S|T|R|E|P|H|N|\\.(?:br|BR)|\\.sp\\d{0,2}|C[0-9A-F]{4}|M[0-9A-F]{4,6}|Z\\w*';
const BACKSLASHED = patternOf('\\');

/** Escape sequences; several `X..` in a row are one, since a character may be cut in two. */
function patternOf(escape: string): RegExp {
  const mark = escape.replace(/[^\w\s]/g, '\\$&');
  return new RegExp(`(?:${mark}X(?:[0-9A-Fa-f]{2})+${mark})+|${mark}(?:${SEQUENCES})${mark}`, 'g');
}

interface Reading {
  readonly separators: Separators;
  readonly decode: (bytes: Uint8Array) => string;
}

/** The text with its escape sequences put in words. One that is none (`C:\temp\`) is text. */
export function unescaped(raw: string, { separators, decode }: Reading): string {
  const { escape } = separators;
  if (escape === '' || !raw.includes(escape)) return raw;
  return raw.replace(escape === '\\' ? BACKSLASHED : patternOf(escape), (sequence) => meaningOf(sequence, separators, decode));
}

function meaningOf(sequence: string, separators: Separators, decode: Reading['decode']): string {
  const { length } = separators.escape;
  const body = sequence.slice(length, -length);
  switch (body[0]) {
    case 'F':
      return separators.field;
    case 'S':
      return separators.component;
    case 'T':
      return separators.subcomponent ?? '&';
    case 'R':
      return separators.repetition;
    case 'E':
      return separators.escape;
    case 'P':
      return separators.truncation;
    case 'H':
    case 'N':
      return '';
    case 'X':
      return decode(bytesOf(sequence));
    case '.':
      return '\n'.repeat(Math.max(1, Number(/\d+/.exec(body)?.[0] ?? 1)));
    default:
      return sequence;
  }
}

const bytesOf = (sequences: string): Uint8Array =>
  Uint8Array.from(sequences.match(/[0-9A-Fa-f]{2}/g) ?? [], (digits) => Number.parseInt(digits, 16));
