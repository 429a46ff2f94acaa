import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { EngineDamaged, type Message } from '@weft/processing';
import { blobOf } from './checksum.js';
import type { Database, Statement } from './driver.js';
import { offsetSince, READ_BYTES_MAX, type MessageRows, type PreparedMessage } from './message-rows.js';
import type { Packing } from './packing.js';
import { offsetOf, recordId, toMessage } from './stored-message.js';
import { partsOf } from './stored-run.js';
import type { Partition, TopicTable } from './topic-table.js';

/** So many messages, or bytes, of one partition key lie in one row: it is written again when one of them is superseded. */
const ROW_MESSAGES = 32;
const ROW_BYTES = 64 * 1024;
/** So many rows are removed in one transaction. */
const REMOVED_AT_ONCE = 100;

/** A row of the records table. Its id is the partition's id and the offset of the first message that was written there in one number. */
interface RecordRow {
  readonly id: number;
  /** How many of its messages have no value. */
  readonly tombstones: number;
  readonly body: Uint8Array;
}

/** What stands in front of a body: a checksum, when its messages were published, how many there are, whose they are, and the offsets of all. */
const [CRC, TIMESTAMP, COUNT, WHOSE, OFFSETS] = [0, 4, 12, 16, 24];
const WHOSE_BYTES = OFFSETS - WHOSE;
const KEY_BYTES = 12;

/** A row that passed its checksum. Its messages are unpacked when they are first asked for. */
interface Records {
  readonly id: number;
  readonly timestamp: number;
  readonly whose: Buffer;
  /** Of the messages that are left, in their order. */
  readonly offsets: readonly number[];
  readonly packed: Buffer;
}

interface StoredRecord {
  readonly offset: number;
  readonly content: Buffer;
  readonly isTombstone: boolean;
}

/** Messages of one partition key that the transaction under way has published, one after the other. */
interface Pending {
  readonly partition: Partition;
  readonly whose: string;
  readonly first: number;
  readonly timestamp: number;
  readonly messages: PreparedMessage[];
  bytes: number;
}

/**
 * The messages of compacted topics. What one transaction publishes under one partition key lies together in rows; a message that
 * another one of its key takes the place of is taken out of its row in that transaction.
 */
export class RecordTable implements MessageRows {
  private readonly pending = new Map<number, Pending>();
  /** By row, the keys of messages that were superseded in the transaction under way. */
  private readonly superseded = new Map<number, { readonly partition: Partition; readonly keys: Set<string> }>();
  private readonly insert: Statement;
  private readonly update: Statement;
  private readonly select: Statement;
  private readonly selectOne: Statement;
  private readonly selectLatest: Statement;
  private readonly upsertLatest: Statement;
  private readonly deleteRow: Statement;
  private readonly deleteLatest: Statement;
  private readonly selectOld: Statement;
  private readonly selectTombstones: Statement;

  constructor(
    database: Database,
    private readonly topics: TopicTable,
    private readonly packing: Packing,
    private readonly engine: string,
  ) {
    this.insert = database.prepare('INSERT INTO records (id, tombstones, body) VALUES (?, ?, ?)');
    this.update = database.prepare('UPDATE records SET tombstones = ?, body = ? WHERE id = ?');
    const rows = 'SELECT id, tombstones, body FROM records';
    // From the row that may hold the first one wanted.
    this.select = database.prepare(
      `${rows} WHERE id >= coalesce((SELECT max(id) FROM records WHERE id >= ?1 AND id <= ?2), ?2) AND id < ?3 ORDER BY id`,
    );
    this.selectOne = database.prepare(`${rows} WHERE id = ?`);
    this.selectLatest = database.prepare('SELECT record_id AS id, crc FROM latest WHERE partition_id = ? AND key = ?');
    this.upsertLatest = database.prepare(
      `INSERT INTO latest (partition_id, key, record_id, crc) VALUES (?, ?, ?, ?)
       ON CONFLICT (partition_id, key) DO UPDATE SET record_id = excluded.record_id, crc = excluded.crc`,
    );
    this.deleteRow = database.prepare('DELETE FROM records WHERE id = ?');
    this.deleteLatest = database.prepare('DELETE FROM latest WHERE partition_id = ? AND key = ? AND record_id = ?');
    this.selectOld = database.prepare(`${rows} WHERE id >= ? AND id < ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`);
    this.selectTombstones = database.prepare(
      `${rows} WHERE tombstones > 0 AND id >= ? AND id < ? ORDER BY id LIMIT ${REMOVED_AT_ONCE}`,
    );
  }

  append(partition: Partition, message: PreparedMessage, now: number): number {
    const whose = message.partitionKey ?? message.key;
    let pending = this.pending.get(partition.id);
    if (pending !== undefined && !isRoomIn(pending, whose, message)) {
      this.write(pending);
      pending = undefined;
    }
    const timestamp = pending?.timestamp ?? Math.max(now, partition.lastTimestamp);
    const offset = this.topics.take(partition, timestamp);
    pending ??= { partition, whose, first: offset, timestamp, messages: [], bytes: 0 };
    pending.messages.push(message);
    pending.bytes += message.content.length;
    this.pending.set(partition.id, pending);
    return offset;
  }

