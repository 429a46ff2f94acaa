/** Names the place of a member, or of the whole part. */
export type Place = (member?: string) => string;

/** The head of a manifest or one of its items, as it was written. */
export interface Part {
  readonly isHead: boolean;
  /** Line, from 1; of a JSON document the item, from 0. */
  readonly at: number;
  readonly place: Place;
  readonly members: Readonly<Record<string, unknown>>;
  /** Why it could not be read. */
  readonly fault?: string;
}

const LINE_BYTES_MAX = 64 * 1024;
/** A document is held whole, so it is bounded: lines are not. */
const DOCUMENT_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The parts of a manifest, the head first, one after the other: JSON lines, CSV, or one JSON document, told apart by how it begins. */
export async function* partsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  const lines = linesOf(chunks);
  const { value: first, done } = await lines.next();
  if (done === true) return;
  const form = formOf(first.text);
  const all = resumed(first, lines);
  if (form === 'document') yield* inDocument(all);
  else if (form === 'lines') yield* inLines(all);
  else yield* inCsv(all);
}

interface Line {
  /** From 1. */
  readonly line: number;
  /** Null where it is no UTF-8, or longer than a line may be. */
  readonly text: string | null;
  readonly fault?: string;
}

async function* resumed(first: Line, rest: AsyncGenerator<Line>): AsyncGenerator<Line> {
  yield first;
  yield* rest;
}

function formOf(first: string | null): 'lines' | 'document' | 'csv' {
  if (first?.startsWith('{') !== true) return 'csv';
  const object = parsed(first);
  return object === undefined || 'items' in object ? 'document' : 'lines';
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Lines that are not blank, without the space around them and the byte order mark that some systems put first. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let held: Uint8Array[] = [];
  let size = 0;
  let line = 1;
  let limit = DOCUMENT_BYTES_MAX;
  const take = (last: Uint8Array): Line | null => {
    const fault = size + last.length > limit ? `is longer than ${limit} bytes` : undefined;
    const text = fault === undefined ? textOf(Buffer.concat([...held, last])) : null;
    held = [];
    size = 0;
    const at = line++;
    if (text === '') return null;
    // A document may begin, and end, in the first line.
    limit = LINE_BYTES_MAX;
    return { line: at, text, ...(text === null && { fault: fault ?? 'is not UTF-8' }) };
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const taken = take(chunk.subarray(start, end));
      if (taken !== null) yield taken;
      start = end + 1;
    }
    size += chunk.length - start;
    if (size <= limit) held.push(Buffer.from(chunk.subarray(start)));
  }
  const taken = size > 0 ? take(new Uint8Array()) : null;
  if (taken !== null) yield taken;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes).trim();
  } catch {
    return null;
  }
}

const onLine =
  (line: number): Place =>
  (member) =>
    member === undefined ? `line ${line}` : `line ${line}, ${member}`;

async function* inLines(lines: AsyncIterable<Line>): AsyncGenerator<Part> {
  let isHead = true;
  for await (const { line, text, fault } of lines) {
    const members = text === null ? undefined : parsed(text);
    const why = fault ?? (members === undefined ? 'is no JSON object' : undefined);
    yield { isHead, at: line, place: onLine(line), members: members ?? {}, ...(why !== undefined && { fault: why }) };
    isHead = false;
  }
}

async function* inDocument(lines: AsyncIterable<Line>): AsyncGenerator<Part> {
  const texts: string[] = [];
  let size = 0;
  const whole: Place = (member) => member ?? '';
  for await (const { text, fault } of lines) {
    size += text?.length ?? 0;
    const why =
      fault ?? (size > DOCUMENT_BYTES_MAX ? `is a document above ${DOCUMENT_BYTES_MAX} bytes: send lines, or CSV` : undefined);
    if (why !== undefined) return yield { isHead: true, at: 0, place: whole, members: {}, fault: why };
    texts.push(text!);
  }
  const { items, ...head } = parsed(texts.join('\n')) ?? {};
  const fault = Array.isArray(items) ? undefined : 'is neither JSON lines nor a JSON document with a list `items`';
  yield { isHead: true, at: 0, place: whole, members: head, ...(fault !== undefined && { fault }) };
  for (const [at, item] of (Array.isArray(items) ? (items as unknown[]) : []).entries()) {
    const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
    const place: Place = (member) => (member === undefined ? `items[${at}]` : `items[${at}].${member}`);
    const members = isObject ? (item as Record<string, unknown>) : {};
    yield { isHead: false, at, place, members, ...(!isObject && { fault: 'is no object' }) };
  }
}

/** The names of the head and below them its values, the names of the columns, and a row an item. */
async function* inCsv(lines: AsyncIterable<Line>): AsyncGenerator<Part> {
  let names: readonly string[] | null = null;
  let expects: 'head names' | 'head' | 'columns' | 'item' = 'head names';
  for await (const { line, text, fault } of lines) {
    const place = onLine(line);
    const cells = text === null ? null : cellsIn(text);
    const why = fault ?? (cells === null ? 'holds a quotation mark that nothing closes' : surplusOf(names, cells));
    if (why !== undefined || cells === null) {
      yield { isHead: expects.startsWith('head'), at: line, place, members: {}, fault: why ?? 'cannot be read' };
    } else if (names === null) {
      names = cells;
      expects = expects === 'head names' ? 'head' : 'item';
    } else {
      const members = Object.fromEntries(names.flatMap((name, index) => (cells[index] ? [[name, cells[index]]] : [])));
      yield { isHead: expects === 'head', at: line, place, members };
      if (expects === 'head') [names, expects] = [null, 'columns'];
    }
  }
}

const surplusOf = (names: readonly string[] | null, cells: readonly string[]): string | undefined =>
  names !== null && cells.length > names.length ? `has ${cells.length} columns, and ${names.length} have a name` : undefined;

/** RFC 4180, a record a line. Null where a quoted cell is not closed. */
function cellsIn(text: string): string[] | null {
  if (!text.includes('"')) return text.split(',').map((cell) => cell.trim());
  const cells: string[] = [];
  for (let rest = text; ;) {
    const [whole, quoted, plain] = /^\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(?=,|$)/.exec(rest) ?? [];
    if (whole === undefined) return null;
    cells.push(quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"'));
    if (whole.length === rest.length) return cells;
    rest = rest.slice(whole.length + 1);
  }
}
