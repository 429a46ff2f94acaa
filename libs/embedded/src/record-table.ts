import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { EngineDamaged, type Message, type OutgoingMessage } from '@weft/processing';
import type { Database, Statement } from './driver.js';
import type { Packing } from './packing.js';
import { messageChecksum, offsetOf, packedMessage, recordId, toMessage, type MessageRow } from './stored-message.js';
import type { Partition, TopicTable } from './topic-table.js';

/** A read stops after so many bytes of values, whatever its count: a batch of the largest messages still fits in memory. */
const READ_BYTES_MAX = 4 * 1024 * 1024;
/** So many messages are removed in one transaction. */
const REMOVED_AT_ONCE = 500;

/** A message as it will be written, and what says where. */
export interface PreparedMessage extends Pick<OutgoingMessage, 'topic' | 'key'>, Pick<MessageRow, 'content' | 'tombstone'> {
  readonly partitionKey: string | undefined;
}

/** The messages of all partitions. What writes runs within a transaction. */
export class RecordTable {
  private readonly insert: Statement;
  private readonly select: Statement;
  private readonly selectFirst: Statement;
  private readonly selectLatest: Statement;
  private readonly insertLatest: Statement;
  private readonly updateLatest: Statement;
  private readonly deleteRecord: Statement;
  private readonly deleteLatest: Statement;
  private readonly selectOld: Statement;
  private readonly selectTombstones: Statement;

