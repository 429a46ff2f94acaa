import { crc32 } from 'node:zlib';
import { EngineDamaged, type Message } from '@weft/processing';
import { blobOf } from './checksum.js';
import type { Database, Statement } from './driver.js';
import { offsetSince, READ_BYTES_MAX, type MessageRows, type PreparedMessage } from './message-rows.js';
import type { Packing } from './packing.js';
import { offsetOf, recordId, toMessage } from './stored-message.js';
import { partsOf } from './stored-run.js';
import type { Partition, TopicTable } from './topic-table.js';

/** What a transaction writes to a partition is one row, or several of about so many bytes: whoever wants one message unpacks a row. */
const ROW_BYTES = 256 * 1024;
/** So many rows are removed in one transaction. */
const REMOVED_AT_ONCE = 50;

/** A row of the messages table. Its id is the partition's id and the offset of its first message in one number. */
interface BatchRow {
  readonly id: number;
  readonly body: Uint8Array;
}

const [CRC, COUNT, TIMESTAMP, HEAD_BYTES] = [0, 4, 8, 16];

/** What the transaction under way has for a partition. */
interface Pending {
  readonly partition: Partition;
  readonly first: number;
  readonly timestamp: number;
  readonly messages: PreparedMessage[];
  bytes: number;
}

interface Batch {
  readonly first: number;
  readonly timestamp: number;
  readonly count: number;
  readonly body: Buffer;
}

/** The messages of topics that keep all of them: what one transaction writes to a partition lies in one row, packed together. */
export class BatchTable implements MessageRows {
  private readonly pending = new Map<number, Pending>();
  private readonly insert: Statement;
  private readonly select: Statement;
  private readonly selectFirst: Statement;
  private readonly selectOld: Statement;
  private readonly deleteRow: Statement;