  read(partition: Partition, from: number, maxCount: number): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    for (const records of this.rowsFrom(partition, from)) {
      if (messages.length >= maxCount || bytes >= READ_BYTES_MAX) break;
      for (const record of this.recordsOf(partition, records)) {
        if (record.offset < from) continue;
        const message = this.message(partition, records, record);
        messages.push(message);
        bytes += message.value?.length ?? 0;
        if (messages.length >= maxCount || bytes >= READ_BYTES_MAX) break;
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
    const rows = this.selectOld.all(recordId(partition.id, 0), recordId(partition.id, this.firstSince(partition, before)));
    return this.remove(
      partition,
      (rows as RecordRow[]).map((row) => this.recordsIn(partition, row)),
      () => true,
    );
  }

  /** Removes some of the tombstones before a time; says how many. */
  expireTombstones(partition: Partition, before: number): number {
    const rows = this.selectTombstones.all(recordId(partition.id, 0), recordId(partition.id + 1, 0)) as RecordRow[];
    const old = rows.map((row) => this.recordsIn(partition, row)).filter(({ timestamp }) => timestamp < before);
    return this.remove(partition, old, ({ isTombstone }) => isTombstone);
  }

  beforeCommit(): void {
    for (const pending of this.pending.values()) this.write(pending);
    this.pending.clear();
    for (const [id, { partition, keys }] of this.superseded) this.takeOut(partition, id, keys);
    this.superseded.clear();
  }

  rolledBack(): void {
    this.pending.clear();
    this.superseded.clear();
  }

  /** Of one key the last message. */
  private write({ partition, whose: partitionKey, first, timestamp, messages }: Pending): void {
    const last = new Map(messages.map(({ key }, index) => [key, index]));
    const id = recordId(partition.id, first);
    const whose = digestOf(partitionKey).subarray(0, WHOSE_BYTES);
    const records = [...last.values()]
      .sort((one, other) => one - other)
      .map((index): StoredRecord => ({ ...(messages[index] as PreparedMessage), offset: first + index }));
    const { tombstones, body } = this.rowOf({ id, timestamp, whose }, records);
    this.insert.run(id, tombstones, body);
    for (const key of last.keys()) this.supersede(partition, { id, whose }, key);
  }

  private supersede(partition: Partition, { id, whose }: Pick<Records, 'id' | 'whose'>, key: string): void {
    const digest = latestKey(whose, key);
    const before = this.selectLatest.get(partition.id, digest) as { id: number; crc: number } | undefined;
    this.upsertLatest.run(partition.id, digest, id, latestChecksum(partition, digest, id));
    if (before === undefined) return;
    if (before.crc !== latestChecksum(partition, digest, before.id)) throw this.lost('before', partition, id);
    const taken = this.superseded.get(before.id) ?? { partition, keys: new Set() };
    this.superseded.set(before.id, taken);
    taken.keys.add(key);
  }

  private takeOut(partition: Partition, id: number, keys: ReadonlySet<string>): void {
    const row = this.selectOne.get(id) as RecordRow | undefined;
    if (row === undefined) throw this.lost('at', partition, id);
    const records = this.recordsIn(partition, row);
    const left = keys.size === records.offsets.length ? [] : this.recordsOf(partition, records);
    const kept = left.filter(({ content }) => !keys.has(keyOf(content)));
    if (kept.length + keys.size !== records.offsets.length) throw this.lost('before', partition, id);
    this.replace(partition, records, kept);
  }

  private remove(partition: Partition, rows: readonly Records[], isOver: (record: StoredRecord) => boolean): number {
    let removed = 0;
    for (const row of rows) {
      const records = this.recordsOf(partition, row);
      const over = records.filter(isOver);
      for (const { content } of over) this.deleteLatest.run(partition.id, latestKey(row.whose, keyOf(content)), row.id);
      this.replace(
        partition,
        row,
        records.filter((record) => !isOver(record)),
      );
      removed += over.length;
    }
    return removed;
  }

  /** One that is found and cannot be removed would be found again, for ever. */
  private replace(partition: Partition, row: Records, kept: readonly StoredRecord[]): void {
    const { changes } = kept.length === 0 ? this.deleteRow.run(row.id) : this.rewrite(row, kept);
    if (Number(changes) !== 1) throw this.lost('at', partition, row.id);
  }

  private rewrite(row: Records, kept: readonly StoredRecord[]): ReturnType<Statement['run']> {
    const { tombstones, body } = this.rowOf(row, kept);
    return this.update.run(tombstones, body, row.id);
  }

  private rowOf(
    { id, timestamp, whose }: Pick<Records, 'id' | 'timestamp' | 'whose'>,
    records: readonly StoredRecord[],
  ): Omit<RecordRow, 'id'> & { readonly body: Buffer } {
    // A length says with its sign that there is no value.
    const lengths = records.map(({ content, isTombstone }) => (isTombstone ? -content.length : content.length));
    const packed = this.packing.pack(
      Buffer.concat([Buffer.from(`${lengths.join()}\0`), ...records.map(({ content }) => content)]),
    );
    const start = OFFSETS + 4 * records.length;
    const body = Buffer.allocUnsafe(start + packed.length);
    body.writeDoubleLE(timestamp, TIMESTAMP);
    body.writeUInt32LE(records.length, COUNT);
    body.set(whose, WHOSE);
    for (const [index, { offset }] of records.entries()) body.writeUInt32LE(offset - offsetOf(id), OFFSETS + 4 * index);
    body.set(packed, start);
    const tombstones = records.filter(({ isTombstone }) => isTombstone).length;
    body.writeUInt32LE(recordChecksum({ id, tombstones, body }), CRC);
    return { tombstones, body };
  }

  /** Rows from the one on that may hold an offset. In a damaged tree SQLite also gives rows from before: whoever goes on behind them never ends. */
  private *rowsFrom(partition: Partition, from: number): Generator<Records> {
    const asked = recordId(partition.id, from);
    let least: number | undefined;
    const rows = this.select.iterate(recordId(partition.id, 0), asked, recordId(partition.id + 1, 0)) as Iterable<RecordRow>;
    for (const row of rows) {
      if (least !== undefined && row.id <= least) throw this.disorder(partition, from);
      least = Math.max(row.id, asked);
      yield this.recordsIn(partition, row);
    }
  }

  /** A damaged row may hold another kind of value altogether. */
  private recordsIn(partition: Partition, { id, tombstones, body: bytes }: RecordRow): Records {
    const body = blobOf(bytes);
    const isWhole = body.length > OFFSETS && recordChecksum({ id, tombstones, body }) === body.readUInt32LE(CRC);
    if (!isWhole) throw new EngineDamaged(this.engine, `${this.nameOf(partition, id)} are not what was written`);
    const count = body.readUInt32LE(COUNT);
    const offsets = Array.from({ length: count }, (_, index) => offsetOf(id) + body.readUInt32LE(OFFSETS + 4 * index));
    const packed = body.subarray(OFFSETS + 4 * count);
    return { id, timestamp: body.readDoubleLE(TIMESTAMP), whose: body.subarray(WHOSE, OFFSETS), offsets, packed };
  }

  private recordsOf(partition: Partition, { id, offsets, packed }: Records): StoredRecord[] {
    const content = this.packing.unpack(packed, this.nameOf(partition, id));
    const lengths = content.toString('latin1', 0, content.indexOf(0)).split(',');
    return partsOf(content).map((part, index) => ({
      ...{ offset: offsets[index] as number, content: part },
      isTombstone: (lengths[index] as string).startsWith('-'),
    }));
  }

  private message(
    { topic, partition }: Partition,
    { timestamp }: Records,
    { offset, content, isTombstone }: StoredRecord,
  ): Message {
    return toMessage(content, isTombstone, { topic: topic.name, partition, offset, timestamp });
  }

  private first(partition: Partition, from: number): { readonly offset: number; readonly timestamp: number } | undefined {
    for (const { offsets, timestamp } of this.rowsFrom(partition, from)) {
      const offset = offsets.find((one) => one >= from);
      if (offset !== undefined) return { offset, timestamp };
    }
    return undefined;
  }

  private nameOf({ topic, partition }: Partition, id: number): string {
    return `the messages from ${topic.name}/${partition}/${offsetOf(id)} on`;
  }

  private lost(where: 'at' | 'before', { topic, partition }: Partition, id: number): EngineDamaged {
    return new EngineDamaged(this.engine, `the record ${where} ${topic.name}/${partition}/${offsetOf(id)} is lost`);
  }

  private disorder({ topic, partition }: Partition, offset: number): EngineDamaged {
    return new EngineDamaged(this.engine, `${topic.name}/${partition} is not in order at offset ${offset}`);
  }
}

function isRoomIn({ whose, messages, bytes }: Pending, partitionKey: string, { content }: PreparedMessage): boolean {
  return whose === partitionKey && messages.length < ROW_MESSAGES && bytes + content.length <= ROW_BYTES;
}

const recordChecksum = ({ id, tombstones, body }: RecordRow): number =>
  crc32(body.subarray(CRC + 4), crc32(`${id}\n${tombstones}\n`));

const keyOf = (content: Buffer): string => content.toString('utf8', 0, content.indexOf(0));

const digestOf = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Stands for a key of any length; those of one partition key lie side by side. No two keys share it. */
const latestKey = (whose: Uint8Array, key: string): Buffer => Buffer.concat([whose, digestOf(key).subarray(0, KEY_BYTES)]);

const latestChecksum = ({ id }: Partition, digest: Uint8Array, record: number): number =>
  crc32(digest, crc32(`${id}\n${record}\n`)) | 0;