  constructor(
    database: Database,
    private readonly topics: TopicTable,
    private readonly packing: Packing,
    private readonly engine: string,
  ) {
    this.insert = database.prepare('INSERT INTO records (id, timestamp, content, tombstone, crc) VALUES (?, ?, ?, ?, ?)');
    this.select = database.prepare(
      'SELECT id, timestamp, content, tombstone, crc FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    );
    this.selectFirst = database.prepare('SELECT id, timestamp FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1');
    this.selectLatest = database.prepare('SELECT record_id AS id, crc FROM latest WHERE partition_id = ? AND key = ?');
    this.insertLatest = database.prepare(
      'INSERT INTO latest (partition_id, key, record_id, crc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.updateLatest = database.prepare('UPDATE latest SET record_id = ?, crc = ? WHERE partition_id = ? AND key = ?');
    this.deleteRecord = database.prepare('DELETE FROM records WHERE id = ?');
    this.deleteLatest = database.prepare('DELETE FROM latest WHERE partition_id = ? AND key = ? AND record_id = ?');
    const old = 'SELECT id, timestamp, content, tombstone, crc FROM records';
    this.selectOld = database.prepare(`${old} WHERE id >= ? AND id < ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`);
    this.selectTombstones = database.prepare(
      `${old} WHERE tombstone = 1 AND id >= ? AND id < ? AND timestamp < ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
    );
  }

  /** What can be done of an append before its transaction. */
  prepare(message: OutgoingMessage): PreparedMessage {
    const { topic, key, partitionKey, value } = message;
    const content = packedMessage(this.packing, message);
    return { topic, key, partitionKey, content, tombstone: value === null ? 1 : 0 };
  }

  /** On a compacted topic it takes the place of the key's message before it, at once. */
  append(partition: Partition, { key, content, tombstone }: PreparedMessage, now: number): number {
    const timestamp = Math.max(now, partition.lastTimestamp);
    const offset = this.topics.take(partition, timestamp);
    const id = recordId(partition.id, offset);
    this.insert.run(id, timestamp, content, tombstone, messageChecksum({ id, timestamp, content, tombstone }));
    if (partition.topic.compacted) this.supersede(partition, key, id);
    return offset;
  }

  /** Messages from an offset on: at most `maxCount`, and no more than fit in memory. */
  read(partition: Partition, from: number, maxCount: number): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    let next = recordId(partition.id, from);
    const rows = this.select.iterate(next, recordId(partition.id + 1, 0), maxCount);
    for (const row of rows as Iterable<MessageRow>) {
      this.refuseBefore(partition, next, row.id);
      next = row.id + 1;
      const message = this.message(partition, row);
      messages.push(message);
      bytes += message.value?.length ?? 0;
      if (bytes >= READ_BYTES_MAX) break;
    }
    return messages;
  }

  low(partition: Partition): number {
    return this.first(partition, 0)?.offset ?? partition.high;
  }

  /** Offset of the first message of that time or later: timestamps rise with the offsets. */
  firstSince(partition: Partition, time: number): number {
    let low = 0;
    let high = partition.high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.first(partition, middle);
      if (found !== undefined && found.offset < high && found.timestamp < time) low = found.offset + 1;
      else high = middle;
    }
    return this.first(partition, low)?.offset ?? partition.high;
  }

  /** Removes some of the messages before a time; says how many. */
  expire(partition: Partition, before: number): number {
    const rows = this.selectOld.all(recordId(partition.id, 0), recordId(partition.id, this.firstSince(partition, before)));
    return this.remove(partition, rows as MessageRow[]);
  }

  /** Removes some of the tombstones before a time; says how many. */
  expireTombstones(partition: Partition, before: number): number {
    const rows = this.selectTombstones.all(recordId(partition.id, 0), recordId(partition.id + 1, 0), before);
    return this.remove(partition, rows as MessageRow[]);
  }

  private supersede(partition: Partition, key: string, id: number): void {
    const digest = keyDigest(key);
    const crc = latestChecksum(partition, digest, id);
    if (Number(this.insertLatest.run(partition.id, digest, id, crc).changes) === 1) return;
    const before = this.selectLatest.get(partition.id, digest) as { id: number; crc: number };
    const isWhole = before.crc === latestChecksum(partition, digest, before.id);
    if (!isWhole || Number(this.deleteRecord.run(before.id).changes) !== 1) throw this.lost('before', partition, id);
    this.updateLatest.run(id, crc, partition.id, digest);
  }

  private remove(partition: Partition, rows: readonly MessageRow[]): number {
    for (const row of rows) {
      if (partition.topic.compacted) {
        this.deleteLatest.run(partition.id, keyDigest(this.message(partition, row).key), row.id);
      }
      // One that is found and cannot be removed would be found again, for ever.
      if (Number(this.deleteRecord.run(row.id).changes) !== 1) throw this.lost('at', partition, row.id);
    }
    return rows.length;
  }

  private message(partition: Partition, row: MessageRow): Message {
    return toMessage(row, this.packing, partition.topic.name, partition.partition, this.engine);
  }

  private first(partition: Partition, from: number): { readonly offset: number; readonly timestamp: number } | undefined {
    const asked = recordId(partition.id, from);
    const row = this.selectFirst.get(asked, recordId(partition.id + 1, 0)) as MessageRow | undefined;
    if (row === undefined) return undefined;
    this.refuseBefore(partition, asked, row.id);
    return { offset: offsetOf(row.id), timestamp: row.timestamp };
  }

  private lost(where: 'at' | 'before', { topic, partition }: Partition, id: number): EngineDamaged {
    return new EngineDamaged(this.engine, `the record ${where} ${topic.name}/${partition}/${offsetOf(id)} is lost`);
  }

  /** In a damaged tree SQLite also gives rows from before where it was asked to begin: whoever goes on behind them never ends. */
  private refuseBefore({ topic, partition }: Partition, asked: number, id: number): void {
    if (id >= asked) return;
    throw new EngineDamaged(this.engine, `${topic.name}/${partition} is not in order at offset ${offsetOf(asked)}`);
  }
}

/** Stands for a key of any length: half a SHA-256, which no two keys share. */
const keyDigest = (key: string): Uint8Array => hash('sha256', key, 'buffer').subarray(0, 16);

const latestChecksum = ({ id }: Partition, digest: Uint8Array, record: number): number =>
  crc32(digest, crc32(`${id}\n${record}\n`)) | 0;
