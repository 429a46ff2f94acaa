import {
  InvalidCall,
  MESSAGE_LIMIT_BYTES,
  SeatTaken,
  TooLarge,
  UnknownTopic,
  type Message,
  type OutgoingMessage,
  type PartitionOffsets,
  type TopicSpec,
} from '@weft/processing';
import type { Coordinates } from '@weft/domain';
import type { Chances } from './faults.js';
import type { Incarnation } from './incarnation.js';
import { murmur2 } from './murmur2.js';
import type { Scheduler, Task } from './scheduler.js';

export interface Partition {
  readonly name: string;
  readonly topic: string;
  readonly index: number;
  /** In offset order; compaction and expiry leave gaps. */
  log: Message[];
  high: number;
  watchers: (() => void)[];
}

interface Topic {
  readonly spec: Omit<TopicSpec, 'partitions'>;
  readonly partitions: Partition[];
  readonly partitionOfKey: Map<string, number>;
}

/** What a topic held at one moment, by partition. */
export type TopicBackup = readonly { readonly log: readonly Message[]; readonly high: number }[];

/** A consumer as its group knows it. */
export interface Member {
  readonly id: number;
  readonly process: Incarnation;
  readonly topics: readonly string[];
  /** Tells the process; comes late, or never, as notices do. */
  readonly assigned: (generation: number, partitions: readonly Partition[]) => void;
  readonly evicted: (memberId: number) => void;
}

export interface BusObserver {
  published(message: Message): void;
  /** `next` is the first offset not committed, `before` what it was, -1 for none. */
  committed(group: string, partition: Partition, before: number, next: number): void;
}

interface Group {
  readonly name: string;
  generation: number;
  readonly members: Map<number, Member>;
  readonly owners: Map<string, Member>;
  readonly committed: Map<string, number>;
  /** Batches under way, by partition: an orderly rebalance waits for them. */
  readonly busy: Map<string, Member>;
  rebalancing: Task | undefined;
}

/** After so long without a sign of life a member is put out of its group. */
export const SESSION_MS = 10_000;
const DEFAULT_COUNT = 500;
/** Kafka's own rule for names of topics. */
const TOPIC_NAME = /^[A-Za-z0-9._-]{1,249}$/;

