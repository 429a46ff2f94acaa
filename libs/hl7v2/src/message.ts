import { type Separators, separatorsOf, unescaped } from './escapes.js';

/** A place of a message that is read as text: undefined where the message ends before it, '' where it is empty, null where it is `""`. */
export type Value = string | null | undefined;

/** Bytes that a text names by `\X..\`, in the message's character set. */
export type DecodeBytes = (bytes: Uint8Array) => string;

/** What every place of one message is read with. */
interface Reading {
  readonly separators: Separators;
  readonly decode: DecodeBytes;
}

/** MSH-1 and MSH-2 are the separators themselves. */
const WHOLE: Reading = {
  separators: { field: '', component: '', repetition: '', escape: '', subcomponent: '', truncation: '' },
  decode: () => '',
};

const HEADERS = ['MSH', 'FHS', 'BHS'];

/** A field, one of its repetitions, a component or a subcomponent: split and decoded only when it is asked for. Counts begin at 1. */
abstract class Part {
  private parts: readonly string[] | undefined;

  constructor(
    /** As it was sent, undecoded; undefined where the message ends before it. */
    readonly raw: string | undefined,
    protected readonly reading: Reading,
  ) {}

  /** Of a simple type: what stands first of it. What a later version of HL7 adds to a type it adds behind. */
  abstract get value(): Value;

  /** All of it decoded, with the separators within: a free text of somebody who does not escape them. */
  get text(): Value {
    return this.raw === '""' ? null : this.raw === undefined ? undefined : unescaped(this.raw, this.reading);
  }

  /** Each part is split by one separator alone, and read many times. */
  protected split(by: string | undefined): readonly string[] {
    this.parts ??= this.raw === undefined ? [] : by === undefined || by === '' ? [this.raw] : this.raw.split(by);
    return this.parts;
  }

  /** Whether there is nothing in it to split by one of these: most places hold one plain text. */
  protected isWhole(...separators: readonly (string | undefined)[]): boolean {
    return separators.every((by) => !by || this.raw?.includes(by) !== true);
  }
}

export class Subcomponent extends Part {
  get value(): Value {
    return this.text;
  }
}

export class Component extends Part {
  get value(): Value {
    return this.isWhole(this.reading.separators.subcomponent) ? this.text : this.subcomponent(1).value;
  }

  get subcomponents(): readonly Subcomponent[] {
    return this.split(this.reading.separators.subcomponent).map((raw) => new Subcomponent(raw, this.reading));
  }

  subcomponent(number: number): Subcomponent {
    return new Subcomponent(this.split(this.reading.separators.subcomponent)[number - 1], this.reading);
  }
}

export class Repetition extends Part {
  get value(): Value {
    const { component, subcomponent } = this.reading.separators;
    return this.isWhole(component, subcomponent) ? this.text : this.component(1).value;
  }

  get components(): readonly Component[] {
    return this.split(this.reading.separators.component).map((raw) => new Component(raw, this.reading));
  }

  component(number: number): Component {
    return new Component(this.split(this.reading.separators.component)[number - 1], this.reading);
  }
}

/** Read as if it did not repeat it is its first repetition. */
export class Field extends Part {
  get value(): Value {
    return this.repetition(1).value;
  }

  /** None where the field is missing; an empty one is one repetition, which is empty. */
  get repetitions(): readonly Repetition[] {
    return this.split(this.reading.separators.repetition).map((raw) => new Repetition(raw, this.reading));
  }

  repetition(number: number): Repetition {
    return new Repetition(this.split(this.reading.separators.repetition)[number - 1], this.reading);
  }

  component(number: number): Component {
    return this.repetition(1).component(number);
  }
}

export class Segment {
  private fields: readonly string[] | undefined;

  constructor(
    readonly raw: string,
    /** Of a line break within a text comes a segment whose name is no name, but part of the text. */
    readonly name: string,
    /** Its place among the segments of its name in the message, from 1. */
    readonly index: number,
    private readonly reading: Reading,
  ) {}

  field(number: number): Field {
    this.fields ??= fieldsOf(this.raw, this.name, this.reading.separators.field);
    const isSeparators = number <= 2 && HEADERS.includes(this.name);
    return new Field(number < 1 ? undefined : this.fields[number], isSeparators ? WHOLE : this.reading);
  }
}

const nameOf = (raw: string, separator: string): string => (isHeader(raw) ? raw.slice(0, 3) : raw.split(separator, 1)[0]!);

function fieldsOf(raw: string, name: string, separator: string): readonly string[] {
  const fields = raw.split(separator);
  return HEADERS.includes(name) ? [name, raw.slice(3, 4), ...fields.slice(1)] : fields;
}

export class Message {
  constructor(
    /** In the order of the message; the first one is MSH. */
    readonly segments: readonly Segment[],
    readonly separators: Separators,
  ) {}

