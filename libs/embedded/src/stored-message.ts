import { crc32 } from 'node:zlib';
import { EngineDamaged, InvalidCall, MESSAGE_LIMIT_BYTES, TooLarge, type Message, type OutgoingMessage } from '@weft/processing';
import type { Packing } from './packing.js';
import { isText } from './stored-event.js';

/** A row of the records table. Its id is the partition's id and the offset in one number: see `recordId`. */
export interface MessageRow {
  readonly id: number;
  readonly timestamp: number;
  /** Key, headers and value, packed. */
  readonly content: Uint8Array;
  /** 1 where there is no value. */
  readonly tombstone: number;
  readonly crc: number;
}

/**
 * One number for partition and offset keeps a partition's messages side by side in one tree, without an index to keep up:
 * 32,768 partitions of 2^38 messages fit in the integers that JavaScript holds exactly.
 */
const OFFSETS = 2 ** 38;
export const PARTITIONS_MAX = 2 ** 15 - 1;
export const recordId = (partitionId: number, offset: number): number => partitionId * OFFSETS + offset;
export const offsetOf = (id: number): number => id % OFFSETS;

export function messageChecksum({ id, timestamp, content, tombstone }: Omit<MessageRow, 'crc'>): number {
  return crc32(content, crc32(`${id}\n${timestamp}\n${tombstone}\n`)) | 0;
}

/** Key and headers (as JSON) hold no NUL, so the first one ends the key and the second the headers. */
export function packedMessage(packing: Packing, { key, headers, value }: OutgoingMessage): Uint8Array {
  const front = `${key}\0${JSON.stringify(headers)}\0`;
  if (value === null || value.byteLength === 0) return packing.pack(front);
  const room = Buffer.allocUnsafe(front.length * 3 + value.byteLength);
  const end = room.write(front, 0);
  room.set(value, end);
  return packing.pack(room.subarray(0, end + value.byteLength));
}

export function toMessage(row: MessageRow, packing: Packing, topic: string, partition: number, engine: string): Message {
  const offset = offsetOf(row.id);
  const what = `the message at ${topic}/${partition}/${offset}`;
  // A damaged row may hold another kind of value altogether.
  if (!ArrayBuffer.isView(row.content) || messageChecksum(row) !== row.crc) {
    throw new EngineDamaged(engine, `${what} is not what was written`);
  }
  const content = packing.unpack(row.content, what);
  const endOfKey = content.indexOf(0);
  const end = content.indexOf(0, endOfKey + 1);
  return {
    topic,
    partition,
    offset,
    key: content.toString('utf8', 0, endOfKey),
    value: row.tombstone === 1 ? null : content.subarray(end + 1),
    headers: JSON.parse(content.toString('utf8', endOfKey + 1, end)) as Record<string, string>,
    timestamp: row.timestamp,
  };
}

/** Gives the message's bytes. Throws InvalidCall or TooLarge. Keys may be identifiers of patients, so no error repeats one. */
export function checkMessage(message: OutgoingMessage, index: number): number {
  const where = `message ${index} for topic ${message.topic}`;
  if (!isText(message.key)) throw new InvalidCall(`${where}: the key is no text of whole characters other than NUL`);
  let bytes = Buffer.byteLength(message.key) + (message.value?.byteLength ?? 0);
  for (const [name, value] of Object.entries(message.headers)) {
    if (!isText(name) || !isText(value))
      throw new InvalidCall(`${where}: a header is no text of whole characters other than NUL`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > MESSAGE_LIMIT_BYTES) throw new TooLarge(where, bytes, MESSAGE_LIMIT_BYTES);
  return bytes;
}