/** The simulated bus itself: topics and groups as plain data, every operation synchronous. It outlives all processes. */
export class BusEngine {
  private readonly topicsByName = new Map<string, Topic>();
  private readonly groups = new Map<string, Group>();
  /** By name, how often it was taken. */
  private readonly seats = new Map<string, number>();
  private nextMember = 1;
  /** Sees every message and every commit the moment it is durable. */
  observer: BusObserver | undefined;
  /** Whether it has machines of its own, whose clock is right. */
  hasBrokers = true;
  /** How far the clock is off by which it says when it took a message, in milliseconds. */
  skewMs = 0;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly chances: Chances,
  ) {}

  createTopics(specs: readonly TopicSpec[]): void {
    for (const { topic, partitions, ...rest } of specs) {
      if (!TOPIC_NAME.test(topic)) throw new InvalidCall(`${topic} is no name of a topic`);
      checkAbove('partitions', partitions, 1);
      const fresh: Topic = { spec: { topic, ...rest }, partitions: [], partitionOfKey: new Map() };
      const known = this.topicsByName.get(topic) ?? fresh;
      this.topicsByName.set(topic, known);
      if (known.partitions.length >= partitions) continue;
      known.partitionOfKey.clear();
      for (let index = known.partitions.length; index < partitions; index++) {
        known.partitions.push({ name: `${topic}/${index}`, topic, index, log: [], high: 0, watchers: [] });
      }
      for (const group of this.groups.values()) if (subscribes(group, topic)) this.rebalance(group);
    }
  }

  topics(): TopicSpec[] {
    return [...this.topicsByName.values()].map(({ spec, partitions }) => ({ ...spec, partitions: partitions.length }));
  }

  /** Throws before anything is written; `only` chooses the partitions that are written, for a publish that fails half-way. */
  publish(messages: readonly OutgoingMessage[], only: (partition: Partition) => boolean = () => true): Coordinates[] {
    const targets = messages.map((message) => this.target(message));
    const coordinates = messages.map((message, index) => {
      const partition = targets[index] as Partition;
      if (!only(partition)) return { topic: partition.topic, partition: partition.index, offset: -1 };
      const { key, value, headers } = message;
      const place = { topic: partition.topic, partition: partition.index, offset: partition.high++ };
      const published = Object.freeze({ ...place, key, value, headers, timestamp: this.scheduler.now + this.skewMs });
      partition.log.push(published);
      this.observer?.published(published);
      return place;
    });
    for (const partition of new Set(targets)) this.written(partition);
    return coordinates;
  }

  takeSeat(name: string): number {
    if (name === '') throw new InvalidCall('a seat needs a name');
    const taking = (this.seats.get(name) ?? 0) + 1;
    this.seats.set(name, taking);
    return taking;
  }

  checkSeat(name: string, taking: number): void {
    if (this.seats.get(name) !== taking) throw new SeatTaken(name);
  }

  partitions(topic: string): readonly Partition[] {
    return this.topic(topic).partitions;
  }

  partition(topic: string, index: number): Partition {
    const partition = this.topic(topic).partitions[index];
    if (partition === undefined) throw new InvalidCall(`topic ${topic} has no partition ${index}`);
    return partition;
  }

  /** A topic as it is now, to be put back later. */
  backup(topic: string): TopicBackup {
    return this.topic(topic).partitions.map(({ log, high }) => ({ log: [...log], high }));
  }

  /** What an operator does who restores a topic: whatever came since is gone, and its offsets are given again. */
  putBack(topic: string, backup: TopicBackup): void {
    for (const [index, partition] of this.topic(topic).partitions.entries()) {
      const { log, high } = backup[index] as TopicBackup[number];
      partition.log = [...log];
      partition.high = high;
    }
  }

  read(topic: string, index: number, from: number, maxCount = DEFAULT_COUNT): Message[] {
    checkAbove('offset', from, 0);
    checkAbove('maxCount', maxCount, 1);
    return readPartition(this.partition(topic, index), from, maxCount);
  }

  /** Every message that a topic still holds, partition by partition. */
  messages(topic: string): Message[] {
    return this.topic(topic).partitions.flatMap((partition) => partition.log);
  }

  time(): number | null {
    return this.hasBrokers ? this.scheduler.now : null;
  }

  offsets(topic: string): PartitionOffsets[] {
    return this.topic(topic).partitions.map((partition) => ({
      partition: partition.index,
      low: low(partition),
      high: partition.high,
    }));
  }

  offsetsAt(topic: string, time: number): { partition: number; offset: number }[] {
    return this.topic(topic).partitions.map(({ index, log, high }) => ({
      partition: index,
      offset: log.find((message) => message.timestamp >= time)?.offset ?? high,
    }));
  }

  committed(group: string, topic: string): { partition: number; offset: number }[] {
    const committed = this.groups.get(group)?.committed;
    return this.topic(topic).partitions.map(({ name, index }) => ({ partition: index, offset: committed?.get(name) ?? -1 }));
  }

  seek(name: string, topic: string, offsets: readonly { partition: number; offset: number }[]): void {
    const group = this.group(name);
    if (group.members.size > 0) throw new InvalidCall(`group ${name} has members now`);
    for (const { partition, offset } of offsets) checkAbove(`offset of partition ${partition}`, offset, 0);
    for (const { partition, offset } of offsets) group.committed.set(this.partition(topic, partition).name, offset);
  }

  // ------------------------------------------------------------- groups

  join(name: string, member: Omit<Member, 'id'>): number {
    for (const topic of member.topics) this.topic(topic);
    const group = this.group(name);
    const id = this.nextMember++;
    group.members.set(id, { ...member, id });
    this.rebalance(group);
    // A request may arrive after its sender has gone: nobody else would ever put this member out again.
    if (!member.process.alive || member.process.paused) this.silent(member.process);
    return id;
  }

  leave(name: string, memberId: number): void {
    const group = this.group(name);
    const member = group.members.get(memberId);
    if (member === undefined) return;
    group.members.delete(memberId);
    for (const [partition, owner] of group.busy) if (owner === member) group.busy.delete(partition);
    this.rebalance(group);
  }

  /** What a member may read next of a partition, or undefined while it may not. */
  fetch(
    name: string,
    memberId: number,
    generation: number,
    partition: Partition,
    from: number,
    limit: number,
  ): Message[] | undefined {
    const group = this.group(name);
    if (group.rebalancing !== undefined || !owns(group, memberId, generation, partition)) return undefined;
    const messages = readPartition(partition, from, limit);
    if (messages.length > 0) group.busy.set(partition.name, group.members.get(memberId) as Member);
    return messages;
  }

  startOf(name: string, partition: Partition, from: 'beginning' | 'end'): number {
    const { committed } = this.group(name);
    // Where the end is said to be the start, that is settled at once: what comes later is read, whatever happens meanwhile.
    if (from === 'end' && !committed.has(partition.name)) committed.set(partition.name, partition.high);
    return committed.get(partition.name) ?? low(partition);
  }

  /** False, and nothing is committed, when the partition is somebody else's or the generation is over. */
  commit(name: string, memberId: number, generation: number, partition: Partition, next: number): boolean {
    const group = this.group(name);
    const fenced = !owns(group, memberId, generation, partition);
    if (!fenced) {
      this.observer?.committed(name, partition, group.committed.get(partition.name) ?? -1, next);
      group.committed.set(partition.name, next);
    }
    this.release(name, memberId, partition);
    return !fenced;
  }

  /** A batch is no longer under way. */
  release(name: string, memberId: number, partition: Partition): void {
    const group = this.group(name);
    if (group.busy.get(partition.name)?.id === memberId) group.busy.delete(partition.name);
    this.finishIfQuiet(group);
  }

  isCurrent(name: string, memberId: number, generation: number): boolean {
    const group = this.group(name);
    return group.members.has(memberId) && group.generation === generation;
  }

  /** A process fell silent: unless it woke in time, its members are put out of their groups. */
  silent(process: Incarnation): void {
    this.scheduler.after(SESSION_MS, undefined, 'session ends', process.name, () => {
      if (process.alive && !process.paused) return;
      for (const group of this.groups.values()) {
        for (const member of [...group.members.values()]) {
          if (member.process === process) this.evict(group, member);
        }
      }
    });
  }

  /** Shares a group's partitions out anew, for no reason at all. */
  disturb(): void {
    const group = this.chances.prng.pick([...this.groups.values(), undefined]);
    if (group !== undefined) this.rebalance(group);
  }

  private evict(group: Group, member: Member): void {
    this.leave(group.name, member.id);
    this.scheduler.soon(member.process, 'put out of group', group.name, () => member.evicted(member.id));
  }

  private rebalance(group: Group): void {
    if (this.chances.happens('abruptRebalance')) return this.share(group);
    group.rebalancing ??= this.scheduler.after(SESSION_MS, undefined, 'rebalance at last', group.name, () => this.share(group));
    this.finishIfQuiet(group);
  }

  private finishIfQuiet(group: Group): void {
    if (group.rebalancing !== undefined && group.busy.size === 0) this.share(group);
  }

  private share(group: Group): void {
    if (group.rebalancing !== undefined) group.rebalancing.cancelled = true;
    group.rebalancing = undefined;
    group.generation++;
    group.busy.clear();
    group.owners.clear();
    const members = [...group.members.values()];
    const shares = new Map<Member, Partition[]>(members.map((member) => [member, []]));
    for (const topic of new Set(members.flatMap((member) => member.topics))) {
      const candidates = members.filter((member) => member.topics.includes(topic));
      const turn = this.chances.prng.below(candidates.length);
      for (const partition of this.topic(topic).partitions) {
        const owner = candidates[(partition.index + turn) % candidates.length] as Member;
        group.owners.set(partition.name, owner);
        shares.get(owner)?.push(partition);
      }
    }
    const { generation } = group;
    for (const [member, partitions] of shares) {
      this.scheduler.soon(member.process, 'partitions assigned', group.name, () => member.assigned(generation, partitions));
    }
  }

  private group(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      const [members, owners, committed, busy] = [new Map(), new Map(), new Map(), new Map()];
      group = { name, generation: 0, members, owners, committed, busy, rebalancing: undefined };
      this.groups.set(name, group);
    }
    return group;
  }

  // ------------------------------------------------------------- topics

  private topic(name: string): Topic {
    const topic = this.topicsByName.get(name);
    if (topic === undefined) throw new UnknownTopic(name);
    return topic;
  }

  private target(message: OutgoingMessage): Partition {
    const bytes = sizeOf(message);
    if (bytes > MESSAGE_LIMIT_BYTES) throw new TooLarge(`message to ${message.topic}`, bytes, MESSAGE_LIMIT_BYTES);
    const { partitions, partitionOfKey } = this.topic(message.topic);
    const key = message.partitionKey ?? message.key;
    let index = partitionOfKey.get(key);
    if (index === undefined) {
      index = (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions.length;
      partitionOfKey.set(key, index);
    }
    return partitions[index] as Partition;
  }

  private written(partition: Partition): void {
    const { compacted, retentionMs } = this.topic(partition.topic).spec;
    if (compacted === true && !this.chances.happens('compactionDelayed')) compact(partition);
    if (retentionMs !== undefined && this.chances.happens('expiry')) {
      const oldest = this.scheduler.now - retentionMs;
      partition.log = partition.log.filter((message) => message.timestamp >= oldest);
    }
    const { watchers } = partition;
    partition.watchers = [];
    for (const watcher of watchers) watcher();
  }
}

