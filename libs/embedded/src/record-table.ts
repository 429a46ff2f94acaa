import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { EngineDamaged, type Message } from '@weft/processing';
import type { Database, Statement } from './driver.js';
import { offsetSince, READ_BYTES_MAX, type MessageRows, type PreparedMessage } from './message-rows.js';
import type { Packing } from './packing.js';
import { offsetOf, recordId, toMessage } from './stored-message.js';
import type { Partition, TopicTable } from './topic-table.js';

/** So many messages are removed in one transaction. */
const REMOVED_AT_ONCE = 500;

/** A row of the records table. Its id is the partition's id and the offset in one number: see `recordId`. */
interface RecordRow {
  readonly id: number;
  readonly timestamp: number;
  /** Key, headers and value, packed. */
  readonly content: Uint8Array;
  /** 1 where there is no value. */
  readonly tombstone: number;
  readonly crc: number;
}

/** The messages of compacted topics: one row each, so that one can be removed without the others. */
export class RecordTable implements MessageRows {
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

  /** It takes the place of the key's message before it, at once. */
  append(partition: Partition, { key, content, isTombstone }: PreparedMessage, now: number): number {
    const timestamp = Math.max(now, partition.lastTimestamp);
    const offset = this.topics.take(partition, timestamp);
    const id = recordId(partition.id, offset);
    const packed = this.packing.pack(content);
    const tombstone = isTombstone ? 1 : 0;
    const crc = recordChecksum({ id, timestamp, content: packed, tombstone });
    this.insert.run(id, timestamp, packed, tombstone, crc);
    this.supersede(partition, key, id);
    return offset;
  }

  read(partition: Partition, from: number, maxCount: number): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    let next = recordId(partition.id, from);
    const rows = this.select.iterate(next, recordId(partition.id + 1, 0), maxCount);
    for (const row of rows as Iterable<RecordRow>) {
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

  firstSince(partition: Partition, time: number): number {
    return offsetSince(partition.high, time, (from) => this.first(partition, from));
  }

  expire(partition: Partition, before: number): number {
    const rows = this.selectOld.all(recordId(partition.id, 0), recordId(partition.id, this.firstSince(partition, before)));
    return this.remove(partition, rows as RecordRow[]);
  }

  /** Removes some of the tombstones before a time; says how many. */
  expireTombstones(partition: Partition, before: number): number {
    const rows = this.selectTombstones.all(recordId(partition.id, 0), recordId(partition.id + 1, 0), before);
    return this.remove(partition, rows as RecordRow[]);
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

  private remove(partition: Partition, rows: readonly RecordRow[]): number {
    for (const row of rows) {
      this.deleteLatest.run(partition.id, keyDigest(this.message(partition, row).key), row.id);
      // One that is found and cannot be removed would be found again, for ever.
      if (Number(this.deleteRecord.run(row.id).changes) !== 1) throw this.lost('at', partition, row.id);
    }
    return rows.length;
  }

  private message(partition: Partition, row: RecordRow): Message {
    const { timestamp, content, tombstone, crc } = row;
    const place = { topic: partition.topic.name, partition: partition.partition, offset: offsetOf(row.id), timestamp };
    const what = `the message at ${place.topic}/${place.partition}/${place.offset}`;
    // A damaged row may hold another kind of value altogether.
    if (!ArrayBuffer.isView(content) || recordChecksum(row) !== crc) {
      throw new EngineDamaged(this.engine, `${what} is not what was written`);
    }
    return toMessage(this.packing.unpack(content, what), tombstone === 1, place);
  }

  private first(partition: Partition, from: number): { readonly offset: number; readonly timestamp: number } | undefined {
    const asked = recordId(partition.id, from);
    const row = this.selectFirst.get(asked, recordId(partition.id + 1, 0)) as RecordRow | undefined;
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

const recordChecksum = ({ id, timestamp, content, tombstone }: Omit<RecordRow, 'crc'>): number =>
  crc32(content, crc32(`${id}\n${timestamp}\n${tombstone}\n`)) | 0;

/** Stands for a key of any length: half a SHA-256, which no two keys share. */
const keyDigest = (key: string): Uint8Array => hash('sha256', key, 'buffer').subarray(0, 16);

const latestChecksum = ({ id }: Partition, digest: Uint8Array, record: number): number =>
  crc32(digest, crc32(`${id}\n${record}\n`)) | 0;