  constructor(
    database: Database,
    private readonly topics: TopicTable,
    private readonly packing: Packing,
    private readonly engine: string,
  ) {
    this.insert = database.prepare('INSERT INTO messages (id, body) VALUES (?, ?)');
    // From the row that holds the first one wanted.
    this.select = database.prepare(
      `SELECT id, body FROM messages
       WHERE id >= coalesce((SELECT max(id) FROM messages WHERE id >= ?1 AND id <= ?2), ?2) AND id < ?3 ORDER BY id`,
    );
    this.selectFirst = database.prepare('SELECT id, body FROM messages WHERE id >= ? AND id < ? ORDER BY id LIMIT 1');
    this.selectOld = database.prepare(
      `SELECT id, body FROM messages WHERE id >= ? AND id < ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
    );
    this.deleteRow = database.prepare('DELETE FROM messages WHERE id = ?');
  }

  append(partition: Partition, message: PreparedMessage, now: number): number {
    let pending = this.pending.get(partition.id);
    if (pending !== undefined && pending.bytes + message.content.length > ROW_BYTES) {
      this.write(pending);
      pending = undefined;
    }
    const timestamp = pending?.timestamp ?? Math.max(now, partition.lastTimestamp);
    const offset = this.topics.take(partition, timestamp);
    pending ??= { partition, first: offset, timestamp, messages: [], bytes: 0 };
    pending.messages.push(message);
    pending.bytes += message.content.length;
    this.pending.set(partition.id, pending);
    return offset;
  }

  read(partition: Partition, from: number, maxCount: number): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    let next: number | undefined;
    const [base, start, end] = [recordId(partition.id, 0), recordId(partition.id, from), recordId(partition.id + 1, 0)];
    for (const row of this.select.iterate(base, start, end) as Iterable<BatchRow>) {
      if (messages.length === maxCount || bytes >= READ_BYTES_MAX) break;
      const batch = this.batchOf(partition, row);
      // In a damaged tree SQLite also gives rows from before where it was asked to begin: whoever goes on behind them never ends.
      if (next !== undefined && batch.first !== next) throw this.disorder(partition, next);
      next = batch.first + batch.count;
      const skipped = Math.max(0, from - batch.first);
      if (skipped >= batch.count) continue;
      for (const message of this.messagesOf(partition, batch).slice(skipped)) {
        messages.push(message);
        bytes += message.value?.length ?? 0;
        if (messages.length === maxCount || bytes >= READ_BYTES_MAX) break;
      }
    }
    return messages;
  }

  low(partition: Partition): number {
    return this.first(partition, 0)?.offset ?? partition.high;
  }

  firstSince(partition: Partition, time: number): number {
    return offsetSince(partition.high, time, (from) => this.first(partition, from));
  }

  expire(partition: Partition, before: number): number {
    const end = recordId(partition.id, this.firstSince(partition, before));
    let removed = 0;
    for (const row of this.selectOld.all(recordId(partition.id, 0), end) as BatchRow[]) {
      removed += this.batchOf(partition, row).count;
      // One that is found and cannot be removed would be found again, for ever.
      if (Number(this.deleteRow.run(row.id).changes) !== 1) throw this.lost(partition, row.id);
    }
    return removed;
  }

  beforeCommit(): void {
    for (const pending of this.pending.values()) this.write(pending);
    this.pending.clear();
  }

  rolledBack(): void {
    this.pending.clear();
  }

  private write({ partition, first, timestamp, messages }: Pending): void {
    // A length says with its sign that there is no value.
    const lengths = messages.map(({ content, isTombstone }) => (isTombstone ? -content.length : content.length));
    const content = Buffer.concat([Buffer.from(`${lengths.join()}\0`), ...messages.map((message) => message.content)]);
    const packed = this.packing.pack(content);
    const body = Buffer.allocUnsafe(HEAD_BYTES + packed.length);
    body.writeUInt32LE(messages.length, COUNT);
    body.writeDoubleLE(timestamp, TIMESTAMP);
    body.set(packed, HEAD_BYTES);
    const id = recordId(partition.id, first);
    body.writeUInt32LE(batchChecksum(id, body), CRC);
    this.insert.run(id, body);
  }

  private batchOf(partition: Partition, { id, body: bytes }: BatchRow): Batch {
    const body = blobOf(bytes);
    if (body.length <= HEAD_BYTES || body.readUInt32LE(CRC) !== batchChecksum(id, body)) {
      throw new EngineDamaged(this.engine, `${this.nameOf(partition, id)} are not what was written`);
    }
    return { first: offsetOf(id), count: body.readUInt32LE(COUNT), timestamp: body.readDoubleLE(TIMESTAMP), body };
  }

  private messagesOf(partition: Partition, { first, timestamp, body }: Batch): Message[] {
    const what = this.nameOf(partition, recordId(partition.id, first));
    const content = this.packing.unpack(body.subarray(HEAD_BYTES), what);
    const lengths = content.toString('latin1', 0, content.indexOf(0)).split(',');
    const { topic, partition: number } = partition;
    return partsOf(content).map((part, index) => {
      const place = { topic: topic.name, partition: number, offset: first + index, timestamp };
      return toMessage(part, (lengths[index] as string).startsWith('-'), place);
    });
  }

  /** The first row that begins at an offset or after it. */
  private first(partition: Partition, from: number): { readonly offset: number; readonly timestamp: number } | undefined {
    const asked = recordId(partition.id, from);
    const row = this.selectFirst.get(asked, recordId(partition.id + 1, 0)) as BatchRow | undefined;
    if (row === undefined) return undefined;
    if (row.id < asked) throw this.disorder(partition, from);
    const { first: offset, timestamp } = this.batchOf(partition, row);
    return { offset, timestamp };
  }

  private nameOf({ topic, partition }: Partition, id: number): string {
    return `the messages from ${topic.name}/${partition}/${offsetOf(id)} on`;
  }

  private lost(partition: Partition, id: number): EngineDamaged {
    return new EngineDamaged(this.engine, `${this.nameOf(partition, id)} are lost`);
  }

  private disorder({ topic, partition }: Partition, offset: number): EngineDamaged {
    return new EngineDamaged(this.engine, `${topic.name}/${partition} is not in order at offset ${offset}`);
  }
}

const batchChecksum = (id: number, body: Uint8Array): number => crc32(body.subarray(CRC + 4), crc32(`${id}\n`));
