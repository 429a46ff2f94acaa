import { InvalidCall, MESSAGE_LIMIT_BYTES, TooLarge, type Message, type OutgoingMessage } from '@weft/processing';
import { isText } from './new-events.js';

/**
 * One number for partition and offset keeps a partition's messages side by side in one tree, without an index to keep up:
 * 32,768 partitions of 2^38 messages fit in the integers that JavaScript holds exactly.
 */
const OFFSETS = 2 ** 38;
export const PARTITIONS_MAX = 2 ** 15 - 1;
export const recordId = (partitionId: number, offset: number): number => partitionId * OFFSETS + offset;
export const offsetOf = (id: number): number => id % OFFSETS;

/** What is kept of a message beside its place and time. Key and headers (as JSON) hold no NUL: the first ends the key, the second the headers. */
export function messageContent({ key, headers, value }: OutgoingMessage): Buffer {
  const front = Buffer.from(`${key}\0${JSON.stringify(headers)}\0`);
  return value === null ? front : Buffer.concat([front, value]);
}

export function toMessage(
  content: Buffer,
  isTombstone: boolean,
  place: Pick<Message, 'topic' | 'partition' | 'offset' | 'timestamp'>,
): Message {
  const endOfKey = content.indexOf(0);
  const end = content.indexOf(0, endOfKey + 1);
  const { topic, partition, offset, timestamp } = place;
  return {
    ...{ topic, partition, offset },
    key: content.toString('utf8', 0, endOfKey),
    value: isTombstone ? null : content.subarray(end + 1),
    headers: JSON.parse(content.toString('utf8', endOfKey + 1, end)) as Record<string, string>,
    timestamp,
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