  /** MSH. */
  get header(): Segment {
    return this.segments[0]!;
  }

  /** MSH-9 as `ADT^A31`, however untidily it was written. */
  get type(): string {
    const type = this.header.field(9);
    return [1, 2].map((number) => type.component(number).value?.trim() ?? '').join('^');
  }

  all(name: string): readonly Segment[] {
    return this.segments.filter((segment) => segment.name === name);
  }

  first(name: string): Segment | undefined {
    return this.segments.find((segment) => segment.name === name);
  }
}

const decodeUtf8: DecodeBytes = (bytes) => new TextDecoder().decode(bytes);

/** MSH of the first message of a text; null where there is none. Nothing behind it is read. */
export function readHeader(text: string): Segment | null {
  const isMsh = ({ start }: Line): boolean => text.startsWith('MSH', start) && isHeader(text, start);
  const line = linesOf(text, isMsh).at(-1);
  if (line === undefined || !isMsh(line)) return null;
  const raw = text.slice(line.start, line.end);
  return new Segment(raw, 'MSH', 1, { separators: separatorsOf(raw), decode: decodeUtf8 });
}

/** The messages of a text, one for each MSH; what stands around them (a batch's headers and trailers) is left out. */
export function readMessages(text: string, decode: DecodeBytes = decodeUtf8): Message[] {
  return groupsOf(text)
    .filter(({ name }) => name === 'MSH')
    .map(({ lines }) =>
      messageOf(
        lines.map(({ start, end }) => text.slice(start, end)),
        decode,
      ),
    );
}

function messageOf(lines: readonly string[], decode: DecodeBytes): Message {
  const reading = { separators: separatorsOf(lines[0]!), decode };
  const counts = new Map<string, number>();
  const segments = lines.map((raw) => {
    const name = nameOf(raw, reading.separators.field);
    const index = (counts.get(name) ?? 0) + 1;
    counts.set(name, index);
    return new Segment(raw, name, index, reading);
  });
  return new Message(segments, reading.separators);
}

interface Line {
  readonly start: number;
  readonly end: number;
}

/** Lines that belong together: a message from its MSH on, or a batch's header or trailer. Without a name: before any of them. */
export interface Group {
  readonly name: string;
  readonly lines: readonly Line[];
}

const isHeader = (text: string, at = 0): boolean =>
  HEADERS.includes(text.slice(at, at + 3)) && /[^\s\w]/.test(text[at + 3] ?? '');
const isTrailer = (text: string, at: number): boolean =>
  text.startsWith('TS', at + 1) && /^[BF]TS\W?$/.test(text.slice(at, at + 4));

/** A trailer ends what is before it, and what follows it and is no header is no message's any more. */
export function groupsOf(text: string): Group[] {
  const groups: { name: string; lines: Line[] }[] = [];
  for (const line of linesOf(text)) {
    const begins = isHeader(text, line.start) || isTrailer(text, line.start);
    if (begins) groups.push({ name: text.slice(line.start, line.start + 3), lines: [line] });
    else if (groups.length === 0) groups.push({ name: '', lines: [line] });
    else groups.at(-1)!.lines.push(line);
  }
  return groups;
}

/**
 * Where each segment begins and ends, as far as the first that is enough. CR ends one; LF only where the next line begins as a segment does,
 * else it is text.
 */
function linesOf(text: string, isEnough: (line: Line) => boolean = () => false): Line[] {
  const lines: Line[] = [];
  const breaks = { cr: nextOf(text, '\r'), lf: nextOf(text, '\n') };
  let separator = '|';
  const end = text.length;
  for (let start = text.startsWith('\ufeff') ? 1 : 0; start < end;) {
    while (start < end && isBreak(text, start)) start += 1;
    if (isHeader(text, start)) separator = separatorsOf(text.slice(start, start + 9)).field;
    const until = endOfLine(text, start, separator, breaks);
    let last = until;
    while (last > start && isBreak(text, last - 1)) last -= 1;
    if (last > start && isEnough(lines[lines.push({ start, end: last }) - 1]!)) break;
    start = until + 1;
  }
  return lines;
}

const isBreak = (text: string, at: number): boolean => text[at] === '\r' || text[at] === '\n';

type Next = (from: number) => number;

/** Where a character stands next, or the end of the text: each stretch is searched once, for places asked for in their order. */
function nextOf(text: string, character: string): Next {
  let found = -1;
  return (from) => {
    if (found < from) found = text.indexOf(character, from);
    if (found < 0) found = text.length;
    return found;
  };
}

function endOfLine(text: string, from: number, separator: string, { cr, lf }: { readonly cr: Next; readonly lf: Next }): number {
  const end = cr(from);
  for (let at = lf(from); at < end; at = lf(at + 1)) {
    if (text[at + 4] === separator && /^[A-Z][A-Z0-9]{2}$/.test(text.slice(at + 1, at + 4))) return at;
  }
  return end;
}
