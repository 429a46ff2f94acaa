import type { Coordinates } from '@weft/domain';
import {
  EngineUnavailable,
  InvalidCall,
  partitionOf,
  UnknownTopic,
  type Clock,
  type ConsumeOptions,
  type Consumer,
  type EventBus,
  type FollowOptions,
  type Message,
  type OutgoingMessage,
  type PartitionOffsets,
  type Random,
  type Seat,
  type Subscription,
  type Timers,
  type TopicSpec,
} from '@weft/processing';
import { ConsumerGroups } from './consumer-groups.js';
import { checkIntegrity, closeDatabase, openDatabase, prepareAll, type Checking, type Waiting } from './database.js';
import type { Database } from './driver.js';
import { engineError } from './errors.js';
import { Follower } from './follower.js';
import { ForeignCommits } from './foreign-commits.js';
import { GroupCommit } from './group-commit.js';
import { GroupMember } from './group-member.js';
import { Packing } from './packing.js';
import { RecordTable, type PreparedMessage } from './record-table.js';
import { BUS_SCHEMA } from './schemas.js';
import { Seats } from './seats.js';
import { checkCount } from './stored-event.js';
import { checkMessage } from './stored-message.js';
import { systemClock, systemRandom, systemTimers } from './system.js';
import { checkTopicSpec, TopicTable, type Partition, type Topic } from './topic-table.js';
import { WholeCheck, type CheckedFile } from './whole-check.js';

const DEFAULT_MAX_COUNT = 500;
const DAY_MS = 24 * 60 * 60 * 1_000;

export interface EmbeddedBusOptions extends Checking {
  /** The data directory; made where it is missing. */
  readonly directory: string;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
  /** How long another process's lock is waited for (default 10 s). */
  readonly lockTimeoutMs?: number;
  /** How often consumers look for what other processes commit (default 5 ms). */
  readonly pollMs?: number;
  /** How long a consumer pauses after its handler threw (default 250 ms). */
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

/** Opens (or makes) `bus.db`. Throws EngineDamaged or EngineUnavailable. It does not replicate: one machine, one disk. */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const waiting = {
    timers: options.timers ?? systemTimers,
    random: options.random ?? systemRandom,
    lockTimeoutMs: options.lockTimeoutMs ?? 10_000,
  };
  const { database, unchecked } = await openDatabase(options.directory, BUS_SCHEMA, waiting, options);
  return prepareAll(
    database,
    BUS_SCHEMA.file,
    () =>
      new SqliteEventBus(database, unchecked, waiting, {
        clock: options.clock ?? systemClock,
        pollMs: options.pollMs ?? 5,
        retryPauseMs: options.retryPauseMs ?? 250,
        leaseMs: options.leaseMs ?? 10_000,
        handlerTimeoutMs: options.handlerTimeoutMs ?? 60_000,
        tombstoneRetentionMs: options.tombstoneRetentionMs ?? DAY_MS,
      }),
  );
}

interface Settings {
  readonly clock: Clock;
  readonly pollMs: number;
  readonly retryPauseMs: number;
  readonly leaseMs: number;
  readonly handlerTimeoutMs: number;
  readonly tombstoneRetentionMs: number;
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new InvalidCall(`${offset} is no offset`);
}

class SqliteEventBus implements EmbeddedBus {
  private readonly topicTable: TopicTable;
  private readonly records: RecordTable;
  private readonly groups: ConsumerGroups;
  private readonly seats: Seats;
  private readonly commits: GroupCommit;
  private readonly foreign: ForeignCommits;
  private readonly active = new Set<Subscription>();
  private readonly wholeCheck: WholeCheck | undefined;
  private closed = false;

  constructor(
    private readonly database: Database,
    unchecked: CheckedFile | undefined,
    private readonly waiting: Waiting,
    private readonly settings: Settings,
  ) {
    const { clock, pollMs } = settings;
    this.topicTable = new TopicTable(database, BUS_SCHEMA.file);
    this.records = new RecordTable(database, this.topicTable, new Packing(database, BUS_SCHEMA.file), BUS_SCHEMA.file);
    this.groups = new ConsumerGroups(database, this.topicTable, BUS_SCHEMA.file, () => clock.now());
    this.seats = new Seats(database, BUS_SCHEMA.file);
    this.foreign = new ForeignCommits(database, {
      timers: waiting.timers,
      pollMs,
      onForeignCommit: () => this.topicTable.refresh(),
    });
    this.commits = new GroupCommit(database, {
      ...waiting,
      engine: BUS_SCHEMA.file,
      onBegin: () => {
        this.wholeCheck?.refuse();
        this.foreign.look();
      },
      onBeforeCommit: () => this.topicTable.beforeCommit(),
      onCommitted: () => this.topicTable.committed(),
      onRolledBack: () => this.topicTable.rolledBack(),
    });
    this.foreign.look();
    if (unchecked !== undefined) this.wholeCheck = new WholeCheck(unchecked, waiting.timers);
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    return this.publishUnless(messages, () => undefined);
  }

