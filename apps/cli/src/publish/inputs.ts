import { isUtf8 } from 'node:buffer';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readJson, repeatedMemberOf } from '@weft/care-events';
import { jsonWithDigits, mayImitateMarks, parseWithDigits } from '@weft/domain';
import { failureAt } from '../failure.js';
import { requestsOfLargeBundle } from './bundle.js';
import { foreignFormat } from './foreign.js';
import { JsonSplitter, NotSplittable } from './json-splitter.js';
import { byEntry, EventBatches, fhirRequest, type LocalRefusal, type PublishRequest, refusal, type Where } from './requests.js';

export type Outgoing = PublishRequest | LocalRefusal;

/** Items of one batch, and bytes of one request. */
const BATCH_ITEMS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** A document up to here goes as it is; a line may be so long. */
const WHOLE_BYTES = 8 * 1024 * 1024;
const LINE_BYTES_MAX = 32 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface Read {
  /** Bytes read so far; of a file read twice, those of the second time. */
  readonly onBytes: (bytes: number) => void;
}

/** What of a file, or of standard input for `-`, is to be sent, in its order. Throws Failure where it cannot be read. */
export async function* requestsOf(file: string, stdin: NodeJS.ReadableStream, read: Read): AsyncGenerator<Outgoing> {
  if (file === '-') return yield* requestsOfStream(stdin as AsyncIterable<Buffer>, 'standard input', read);
  try {
    yield* requestsOfStream(createReadStream(file, { highWaterMark: 256 * 1024 }), file, read, file);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : failureAt(error, file);
  }
}

