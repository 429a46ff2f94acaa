import { crc32 } from 'node:zlib';
import { APPEND_LIMIT_BYTES, EngineDamaged, InvalidCall, TooLarge, type NewEvent, type StoredEvent } from '@weft/processing';
import type { Packing } from './packing.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** A UTF-8 character of a JavaScript string takes at most three bytes a unit. */
const BYTES_A_UNIT = 3;

/** A row of the events table, with the name of its stream. */
export interface EventRow {
  readonly position: number;
  readonly name: string;
  readonly revision: number;
  /** The UUID's sixteen bytes; the text of one that is not written in the usual way. */
  readonly id: Uint8Array | string;
  /** Type and data, packed. */
  readonly content: Uint8Array;
  readonly crc: number;
}

/** Over all that makes the event what and where it is: see checksum.ts. */
export function eventChecksum({ position, name, revision, id, content }: Omit<EventRow, 'crc'>): number {
  return crc32(content, crc32(id, crc32(`${position}\n${name}\n${revision}\n`))) | 0;
}

const UUID_AS_USUAL = /^[0-9a-f-]{36}$/;

export const storedId = (id: string): EventRow['id'] =>
  UUID_AS_USUAL.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id;

function idOf(stored: EventRow['id']): string {
  if (typeof stored === 'string') return stored;
  const hex = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A type holds no NUL, so the first one ends it. */
export const packedEvent = (packing: Packing, { type, data }: NewEvent): Uint8Array => packing.pack(`${type}\0${data}`);

export function toStoredEvent(row: EventRow, packing: Packing, engine: string): StoredEvent {
  const what = `the event at position ${row.position}`;
  // A damaged row may hold another kind of value altogether.
  const isWhole = ArrayBuffer.isView(row.content) && (typeof row.id === 'string' || ArrayBuffer.isView(row.id));
  if (!isWhole || eventChecksum(row) !== row.crc) throw new EngineDamaged(engine, `${what} is not what was written`);
  const content = packing.unpack(row.content, what);
  const end = content.indexOf(0);
  return {
    stream: row.name,
    revision: row.revision,
    position: String(row.position),
    id: idOf(row.id),
    type: content.toString('utf8', 0, end),
    data: content.toString('utf8', end + 1),
  };
}

/** Text that SQLite gives back as it was: no NUL, no half of a surrogate pair. */
export function isText(text: unknown): text is string {
  // In Node since 20; the types of ES2023 do not have it.
  return typeof text === 'string' && (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes('\0');
}

export function checkCount(maxCount: number): void {
  if (!Number.isSafeInteger(maxCount) || maxCount < 1) throw new InvalidCall(`maxCount ${maxCount} is no count of at least 1`);
}

export function checkStreamName(stream: unknown): void {
  if (!isText(stream) || stream === '') throw new InvalidCall('a stream needs a name, of whole characters other than NUL');
}

/**
 * Throws InvalidCall for what no engine could accept, TooLarge for more than one call may carry. Gives about the bytes that
 * the events take.
 */
export function checkNewEvents(stream: string, expected: number, events: readonly NewEvent[]): number {
  checkStreamName(stream);
  if (!Number.isSafeInteger(expected) || expected < -1) {
    throw new InvalidCall(`the expected revision ${expected} is neither a revision nor NO_STREAM`);
  }
  if (events.length === 0) throw new InvalidCall(`stream ${stream}: an append needs at least one event`);
  let units = 0;
  for (const [index, event] of events.entries()) {
    if (!UUID.test(event.id)) throw new InvalidCall(`stream ${stream}: the id of event ${index} is no UUID`);
    if (!isText(event.type) || event.type === '') throw new InvalidCall(`stream ${stream}: event ${index} has no type`);
    if (!isText(event.data)) throw new InvalidCall(`stream ${stream}: the data of event ${index} is no JSON text`);
    units += event.type.length + event.data.length;
  }
  if (units * BYTES_A_UNIT <= APPEND_LIMIT_BYTES) return units;
  const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(event.type) + Buffer.byteLength(event.data), 0);
  if (bytes > APPEND_LIMIT_BYTES) throw new TooLarge(`stream ${stream}`, bytes, APPEND_LIMIT_BYTES);
  return bytes;
}
