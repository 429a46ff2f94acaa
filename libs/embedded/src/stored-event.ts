import { crc32 } from 'node:zlib';
import {
  APPEND_LIMIT_BYTES,
  EngineDamaged,
  InvalidCall,
  metaOf,
  metaText,
  TooLarge,
  type Meta,
  type NewEvent,
  type StoredEvent,
} from '@weft/processing';
import type { Packing } from './packing.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A row of the events table. Few columns: what a driver spends on a row is mostly spent on each of them. */
export interface EventRow {
  readonly position: number;
  readonly revision: number;
  /** Checksum, id, type, meta and data: see `eventBody`. */
  readonly body: Uint8Array;
}

const CRC_BYTES = 4;

/** Over all that makes the event what and where it is: see checksum.ts. */
function eventChecksum(position: number, stream: string, revision: number, body: Uint8Array): number {
  return crc32(body.subarray(CRC_BYTES), crc32(`${position}\n${stream}\n${revision}\n`));
}

const UUID_AS_USUAL = /^[0-9a-f-]{36}$/;

/** Four bytes for the checksum; one that says how long the id is; the id, as bytes where that gives back its letters; the rest packed. */
export function eventBody(packing: Packing, { id, type, data }: NewEvent, meta: string): Buffer {
  // Neither a type nor JSON holds a NUL, so the first one ends the type and the second the meta.
  const packed = packing.pack(Buffer.concat([Buffer.from(`${type}\0${meta}\0`), data]));
  const storedId = UUID_AS_USUAL.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : Buffer.from(id);
  const body = Buffer.allocUnsafe(CRC_BYTES + 1 + storedId.length + packed.length);
  body[CRC_BYTES] = storedId.length;
  body.set(storedId, CRC_BYTES + 1);
  body.set(packed, CRC_BYTES + 1 + storedId.length);
  return body;
}

/** Writes the checksum into a body, once it is known where it will stand. */
export function placeBody(body: Buffer, position: number, stream: string, revision: number): Buffer {
  body.writeUInt32LE(eventChecksum(position, stream, revision, body));
  return body;
}

/** `withoutData`: its data is left out. */
export function toStoredEvent(row: EventRow, stream: string, packing: Packing, engine: string, withoutData = false): StoredEvent {
  const { position, revision } = row;
  const what = `the event at position ${position}`;
  // A damaged row may hold another kind of value altogether.
  if (!ArrayBuffer.isView(row.body)) throw new EngineDamaged(engine, `${what} is not what was written`);
  const body = Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength);
  if (body.length <= CRC_BYTES || eventChecksum(position, stream, revision, body) !== body.readUInt32LE()) {
    throw new EngineDamaged(engine, `${what} is not what was written`);
  }
  const endOfId = CRC_BYTES + 1 + (body[CRC_BYTES] as number);
  const content = packing.unpack(body.subarray(endOfId), what);
  const endOfType = content.indexOf(0);
  const end = content.indexOf(0, endOfType + 1);
  const text = content.toString('utf8', endOfType + 1, end);
  let meta: Meta | undefined;
  return {
    stream,
    revision,
    position: String(position),
    id: idOf(body.subarray(CRC_BYTES + 1, endOfId)),
    type: content.toString('utf8', 0, endOfType),
    // Many are read for their data alone.
    get meta() {
      return (meta ??= metaOf(text));
    },
    data: withoutData ? new Uint8Array() : content.subarray(end + 1),
  };
}

function idOf(stored: Buffer): string {
  if (stored.length !== 16) return stored.toString();
  const hex = stored.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
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
 * Throws InvalidCall for what no engine could accept, TooLarge for more than one call may carry. Gives the events' metas as
 * text, and the bytes that all of it takes.
 */
export function checkNewEvents(
  stream: string,
  expected: number,
  events: readonly NewEvent[],
): { readonly metas: readonly string[]; readonly bytes: number } {
  checkStreamName(stream);
  if (!Number.isSafeInteger(expected) || expected < -1) {
    throw new InvalidCall(`the expected revision ${expected} is neither a revision nor NO_STREAM`);
  }
  if (events.length === 0) throw new InvalidCall(`stream ${stream}: an append needs at least one event`);
  const metas: string[] = [];
  let bytes = 0;
  for (const [index, event] of events.entries()) {
    if (!UUID.test(event.id)) throw new InvalidCall(`stream ${stream}: the id of event ${index} is no UUID`);
    if (!isText(event.type) || event.type === '') throw new InvalidCall(`stream ${stream}: event ${index} has no type`);
    if (!(event.data instanceof Uint8Array)) throw new InvalidCall(`stream ${stream}: the data of event ${index} is no bytes`);
    const meta = metaText(event.meta, `stream ${stream}, event ${index}`);
    metas.push(meta);
    bytes += Buffer.byteLength(event.type) + Buffer.byteLength(meta) + event.data.byteLength;
  }
  if (bytes > APPEND_LIMIT_BYTES) throw new TooLarge(`stream ${stream}`, bytes, APPEND_LIMIT_BYTES);
  return { metas, bytes };
}