  async takeSeat(name: string): Promise<Seat> {
    if (name === '') throw new InvalidCall('a seat needs a name');
    const epoch = await this.commits.submit(() => this.seats.take(name));
    return { publish: (messages) => this.publishUnless(messages, () => this.seats.check(name, epoch)) };
  }

  /** @param check throws, within the transaction, where nothing is to be written. */
  private async publishUnless(messages: readonly OutgoingMessage[], check: () => void): Promise<Coordinates[]> {
    const bytes = messages.reduce((sum, message, index) => sum + checkMessage(message, index), 0);
    if (messages.length === 0) return [];
    // They are written a moment later, and may be the caller's to change by then.
    const ready = messages.map((message) => this.records.prepare(message));
    const publish = (): Coordinates[] => {
      check();
      return this.write(ready);
    };
    return this.commits.submit(publish, ready.length, bytes);
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
      commits: this.commits,
      timers: this.waiting.timers,
      random: this.waiting.random,
      now: () => clock.now(),
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
      timers: this.waiting.timers,
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
        low: this.records.low(partition),
        high: partition.high,
      })),
    );
  }

  async offsetsAt(topic: string, time: number): Promise<{ readonly partition: number; readonly offset: number }[]> {
    return this.ask(() =>
      this.topic(topic).partitions.map((partition) => ({
        partition: partition.partition,
        offset: this.records.firstSince(partition, time),
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
    await this.commits.submit(() => this.groups.seek(group, byPartition));
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    specs.forEach(checkTopicSpec);
    await this.commits.submit(() => specs.forEach((spec) => this.topicTable.create(spec)));
  }

  async topics(): Promise<TopicSpec[]> {
    return this.ask(() => {
      this.foreign.look();
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
        if (retentionMs !== undefined) removed += await this.sweep(() => this.records.expire(partition, now - retentionMs));
        const tombstonesUntil = now - this.settings.tombstoneRetentionMs;
        if (compacted) removed += await this.sweep(() => this.records.expireTombstones(partition, tombstonesUntil));
      }
    }
    return removed;
  }

  async check(): Promise<void> {
    this.ask(() => this.foreign.look());
  }

  async checkIntegrity(): Promise<void> {
    this.refuseIfUnusable();
    checkIntegrity(this.database, BUS_SCHEMA.file);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.active].map((one) => one.stop()));
    await this.commits.close();
    await this.wholeCheck?.stop();
    closeDatabase(this.database, BUS_SCHEMA.file);
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
      return { topic: message.topic, partition: partition.partition, offset: this.records.append(partition, message, now) };
    });
  }

  /** Removes in small transactions, so that publishers wait for none of it. */
  private async sweep(removeSome: () => number): Promise<number> {
    for (let total = 0; ;) {
      const removed = await this.commits.submit(removeSome);
      if (removed === 0) return total;
      total += removed;
    }
  }

  /** Also while closing: readers stop before the file is closed. */
  private fetch(partition: Partition, from: number, maxCount: number): Message[] {
    try {
      this.wholeCheck?.refuse();
      return this.records.read(partition, from, maxCount);
    } catch (error) {
      throw engineError(BUS_SCHEMA.file, error);
    }
  }

  /** As the file says now, whoever wrote it. */
  private topic(name: string): Topic {
    this.foreign.look();
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
    const leave = this.foreign.listen();
    return () => {
      leave();
      this.active.delete(one());
    };
  }

  private ask<T>(question: () => T): T {
    this.refuseIfUnusable();
    try {
      return question();
    } catch (error) {
      throw engineError(BUS_SCHEMA.file, error);
    }
  }

  private refuseIfUnusable(): void {
    this.wholeCheck?.refuse();
    if (this.closed) throw new EngineUnavailable(BUS_SCHEMA.file, 'it is closed');
  }
}
