import type { Coordinates } from '@weft/domain';
import {
  InvalidCall,
  partitionOf,
  UnknownTopic,
  type Clock,
  type ConsumeOptions,
  type Consumer,
  type EventBus,
  type EventStore,
  type FollowOptions,
  type Message,
  type OutgoingMessage,
  type PartitionOffsets,
  type Seat,
  type Subscription,
  type TopicSpec,
} from '@weft/processing';
import { BatchTable } from './batch-table.js';
import { ConsumerGroups } from './consumer-groups.js';
import { isClosed, named, type DataFile, type Part } from './data-file.js';
import type { SqliteEventStore } from './event-store.js';
import { Follower } from './follower.js';
import { GroupMember } from './group-member.js';
import type { MessageRows, PreparedMessage } from './message-rows.js';
import { checkCount } from './new-events.js';
import { RecordTable } from './record-table.js';
import { Seats } from './seats.js';
import { checkMessage, messageContent } from './stored-message.js';
import { systemClock } from './system.js';
import { checkTopicSpec, TopicTable, type Partition, type Topic } from './topic-table.js';

const DEFAULT_MAX_COUNT = 500;
const DAY_MS = 24 * 60 * 60 * 1_000;

export interface BusSettings {
  readonly clock?: Clock;
  /** How long somebody who reads along pauses after the handler threw (default 250 ms). */
  readonly retryPauseMs?: number;
  /** A member of a group that has not been heard of for so long is out (default 10 s). */
  readonly leaseMs?: number;
  /** So is one whose handler takes longer without a heartbeat (default 60 s). */
  readonly handlerTimeoutMs?: number;
  /** How long a compacted topic keeps a tombstone, for those who are away to see it (default 24 h). */
  readonly tombstoneRetentionMs?: number;
}

export interface EmbeddedBus extends EventBus {
  /** Removes what retention allows to go; to be called now and then. Resolves with the number of messages removed. */
  maintain(): Promise<number>;
  /** Reads the whole file and compares every page and index; throws EngineDamaged with what it found. Blocks while it runs. */
  checkIntegrity(): Promise<void>;
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new InvalidCall(`${offset} is no offset`);
}

export class SqliteEventBus implements EmbeddedBus, Part {
  private readonly topicTable: TopicTable;
  private readonly records: RecordTable;
  private readonly batches: BatchTable;
  private readonly groups: ConsumerGroups;
  private readonly seats: Seats;
  private readonly active = new Set<Subscription>();
  private readonly settings: Required<BusSettings>;
  private closed = false;

  constructor(
    private readonly file: DataFile,
    settings: BusSettings,
  ) {
    const { clock = systemClock, retryPauseMs = 250, leaseMs = 10_000, handlerTimeoutMs = 60_000 } = settings;
    const { tombstoneRetentionMs = DAY_MS } = settings;
    this.settings = { clock, retryPauseMs, leaseMs, handlerTimeoutMs, tombstoneRetentionMs };
    const { database, packing, engine } = file;
    this.topicTable = new TopicTable(database, engine);
    this.records = new RecordTable(database, this.topicTable, packing, engine);
    this.batches = new BatchTable(database, this.topicTable, packing, engine);
    this.groups = new ConsumerGroups(database, this.topicTable, engine, { now: () => clock.now(), leaseMs });
    this.seats = new Seats(database, engine);
  }

  onForeignCommit(): void {
    this.topicTable.refresh();
  }

  onBeforeCommit(): void {
    this.batches.beforeCommit();
    this.records.beforeCommit();
    this.topicTable.beforeCommit();
  }

  onCommitted(): void {
    this.topicTable.committed();
  }

  onRolledBack(): void {
    this.batches.rolledBack();
    this.records.rolledBack();
    this.topicTable.rolledBack();
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    return this.publishUnless(messages, () => undefined);
  }

  async takeSeat(name: string): Promise<Seat> {
    if (name === '') throw new InvalidCall('a seat needs a name');
    const epoch = await this.file.commits.submit(() => this.seats.take(name));
    return { publish: (messages) => this.publishUnless(messages, () => this.seats.check(name, epoch)) };
  }

