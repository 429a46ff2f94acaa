import { isUtf8 } from 'node:buffer';
import type { KafkaMessage, Message as SentMessage } from 'kafkajs';
import type { Problem } from '@weft/domain';
import { InvalidCall, type Headers, type Message, MESSAGE_LIMIT_BYTES, type OutgoingMessage, TooLarge } from '@weft/processing';
import { UNREADABLE_HEADER } from './unreadable.js';

/** What a record costs in the log besides its key, value and headers; rounded up. */
const RECORD_OVERHEAD_BYTES = 32;
const HEADER_OVERHEAD_BYTES = 10;

export function toMessage(topic: string, partition: number, from: KafkaMessage): Message {
  const { headers = {} } = from;
  const faults: Problem[] = [];
  const message = {
    topic,
    partition,
    offset: Number(from.offset),
    key: from.key === null ? '' : textOf(from.key, 'key', faults),
    value: from.value,
    headers: toHeaders(headers, faults),
    timestamp: Number(from.timestamp),
  };
  const unreadable = from.key === null && from.value === null ? headers[UNREADABLE_HEADER] : undefined;
  if (unreadable !== undefined)
    faults.push({ field: '', code: 'unreadable', message: `its batch cannot be read: ${unreadable}` });
  return faults.length === 0 ? message : { ...message, faults };
}

/** Kafka allows a header more than once; the last one counts. */
function toHeaders(from: NonNullable<KafkaMessage['headers']>, faults: Problem[]): Headers {
  return Object.fromEntries(
    Object.entries(from).map(([name, values]) => {
      const value = (Array.isArray(values) ? values.at(-1) : values) ?? '';
      return [name, typeof value === 'string' ? value : textOf(value, `headers.${name}`, faults)];
    }),
  );
}

/** What is not UTF-8 comes with each byte as a character, so that no two texts become one, and with a fault that says so. */
function textOf(bytes: Buffer, field: string, faults: Problem[]): string {
  if (isUtf8(bytes)) return bytes.toString();
  faults.push({ field: withoutNumber(field), code: 'not-utf-8', message: 'is not UTF-8' });
  return bytes.toString('latin1');
}

/** A header's name is its sender's to choose, and what is said of a fault names nobody. */
const withoutNumber = (field: string): string => (/^[\w.-]{1,80}$/.test(field) && !/\d{10}/.test(field) ? field : 'headers');

/** Bytes that a message takes in a batch. Throws TooLarge and InvalidCall for what no broker would take. */
export function sizeOf({ topic, key, value, headers }: OutgoingMessage): number {
  if (typeof key !== 'string') throw new InvalidCall(`a message for topic ${topic} has no key`);
  const names = Object.keys(headers);
  let bytes = Buffer.byteLength(key) + (value?.byteLength ?? 0);
  for (const name of names) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!);
  if (bytes > MESSAGE_LIMIT_BYTES) throw new TooLarge(`a message for topic ${topic}`, bytes, MESSAGE_LIMIT_BYTES);
  return bytes + RECORD_OVERHEAD_BYTES + names.length * HEADER_OVERHEAD_BYTES;
}

/** The topic's max.message.bytes is not ours to read: it is below the largest message, that is all there is to know. */
export function tooLargeFor(topic: string, sizes: readonly number[]): TooLarge {
  const largest = Math.max(...sizes);
  return new TooLarge(`a message for topic ${topic}, whose max.message.bytes is below Weft's limit`, largest, largest - 1);
}

export function toKafka({ key, value, headers }: OutgoingMessage, partition: number): SentMessage {
  // kafkajs writes bytes that are no Buffer wrongly, without a word.
  const bytes = value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { key, value: bytes, headers: { ...headers }, partition };
}

/** What a fetch brings besides what kafkajs's types say. */
interface FetchedRecord {
  readonly isControlRecord?: boolean;
  readonly batchContext?: {
    readonly producerId: string;
    readonly inTransaction: boolean;
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
  };
}

export interface FetchedPartition {
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
}

/**
 * The messages from `from` on that count: a batch comes whole even when less was asked for, markers of transactions are no
 * messages, and those of an aborted transaction never happened. `next` is where to go on, also when none counted.
 */
export function readable(topic: string, from: number, fetched: FetchedPartition): { messages: Message[]; next: number } {
  const open = [...(fetched.abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const aborted = new Set<string>();
  const messages: Message[] = [];
  let next = from;
  for (const record of fetched.messages) {
    const offset = Number(record.offset);
    const { isControlRecord, batchContext } = record as KafkaMessage & FetchedRecord;
    while (open[0] !== undefined && Number(open[0].firstOffset) <= offset) aborted.add(open.shift()!.producerId);
    if (isControlRecord) aborted.delete(batchContext?.producerId ?? '');
    else if (offset >= from && !(batchContext?.inTransaction && aborted.has(batchContext.producerId))) {
      messages.push(toMessage(topic, fetched.partition, record));
    }
    // Compaction takes records from the end of a batch too: behind the batch is where to go on, or it would come for ever.
    const last = batchContext === undefined ? offset : Number(batchContext.firstOffset) + batchContext.lastOffsetDelta;
    next = Math.max(next, last + 1);
  }
  return { messages, next };
}
