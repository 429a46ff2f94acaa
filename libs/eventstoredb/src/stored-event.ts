import type { Position, RecordedEvent } from '@eventstore/db-client';
import {
  APPEND_LIMIT_BYTES,
  EngineDamaged,
  InvalidCall,
  NO_STREAM,
  TooLarge,
  type NewEvent,
  type StoredEvent,
} from '@weft/processing';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
/** The server's own limit for one append (its MaxAppendSize, by default 1 MiB). */
const SERVER_LIMIT_BYTES = 1_048_576;
const utf8 = new TextEncoder();

/** An event as it is sent, its data and metadata the UTF-8 of JSON text. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata?: Uint8Array;
}

/** What the adapter keeps with an event, as its metadata. */
interface Marks {
  /** The caller's id, where the server was given another. */
  readonly eventId?: string;
  /** The events of the stream before this one are not to be read, whether or not the stream's metadata says so yet. */
  readonly truncatesPrevious?: true;
}

/** Text that comes back as it was: no NUL, no half of a surrogate pair. */
function isText(text: unknown): text is string {
  // In Node since 20; the types of ES2023 do not have it.
  return typeof text === 'string' && (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes('\0');
}

export function checkStreamName(stream: unknown): void {
  if (!isText(stream) || stream === '') throw new InvalidCall('a stream needs a name, of whole characters other than NUL');
  if (stream.startsWith('$')) throw new InvalidCall(`stream ${stream}: names that begin with $ belong to EventStoreDB`);
}

/**
 * Checks everything that the server would refuse, because it does not refuse it well: it takes a message that is too long for gRPC
 * as a fault of all appends under way. Throws InvalidCall, TooLarge.
 *
 * The first event goes under an id of its own, and its caller's id into its metadata. The server takes an append whose ids it
 * has seen for one made twice and says that it succeeded, even if the bodies differ; with an id that is never seen again the
 * expected revision alone decides.
 */
export function prepareAppend(
  stream: string,
  expected: number,
  events: readonly NewEvent[],
  firstId: string,
  truncatesPrevious: boolean,
): SentEvent[] {
  checkStreamName(stream);
  if (!Number.isSafeInteger(expected) || expected < NO_STREAM) {
    throw new InvalidCall(`the expected revision ${expected} is neither a revision nor NO_STREAM`);
  }
  if (events.length === 0) throw new InvalidCall(`stream ${stream}: an append needs at least one event`);
  for (const [index, event] of events.entries()) checkEvent(stream, index, event);
  const sent = events.map(({ id, type, data }): SentEvent => ({ id, type, data: utf8.encode(data) }));
  const marks: Marks = { eventId: sent[0]!.id, ...(truncatesPrevious ? { truncatesPrevious: true } : {}) };
  sent[0] = { ...sent[0]!, id: firstId, metadata: utf8.encode(JSON.stringify(marks)) };
  refuseAbove(`append to ${stream}`, size(sent), APPEND_LIMIT_BYTES);
  refuseAbove(`append to ${stream}`, sentSize(sent), SERVER_LIMIT_BYTES);
  for (const [index, { data }] of events.entries()) checkJson(stream, index, data);
  return sent;
}

/** What the adapter writes of its own. */
export function toSentEvent(id: string, type: string, data: object): SentEvent {
  return { id, type, data: utf8.encode(JSON.stringify(data)) };
}

function refuseAbove(where: string, bytes: number, limit: number): void {
  if (bytes > limit) throw new TooLarge(where, bytes, limit);
}

function checkEvent(stream: string, index: number, { id, type, data }: NewEvent): void {
  if (!UUID.test(id) || id === NIL) throw new InvalidCall(`stream ${stream}: the id of event ${index} is no UUID`);
  if (!isText(type) || type === '') throw new InvalidCall(`stream ${stream}: event ${index} has no type`);
  if (!isText(data)) throw new InvalidCall(`stream ${stream}: the data of event ${index} is no JSON text`);
}

/** Sent as it is, and read back parsed: what is no JSON could never be read again. */
function checkJson(stream: string, index: number, data: string): void {
  try {
    JSON.parse(data);
  } catch {
    throw new InvalidCall(`stream ${stream}: the data of event ${index} is no JSON text`);
  }
}

/** As the port counts. */
function size(events: readonly SentEvent[]): number {
  return events.reduce((sum, { type, data }) => sum + Buffer.byteLength(type) + data.length, 0);
}

/** As the server counts: data and metadata in bytes, types in UTF-16. */
export function sentSize(events: readonly SentEvent[]): number {
  return events.reduce((sum, { type, data, metadata }) => sum + data.length + (metadata?.length ?? 0) + type.length * 2, 0);
}

function marksOf({ metadata }: RecordedEvent): Marks {
  return typeof metadata === 'object' && metadata !== null && !(metadata instanceof Uint8Array) ? (metadata as Marks) : {};
}

export function isTruncating(event: RecordedEvent): boolean {
  return marksOf(event).truncatesPrevious === true;
}

/** Throws EngineDamaged for what this adapter cannot have written. */
export function toStoredEvent(event: RecordedEvent, engine: string): StoredEvent {
  const { streamId: stream, revision, type, position, isJson } = event;
  if (!isJson) throw new EngineDamaged(engine, `event ${revision} of stream ${stream} is no JSON`);
  if (position === undefined) throw new EngineDamaged(engine, `event ${revision} of stream ${stream} has no position`);
  const { eventId } = marksOf(event);
  return {
    stream,
    revision: Number(revision),
    position: formatPosition(position),
    id: typeof eventId === 'string' ? eventId : event.id,
    type,
    data: JSON.stringify(event.data),
  };
}

export function formatPosition({ commit, prepare: prepared }: Position): string {
  return `${commit}/${prepared}`;
}

/** Throws InvalidCall for what did not come from this store. */
export function parsePosition(text: string): Position {
  const match = /^(\d{1,19})\/(\d{1,19})$/.exec(text);
  if (match === null) throw new InvalidCall(`${JSON.stringify(text)} is no position of this store`);
  return { commit: BigInt(match[1] ?? 0), prepare: BigInt(match[2] ?? 0) };
}

export function isAfter(position: Position, other: Position | undefined): boolean {
  if (other === undefined) return true;
  return position.commit > other.commit || (position.commit === other.commit && position.prepare > other.prepare);
}
