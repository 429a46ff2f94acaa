import { crc32 } from 'node:zlib';
import { EngineDamaged, InvalidCall, MESSAGE_LIMIT_BYTES, TooLarge, type Message, type OutgoingMessage } from '@weft/processing';
import { isText } from './stored-event.js';

/** A row of the records table. Its id is the partition's id and the offset in one number: see `recordId`. */
export interface MessageRow {
  readonly id: number;
  readonly timestamp: number;
  readonly key: string;
  /** '' stands for no bytes: a driver binds an empty Uint8Array as NULL, which is a tombstone. */
  readonly value: Uint8Array | '' | null;
  readonly headers: string;
  readonly crc: number;
}

export const storedValue = (value: Uint8Array | null): MessageRow['value'] => (value?.byteLength === 0 ? '' : value);

/**
 * One number for partition and offset keeps a partition's messages side by side in one tree, without an index to keep up:
 * 32,768 partitions of 2^38 messages fit in the integers that JavaScript holds exactly.
 */
const OFFSETS = 2 ** 38;
export const PARTITIONS_MAX = 2 ** 15 - 1;
export const recordId = (partitionId: number, offset: number): number => partitionId * OFFSETS + offset;
export const offsetOf = (id: number): number => id % OFFSETS;

export function messageChecksum({ id, timestamp, key, value, headers }: Omit<MessageRow, 'crc'>): number {
  const front = crc32(`${id}\n${timestamp}\n${key}\n${headers}\n${value === null ? 'tombstone' : value.length}`);
  return (value === null ? front : crc32(value, front)) | 0;
}

export function toMessage(row: MessageRow, topic: string, partition: number, engine: string): Message {
  const offset = offsetOf(row.id);
  // A damaged row may hold another kind of value altogether.
  const isValue = row.value === null || row.value === '' || ArrayBuffer.isView(row.value);
  if (!isValue || messageChecksum(row) !== row.crc) {
    throw new EngineDamaged(engine, `the message at ${topic}/${partition}/${offset} is not what was written`);
  }
  const headers = JSON.parse(row.headers) as Record<string, string>;
  return {
    topic,
    partition,
    offset,
    key: row.key,
    value: row.value === '' ? new Uint8Array(0) : row.value,
    headers,
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