  /** @param check throws, within the transaction, where nothing is to be written. */
  private async publishUnless(messages: readonly OutgoingMessage[], check: () => void): Promise<Coordinates[]> {
    const bytes = messages.reduce((sum, message, index) => sum + checkMessage(message, index), 0);
    if (messages.length === 0) return [];
    this.refuseIfUnusable();
    // They are written a moment later, and may be the caller's to change by then.
    const ready = messages.map((message): PreparedMessage => ({
      ...{ topic: message.topic, key: message.key, partitionKey: message.partitionKey },
      content: messageContent(message),
      isTombstone: message.value === null,
    }));
    const publish = (): Coordinates[] => {
      check();
      return this.write(ready);
    };
    return this.file.commits.submit(publish, ready.length, bytes);
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    this.refuseIfUnusable();
    if (options.group === '') throw new InvalidCall('a group needs a name');
    if (options.topics.length === 0) throw new InvalidCall(`group ${options.group}: a consumer needs at least one topic`);
    if (options.maxBatch !== undefined) checkCount(options.maxBatch);
    this.ask(() => options.topics.forEach((topic) => this.topic(topic)));
    const { clock, leaseMs, handlerTimeoutMs, retryPauseMs } = this.settings;
    const parts = {
      groups: this.groups,
      topics: this.topicTable,
      commits: this.file.commits,
      timers: this.file.waiting.timers,
      random: this.file.waiting.random,
      now: () => clock.now(),
      steady: () => clock.steady(),
      leaseMs,
      handlerTimeoutMs,
      retryPauseMs,
      fetch: (partition: Partition, from: number, maxCount: number) => this.fetch(partition, from, maxCount),
    };
    const member: GroupMember = new GroupMember(
      options,
      parts,
      this.activity(() => member),
    );
    this.active.add(member);
    await member.start();
    return member;
  }

  async follow(options: FollowOptions): Promise<Subscription> {
    const topic = this.ask(() => this.topic(options.topic));
    if (typeof options.from !== 'string') options.from.forEach(checkOffset);
    const follower: Follower = new Follower(topic, options, {
      timers: this.file.waiting.timers,
      retryPauseMs: this.settings.retryPauseMs,
      fetch: (partition, from) => this.fetch(partition, from, DEFAULT_MAX_COUNT),
      onStopped: this.activity(() => follower),
    });
    this.active.add(follower);
    void follower.run();
    return follower;
  }

  async read(topic: string, partition: number, from: number, maxCount = DEFAULT_MAX_COUNT): Promise<Message[]> {
    checkOffset(from);
    checkCount(maxCount);
    return this.fetch(
      this.ask(() => this.partition(topic, partition)),
      from,
      maxCount,
    );
  }

  async offsets(topic: string): Promise<PartitionOffsets[]> {
    return this.ask(() =>
      this.topic(topic).partitions.map((partition) => ({
        partition: partition.partition,
        low: this.rowsOf(partition).low(partition),
        high: partition.high,
      })),
    );
  }

  async offsetsAt(topic: string, time: number): Promise<{ readonly partition: number; readonly offset: number }[]> {
    return this.ask(() =>
      this.topic(topic).partitions.map((partition) => ({
        partition: partition.partition,
        offset: this.rowsOf(partition).firstSince(partition, time),
      })),
    );
  }

  async committed(group: string, topic: string): Promise<{ readonly partition: number; readonly offset: number }[]> {
    return this.ask(() =>
      this.topic(topic).partitions.map(({ id, partition }) => ({ partition, offset: this.groups.committed(group, id) })),
    );
  }

  async seek(
    group: string,
    topic: string,
    offsets: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    for (const { offset } of offsets) checkOffset(offset);
    const byPartition = this.ask(
      () => new Map(offsets.map(({ partition, offset }) => [this.partition(topic, partition).id, offset])),
    );
    await this.file.commits.submit(() => this.groups.seek(group, byPartition));
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    specs.forEach(checkTopicSpec);
    await this.file.commits.submit(() => specs.forEach((spec) => this.topicTable.create(spec)));
  }

