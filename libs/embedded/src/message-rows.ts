import type { Message, OutgoingMessage } from '@weft/processing';
import type { Partition } from './topic-table.js';

/** A read stops after so many bytes of values, whatever its count: a batch of the largest messages still fits in memory. */
export const READ_BYTES_MAX = 4 * 1024 * 1024;

/** A message as it will be written, and what says where. */
export interface PreparedMessage extends Pick<OutgoingMessage, 'topic' | 'key'> {
  readonly partitionKey: string | undefined;
  readonly content: Buffer;
  readonly isTombstone: boolean;
}

/** The messages of partitions, one way or another. What writes runs within a transaction. */
export interface MessageRows {
  /** Gives its offset. */
  append(partition: Partition, message: PreparedMessage, now: number): number;
  /** Messages from an offset on: at most `maxCount`, and no more than fit in memory. */
  read(partition: Partition, from: number, maxCount: number): Message[];
  low(partition: Partition): number;
  firstSince(partition: Partition, time: number): number;
  /** Removes some of the messages before a time; says how many. */
  expire(partition: Partition, before: number): number;
}

/** Where a partition's messages begin at or after an offset, undefined behind the last. */
type First = (from: number) => { readonly offset: number; readonly timestamp: number } | undefined;

/** Offset of the first message of that time or later: timestamps rise with the offsets. */
export function offsetSince(high: number, time: number, first: First): number {
  let [low, end] = [0, high];
  while (low < end) {
    const middle = Math.floor((low + end) / 2);
    const found = first(middle);
    if (found !== undefined && found.offset < end && found.timestamp < time) low = found.offset + 1;
    else end = middle;
  }
  return first(low)?.offset ?? high;
}
