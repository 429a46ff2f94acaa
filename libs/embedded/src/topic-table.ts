import { InvalidCall, type TopicSpec } from '@weft/processing';
import { checkRow, rowChecksum } from './checksum.js';
import type { Database, Statement } from './driver.js';
import { Notifier } from './notifier.js';
import { PARTITIONS_MAX } from './stored-message.js';

export interface Partition {
  readonly id: number;
  readonly partition: number;
  readonly topic: Topic;
  /** Offset that the next message gets. */
  high: number;
  /** Of the last message: time never runs backwards within a partition, so that an offset can be looked up by it. */
  lastTimestamp: number;
}

export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly compacted: boolean;
  readonly retentionMs: number | undefined;
  /** In order, and only ever added to. */
  readonly partitions: Partition[];
  /** Told of new messages and of new partitions. */
  readonly arrivals: Notifier;
}

interface TopicRow {
  readonly id: number;
  readonly name: string;
  readonly compacted: number;
  readonly retentionMs: number | null;
  readonly crc: number;
}

interface PartitionRow {
  readonly id: number;
  readonly topicId: number;
  readonly partition: number;
  readonly high: number;
  readonly lastTimestamp: number;
  readonly changed: number;
  readonly crc: number;
}

/** Kafka's own rule for names of topics. */
const TOPIC_NAME = /^[A-Za-z0-9._-]{1,249}$/;

/**
 * Topics, their partitions and the next offset of each, kept in memory and true as of the last `refresh`; empty before the first.
 * Two counters in the file say what is new to a connection: `layout` counts the changes of who reads what (topics,
 * partitions, members, claims), `changed` numbers the commits that wrote to a partition.
 */
export class TopicTable {
  readonly layoutChanged = new Notifier();
  private readonly topics = new Map<string, Topic>();
  private readonly topicsById = new Map<number, Topic>();
  private readonly partitions = new Map<number, Partition>();
  private readonly written = new Set<Partition>();
  private layout = -1;
  private changed = -1;
  private layoutTouched = false;

  private readonly selectLayout: Statement;
  private readonly raiseLayout: Statement;
  private readonly selectTopics: Statement;
  private readonly selectTopic: Statement;
  private readonly selectPartitions: Statement;
  private readonly countPartitions: Statement;
  private readonly nextTopic: Statement;
  private readonly insertTopic: Statement;
  private readonly insertPartition: Statement;
  private readonly updatePartition: Statement;

  constructor(
    database: Database,
    private readonly engine: string,
  ) {
    this.selectLayout = database.prepare('SELECT layout FROM bus');
    this.raiseLayout = database.prepare('UPDATE bus SET layout = layout + 1');
    this.selectTopics = database.prepare('SELECT id, name, compacted, retention_ms AS retentionMs, crc FROM topics');
    this.selectTopic = database.prepare('SELECT id FROM topics WHERE name = ?');
    this.selectPartitions = database.prepare(
      `SELECT id, topic_id AS topicId, partition, high, last_timestamp AS lastTimestamp, changed, crc
       FROM partitions WHERE changed > ? ORDER BY id`,
    );
    this.countPartitions = database.prepare(
      'SELECT coalesce(max(id), 0) AS last, count(CASE WHEN topic_id = ? THEN 1 END) AS here FROM partitions',
    );
    this.nextTopic = database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM topics');
    this.insertTopic = database.prepare('INSERT INTO topics (id, name, compacted, retention_ms, crc) VALUES (?, ?, ?, ?, ?)');
    this.insertPartition = database.prepare(
      'INSERT INTO partitions (id, topic_id, partition, high, last_timestamp, changed, crc) VALUES (?, ?, ?, 0, 0, ?, ?)',
    );
    this.updatePartition = database.prepare(
      'UPDATE partitions SET high = ?, last_timestamp = ?, changed = ?, crc = ? WHERE id = ?',
    );
  }

  find(name: string): Topic | undefined {
    return this.topics.get(name);
  }

  partition(id: number): Partition | undefined {
    return this.partitions.get(id);
  }

  all(): readonly Topic[] {
    return [...this.topics.values()];
  }

  /**
   * Takes over what the file says now, and wakes whoever waits for what is new. These are several looks: where a topic is made
   * between them, its partitions are passed over, so a new layout is a reason to look at all partitions.
   */
  refresh(): void {
    const { layout } = this.selectLayout.get() as { layout: number };
    if (layout !== this.layout) {
      this.readTopics();
      this.changed = -1;
    }
    this.readPartitions();
    if (layout === this.layout) return;
    this.layout = layout;
    this.layoutChanged.notify();
  }

