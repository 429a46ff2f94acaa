import type { Position, RecordedEvent } from '@eventstore/db-client';
import {
  APPEND_LIMIT_BYTES,
  EngineDamaged,
  InvalidCall,
  metaText,
  NO_STREAM,
  TooLarge,
  type Meta,
  type NewEvent,
  type StoredEvent,
} from '@weft/processing';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
/** The server's own limit for one append (its MaxAppendSize, by default 1 MiB). */
const SERVER_LIMIT_BYTES = 1_048_576;
const utf8 = new TextEncoder();

/** An event as it is sent. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  /** Whether the data is the UTF-8 of JSON. */
  readonly isJson: boolean;
  /** The UTF-8 of JSON: the caller's meta, and the adapter's marks beside it. */
  readonly metadata?: Uint8Array;
}

/** What the adapter keeps with an event, in its metadata. */
interface Marks {
  /** The caller's id, where the server was given another. */
  readonly eventId?: string;
  /** The events of the stream before this one are not to be read, whether or not the stream's metadata says so yet. */
  readonly truncatesPrevious?: true;
}

/** The member of the metadata that holds them. No meta of a caller's has one that begins so. */
const MARKS = '$weft';

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
  const metas = events.map((event, index) => checkEvent(stream, index, event));
  refuseAbove(`append to ${stream}`, size(events, metas), APPEND_LIMIT_BYTES);
  const sent = events.map(({ id, type, data, meta }, index): SentEvent => {
    const marks: Marks | undefined =
      index === 0 ? { eventId: id, ...(truncatesPrevious ? { truncatesPrevious: true } : {}) } : undefined;
    const text = marks === undefined ? (metas[index] as string) : JSON.stringify({ ...meta, [MARKS]: marks });
    // It is sent a moment later, and may be the caller's to change by then.
    const given = { type, data: new Uint8Array(data), isJson: false };
    return { id: index === 0 ? firstId : id, ...given, ...(text === '' ? {} : { metadata: utf8.encode(text) }) };
  });
  refuseAbove(`append to ${stream}`, sentSize(sent), SERVER_LIMIT_BYTES);
  return sent;
}

/** What the adapter writes of its own. */
export function toOwnEvent(id: string, type: string, data: object): SentEvent {
  return { id, type, data: utf8.encode(JSON.stringify(data)), isJson: true };
}

function refuseAbove(where: string, bytes: number, limit: number): void {
  if (bytes > limit) throw new TooLarge(where, bytes, limit);
}

/** Gives its meta as text. */
function checkEvent(stream: string, index: number, { id, type, data, meta }: NewEvent): string {
  if (!UUID.test(id) || id === NIL) throw new InvalidCall(`stream ${stream}: the id of event ${index} is no UUID`);
  if (!isText(type) || type === '') throw new InvalidCall(`stream ${stream}: event ${index} has no type`);
  if (!(data instanceof Uint8Array)) throw new InvalidCall(`stream ${stream}: the data of event ${index} is no bytes`);
  return metaText(meta, `stream ${stream}, event ${index}`);
}

/** As the port counts. */
function size(events: readonly NewEvent[], metas: readonly string[]): number {
  const beside = metas.reduce((sum, meta) => sum + Buffer.byteLength(meta), 0);
  return events.reduce((sum, { type, data }) => sum + Buffer.byteLength(type) + data.byteLength, beside);
}

/** As the server counts: data and metadata in bytes, types in UTF-16. */
export function sentSize(events: readonly SentEvent[]): number {
  return events.reduce((sum, { type, data, metadata }) => sum + data.length + (metadata?.length ?? 0) + type.length * 2, 0);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** The client has parsed the metadata by now, wanted or not. Events that an earlier Weft wrote are JSON, and have marks only. */
function besideOf({ metadata, isJson }: RecordedEvent): { readonly meta: Meta; readonly marks: Marks } {
  if (!isObject(metadata)) return { meta: {}, marks: {} };
  if (isJson) return { meta: {}, marks: metadata as Marks };
  const { [MARKS]: marks, ...meta } = metadata as { readonly [MARKS]?: Marks };
  return { meta, marks: isObject(marks) ? marks : {} };
}

export function isTruncating(event: RecordedEvent): boolean {
  return besideOf(event).marks.truncatesPrevious === true;
}

const EMPTY = new Uint8Array();

/** `withoutData`: its data is left out. Throws EngineDamaged for what this adapter cannot have written. */
export function toStoredEvent(event: RecordedEvent, engine: string, withoutData = false): StoredEvent {
  const { streamId: stream, revision, type, position, metadata } = event;
  if (position === undefined) throw new EngineDamaged(engine, `event ${revision} of stream ${stream} has no position`);
  if (metadata !== undefined && !isObject(metadata)) {
    throw new EngineDamaged(engine, `the metadata of event ${revision} of stream ${stream} is no object of JSON`);
  }
  const { meta, marks } = besideOf(event);
  return {
    stream,
    revision: Number(revision),
    position: formatPosition(position),
    id: typeof marks.eventId === 'string' ? marks.eventId : event.id,
    type,
    meta,
    data: withoutData ? EMPTY : dataOf(event),
  };
}

const dataOf = (event: RecordedEvent): Uint8Array =>
  event.isJson ? utf8.encode(JSON.stringify(event.data)) : (event.data as Uint8Array);

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