/** JSON lines, or one document: told apart by whether the first line is whole. */
async function* requestsOfStream(
  stream: AsyncIterable<Buffer>,
  file: string,
  read: Read,
  path?: string,
): AsyncGenerator<Outgoing> {
  const chunks = stream[Symbol.asyncIterator]();
  const { bytes: head, ended } = await firstLine(chunks);
  const unusable = whyUnusable(head, ended, path);
  if (unusable !== null) {
    await chunks.return?.();
    return yield refusal({ file }, ...unusable);
  }
  const rest = (async function* () {
    if (head.length > 0) yield head;
    while (!ended) {
      const { value, done } = await chunks.next();
      if (done === true) return;
      yield value;
    }
  })();
  if (/\.(ndjson|jsonl)$/i.test(file) || isWholeLine(head)) return yield* requestsOfLines(rest, file, read);
  if (path !== undefined) {
    await chunks.return?.();
    return yield* requestsOfDocument(path, file, read);
  }
  // A document may have to be read twice, which a pipe cannot.
  const directory = await mkdtemp(join(tmpdir(), 'weft-publish-'));
  try {
    const copy = join(directory, 'input.json');
    await pipeline(rest, createWriteStream(copy, { mode: 0o600 }));
    yield* requestsOfDocument(copy, file, read);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function whyUnusable(head: Buffer, ended: boolean, path: string | undefined): [code: string, message: string] | null {
  if (ended && trimmed(head).length === 0) return ['empty', path === undefined ? 'nothing came' : EMPTY];
  const foreign = foreignFormat(head);
  return foreign === null ? null : ['unknown-format', foreign];
}

/** Enough to hold the first line that is not blank, or as much as a document may have that goes as it is. */
async function firstLine(chunks: AsyncIterator<Buffer>): Promise<{ readonly bytes: Buffer; readonly ended: boolean }> {
  const held: Buffer[] = [];
  let size = 0;
  let hasContent = false;
  for (;;) {
    const { value, done } = await chunks.next();
    if (done === true) return { bytes: Buffer.concat(held), ended: true };
    held.push(value);
    size += value.length;
    const bytes: Buffer = hasContent ? value : Buffer.concat(held);
    const begins = bytes.findIndex((byte) => byte > 0x20);
    hasContent ||= begins >= 0;
    if (size > WHOLE_BYTES || (hasContent && bytes.indexOf(NEWLINE, Math.max(0, begins)) >= 0)) {
      return { bytes: Buffer.concat(held), ended: false };
    }
  }
}

function isWholeLine(head: Buffer): boolean {
  const line = head.toString('utf8').trimStart().split('\n', 1)[0] as string;
  return typeof parsed(line) === 'object' && !line.startsWith('[');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function* requestsOfLines(stream: AsyncIterable<Buffer>, file: string, read: Read): AsyncGenerator<Outgoing> {
  const batches = new EventBatches(BATCH_ITEMS, BATCH_BYTES);
  let isEmpty = true;
  for await (const { line, bytes, tooLong } of linesOf(stream, read)) {
    const where = { file, line };
    isEmpty &&= bytes.length === 0 && !tooLong;
    if (tooLong) yield refusal(where, 'too-large', `the line is above ${LINE_BYTES_MAX} bytes`);
    else if (bytes.length > 0) yield* requestsOfItem(bytes, where, batches);
  }
  yield* batches.flush();
  if (isEmpty) yield refusal({ file }, 'empty', EMPTY);
}

const EMPTY = 'the file is empty';

/** One event into its batch; a FHIR document by itself, behind the events before it. */
function* requestsOfItem(bytes: Buffer, where: Where, batches: EventBatches): Generator<Outgoing> {
  const value = parsed(bytes.toString('utf8'));
  if (value === undefined) return yield refusal(where, 'not-json', `this is ${whereNotJson(bytes)}`);
  const item = (value ?? {}) as { specversion?: unknown; resourceType?: unknown; type?: unknown; entry?: unknown };
  if (item.resourceType !== undefined && item.specversion === undefined) {
    if (isEmptyBundle(item)) return yield refusal(where, 'empty', 'the Bundle has no entry: there is nothing in it to publish');
    yield* batches.flush();
    return yield fhirRequest(asBatch(bytes, item), where, item.resourceType === 'Bundle');
  }
  if (item.specversion !== undefined) return yield* batches.add(bytes, where);
  yield refusal(where, 'unknown-format', 'neither a CloudEvent (specversion) nor FHIR (resourceType)');
}

/** As it came wherever that is sent by entry already, or has what is to be refused where it is read, and would be lost in writing it anew. */
function asBatch(bytes: Buffer, item: { readonly resourceType?: unknown; readonly type?: unknown }): Buffer {
  if (item.resourceType !== 'Bundle' || item.type !== 'transaction') return bytes;
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes) || mayImitateMarks(text) || repeatedMemberOf(bytes, item, '') !== null) return bytes;
  return Buffer.from(jsonWithDigits({ ...(parseWithDigits(text) as object), type: byEntry('transaction') }));
}

function isEmptyBundle({ resourceType, entry = [] }: { readonly resourceType?: unknown; readonly entry?: unknown }): boolean {
  return resourceType === 'Bundle' && Array.isArray(entry) && entry.length === 0;
}

function whereNotJson(bytes: Buffer): string {
  const reading = readJson(bytes, '', LINE_BYTES_MAX);
  return reading.ok ? 'not JSON' : reading.problems[0]!.message;
}

/** Lines count from 1. */
async function* linesOf(stream: AsyncIterable<Buffer>, read: Read) {
  let held: Buffer[] = [];
  let size = 0;
  let line = 1;
  let total = 0;
  const take = (last: Buffer) => {
    const tooLong = size + last.length > LINE_BYTES_MAX;
    const bytes = tooLong ? Buffer.alloc(0) : trimmed(Buffer.concat([...held, last]));
    held = [];
    size = 0;
    return { line: line++, bytes, tooLong };
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield take(chunk.subarray(start, end));
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    size += rest.length;
    if (size <= LINE_BYTES_MAX) held.push(Buffer.from(rest));
    total += chunk.length;
    read.onBytes(total);
  }
  if (size > 0) yield take(Buffer.alloc(0));
}

/** Without the byte order mark that some systems put first. */
const unmarked = (bytes: Buffer): Buffer => bytes.subarray(bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0);

/** Without that, and without the space around it. */
function trimmed(marked: Buffer): Buffer {
  const bytes = unmarked(marked);
  let start = 0;
  let end = bytes.length;
  while (start < end && bytes[start]! <= 0x20) start += 1;
  while (end > start && bytes[end - 1]! <= 0x20) end -= 1;
  return bytes.subarray(start, end);
}

/** One JSON document of any size: a Bundle, a resource, an event, or a list of events. */
async function* requestsOfDocument(path: string, file: string, read: Read): AsyncGenerator<Outgoing> {
  const { size } = await stat(path);
  const where = { file };
  const batches = new EventBatches(BATCH_ITEMS, BATCH_BYTES);
  try {
    const first = await firstByteOf(path);
    if (first === '[') yield* requestsOfList(path, file, batches, read);
    else if (size > WHOLE_BYTES) yield* requestsOfLargeBundle(path, file, read.onBytes);
    else yield* requestsOfItem(unmarked(await wholeOf(path)), where, batches);
    yield* batches.flush();
  } catch (error) {
    if (!(error instanceof NotSplittable)) throw error;
    yield refusal(where, 'not-json', error.message);
  }
  read.onBytes(size);
}

async function* requestsOfList(path: string, file: string, batches: EventBatches, read: Read): AsyncGenerator<Outgoing> {
  const splitter = new JsonSplitter('', LINE_BYTES_MAX);
  let total = 0;
  let elements = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    for (const part of splitter.push(chunk)) {
      if (part.kind !== 'element') continue;
      elements += 1;
      yield* requestsOfItem(part.bytes, { file, entry: part.index }, batches);
    }
    total += chunk.length;
    read.onBytes(total);
  }
  splitter.finish();
  if (elements === 0) yield refusal({ file }, 'empty', 'the list is empty: there is nothing in it to publish');
}

async function firstByteOf(path: string): Promise<string> {
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const text = chunk
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart();
    if (text !== '') return text[0] as string;
  }
  return '';
}

async function wholeOf(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