  /** Within a transaction: the next offset of a partition is taken. */
  take(partition: Partition, timestamp: number): number {
    const offset = partition.high;
    partition.high += 1;
    partition.lastTimestamp = timestamp;
    this.written.add(partition);
    return offset;
  }

  /** Within a transaction: others must look again who reads what. */
  touchLayout(): void {
    this.layoutTouched = true;
  }

  /** Within a transaction. Looks into the file, as another caller may have created the same topic in this very transaction. */
  create(spec: TopicSpec): void {
    const known = (this.selectTopic.get(spec.topic) as { id: number } | undefined)?.id;
    const { last, here } = this.countPartitions.get(known ?? -1) as { last: number; here: number };
    if (last + spec.partitions - here > PARTITIONS_MAX) {
      throw new InvalidCall(`topic ${spec.topic}: the embedded bus holds at most ${PARTITIONS_MAX} partitions`);
    }
    const topicId = known ?? this.insert(spec);
    const changed = this.changed + 1;
    for (let partition = here; partition < spec.partitions; partition += 1) {
      const id = last + 1 + partition - here;
      this.insertPartition.run(id, topicId, partition, changed, rowChecksum(id, topicId, partition, 0, 0, changed));
      this.touchLayout();
    }
  }

  beforeCommit(): void {
    const changed = this.changed + 1;
    for (const { id, topic, partition, high, lastTimestamp } of this.written) {
      const crc = rowChecksum(id, topic.id, partition, high, lastTimestamp, changed);
      this.updatePartition.run(high, lastTimestamp, changed, crc, id);
    }
    if (this.layoutTouched) this.raiseLayout.run();
  }

  committed(): void {
    if (this.written.size > 0 || this.layoutTouched) this.changed += 1;
    const topics = new Set([...this.written].map(({ topic }) => topic));
    this.written.clear();
    if (this.layoutTouched) this.readAgain();
    this.layoutTouched = false;
    for (const topic of topics) topic.arrivals.notify();
  }

  rolledBack(): void {
    this.written.clear();
    this.layoutTouched = false;
    this.readAgain();
  }

  private readAgain(): void {
    this.layout = -1;
    this.refresh();
  }

  private insert(spec: TopicSpec): number {
    const { id } = this.nextTopic.get() as { id: number };
    const compacted = spec.compacted === true ? 1 : 0;
    const retentionMs = spec.retentionMs ?? null;
    this.insertTopic.run(id, spec.topic, compacted, retentionMs, rowChecksum(id, spec.topic, compacted, retentionMs));
    return id;
  }

  private readTopics(): void {
    for (const row of this.selectTopics.all() as TopicRow[]) {
      checkRow(this.engine, `topic ${row.name}`, row.crc, row.id, row.name, row.compacted, row.retentionMs);
      if (this.topicsById.has(row.id)) continue;
      const topic: Topic = {
        id: row.id,
        name: row.name,
        compacted: row.compacted === 1,
        retentionMs: row.retentionMs ?? undefined,
        partitions: [],
        arrivals: new Notifier(),
      };
      this.topics.set(topic.name, topic);
      this.topicsById.set(topic.id, topic);
    }
  }

  private readPartitions(): void {
    const arrived = new Set<Topic>();
    for (const row of this.selectPartitions.all(this.changed) as PartitionRow[]) {
      const { id, topicId, partition, high, lastTimestamp, changed } = row;
      checkRow(this.engine, `partition ${id}`, row.crc, id, topicId, partition, high, lastTimestamp, changed);
      this.changed = Math.max(this.changed, changed);
      const topic = this.topicsById.get(topicId);
      if (topic === undefined) continue;
      arrived.add(topic);
      const known = this.partitions.get(id);
      if (known !== undefined) {
        known.high = high;
        known.lastTimestamp = lastTimestamp;
        continue;
      }
      const created = { id, partition, topic, high, lastTimestamp };
      this.partitions.set(id, created);
      topic.partitions.push(created);
    }
    for (const topic of arrived) topic.arrivals.notify();
  }
}

export function checkTopicSpec(spec: TopicSpec): void {
  if (!TOPIC_NAME.test(spec.topic)) throw new InvalidCall(`${JSON.stringify(spec.topic)} is no name of a topic`);
  if (!Number.isSafeInteger(spec.partitions) || spec.partitions < 1) {
    throw new InvalidCall(`topic ${spec.topic}: ${spec.partitions} is no number of partitions`);
  }
  if (spec.retentionMs !== undefined && !(spec.retentionMs >= 0)) {
    throw new InvalidCall(`topic ${spec.topic}: ${spec.retentionMs} is no retention`);
  }
}