  async topics(): Promise<TopicSpec[]> {
    return this.ask(() => {
      this.file.foreign.look();
      return this.topicTable
        .all()
        .map(({ name, partitions, compacted, retentionMs }) => ({
          topic: name,
          partitions: partitions.length,
          ...(compacted ? { compacted } : {}),
          ...(retentionMs === undefined ? {} : { retentionMs }),
        }))
        .sort((a, b) => (a.topic < b.topic ? -1 : 1));
    });
  }

  async maintain(): Promise<number> {
    const now = this.settings.clock.now();
    let removed = 0;
    for (const { compacted, retentionMs, partitions } of this.ask(() => this.topicTable.all())) {
      for (const partition of partitions) {
        if (retentionMs !== undefined)
          removed += await this.sweep(() => this.rowsOf(partition).expire(partition, now - retentionMs));
        const tombstonesUntil = now - this.settings.tombstoneRetentionMs;
        if (compacted) removed += await this.sweep(() => this.records.expireTombstones(partition, tombstonesUntil));
      }
    }
    return removed;
  }

  isOneWith(store: EventStore): boolean {
    return (store as Partial<SqliteEventStore>).file === this.file;
  }

  async check(): Promise<void> {
    this.ask(() => this.file.foreign.look());
  }

  async checkIntegrity(): Promise<void> {
    this.refuseIfUnusable();
    this.file.checkIntegrity();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.active].map((one) => one.stop()));
    await this.file.leave();
  }

  /** Within the transaction: finds every partition before it writes, so that a refusal has written nothing. */
  private write(messages: readonly PreparedMessage[]): Coordinates[] {
    const now = this.settings.clock.now();
    const partitions = messages.map(({ topic, key, partitionKey }) => {
      const found = this.topicTable.find(topic)?.partitions;
      const partition = found?.[partitionOf(partitionKey ?? key, found.length)];
      if (partition === undefined) throw new UnknownTopic(topic);
      return partition;
    });
    return messages.map((message, index) => {
      const partition = partitions[index] as Partition;
      return {
        topic: message.topic,
        partition: partition.partition,
        offset: this.rowsOf(partition).append(partition, message, now),
      };
    });
  }

  /** Removes in small transactions, so that publishers wait for none of it. */
  private async sweep(removeSome: () => number): Promise<number> {
    for (let total = 0; ;) {
      const removed = await this.file.commits.submit(removeSome);
      if (removed === 0) return total;
      total += removed;
    }
  }

  private rowsOf({ topic }: Partition): MessageRows {
    return topic.compacted ? this.records : this.batches;
  }

  /** Also while closing: readers stop before the file is closed. */
  private fetch(partition: Partition, from: number, maxCount: number): Message[] {
    return named(() => {
      this.file.refuseDamaged();
      return this.rowsOf(partition).read(partition, from, maxCount);
    });
  }

  /** As the file says now, whoever wrote it. */
  private topic(name: string): Topic {
    this.file.foreign.look();
    const topic = this.topicTable.find(name);
    if (topic === undefined) throw new UnknownTopic(name);
    return topic;
  }

  private partition(topic: string, number: number): Partition {
    const partition = this.topic(topic).partitions[number];
    if (partition === undefined) throw new InvalidCall(`topic ${topic} has no partition ${number}`);
    return partition;
  }

  /** While somebody reads along, other processes' commits are looked for. */
  private activity(one: () => Subscription): () => void {
    const leave = this.file.foreign.listen();
    return () => {
      leave();
      this.active.delete(one());
    };
  }

  private ask<T>(question: () => T): T {
    this.refuseIfUnusable();
    return named(question);
  }

  private refuseIfUnusable(): void {
    this.file.refuseDamaged();
    if (this.closed) throw isClosed();
  }
}