/** Calls `watcher` once, as soon as the partition holds an offset of `from` or above. */
export function onceBeyond(partition: Partition, from: number, watcher: () => void): void {
  if (partition.high > from) watcher();
  else partition.watchers.push(watcher);
}

export function readPartition({ log }: Partition, from: number, maxCount: number): Message[] {
  let [left, right] = [0, log.length];
  while (left < right) {
    const middle = (left + right) >> 1;
    if ((log[middle] as Message).offset < from) left = middle + 1;
    else right = middle;
  }
  return log.slice(left, left + maxCount);
}

function low(partition: Partition): number {
  return partition.log[0]?.offset ?? partition.high;
}

/** Keeps the last message of each key; a tombstone stays, so that those who follow learn of it. */
function compact(partition: Partition): void {
  const last = new Map(partition.log.map((message) => [message.key, message.offset]));
  partition.log = partition.log.filter((message) => last.get(message.key) === message.offset);
}

function subscribes(group: Group, topic: string): boolean {
  return [...group.members.values()].some((member) => member.topics.includes(topic));
}

function owns(group: Group, memberId: number, generation: number, partition: Partition): boolean {
  return group.generation === generation && group.owners.get(partition.name)?.id === memberId && group.members.has(memberId);
}

function sizeOf({ key, value, headers }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(key) + (value?.byteLength ?? 0);
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] as string);
  return bytes;
}

function checkAbove(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new InvalidCall(`${name} ${value} is below ${least}`);
}
