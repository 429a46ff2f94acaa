import type { KafkaMessage } from 'kafkajs';
import { InvalidCall, type Headers, type Message, MESSAGE_LIMIT_BYTES, type OutgoingMessage, TooLarge } from '@weft/processing';

/** What a record costs in the log besides its key, value and headers; rounded up. */
const RECORD_OVERHEAD_BYTES = 32;
const HEADER_OVERHEAD_BYTES = 10;

export function toMessage(topic: string, partition: number, from: KafkaMessage): Message {
  return {
    topic,
    partition,
    offset: Number(from.offset),
    key: from.key === null ? '' : from.key.toString(),
    value: from.value,
    headers: toHeaders(from.headers ?? {}),
    timestamp: Number(from.timestamp),
  };
}

/** Kafka allows a header more than once; the last one counts. */
function toHeaders(from: NonNullable<KafkaMessage['headers']>): Headers {
  return Object.fromEntries(
    Object.entries(from).map(([name, values]) => [name, String((Array.isArray(values) ? values.at(-1) : values) ?? '')]),
  );
}

/** Bytes that a message takes in a batch. Throws TooLarge and InvalidCall for what no broker would take. */
export function sizeOf({ topic, key, value, headers }: OutgoingMessage): number {
  if (typeof key !== 'string') throw new InvalidCall(`a message for topic ${topic} has no key`);
  const names = Object.keys(headers);
  let bytes = Buffer.byteLength(key) + (value?.byteLength ?? 0);
  for (const name of names) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!);
  if (bytes > MESSAGE_LIMIT_BYTES) throw new TooLarge(`a message for topic ${topic}`, bytes, MESSAGE_LIMIT_BYTES);
  return bytes + RECORD_OVERHEAD_BYTES + names.length * HEADER_OVERHEAD_BYTES;
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
