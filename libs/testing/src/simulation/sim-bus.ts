import type { Coordinates } from '@weft/domain';
import {
  EngineUnavailable,
  type ConsumeOptions,
  type Consumer,
  type EventBus,
  type FollowOptions,
  type Message,
  type OutgoingMessage,
  type PartitionOffsets,
  type Seat,
  type Subscription,
  type TopicSpec,
} from '@weft/processing';
import type { BusEngine, Partition } from './bus-engine.js';
import type { CallFaults, Incarnation } from './incarnation.js';
import { Follower } from './follower.js';
import { GroupConsumer } from './group-consumer.js';

const READ: CallFaults = { engine: 'bus', lost: 'readFails' };
const PUBLISH: CallFaults = { engine: 'bus', lost: 'publishLost', unacknowledged: 'publishUnacknowledged', late: 'publishLate' };

type PartitionOffset = { readonly partition: number; readonly offset: number };

/** One process's way to the simulated bus. */
export class SimBus implements EventBus {
  private readonly running = new Set<Subscription>();
  private closed = false;

  constructor(
    private readonly engine: BusEngine,
    private readonly process: Incarnation,
  ) {}

  publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    return this.publishUnless(messages, () => undefined);
  }

  async takeSeat(name: string): Promise<Seat> {
    const taking = await this.call('take seat', name, READ, () => this.engine.takeSeat(name));
    return { publish: (messages) => this.publishUnless(messages, () => this.engine.checkSeat(name, taking)) };
  }

  /** @param check throws, at the moment at which the messages come to the bus. */
  private publishUnless(messages: readonly OutgoingMessage[], check: () => void): Promise<Coordinates[]> {
    const copies = messages.map((message) => ({ ...message, value: message.value?.slice() ?? null }));
    return this.call('publish', messages[0]?.topic ?? '', PUBLISH, () => {
      check();
      if (!this.process.chances.happens('publishPartly')) return this.engine.publish(copies);
      this.engine.publish(copies, this.someSide());
      throw new EngineUnavailable('bus', 'some messages were not acknowledged');
    });
  }

  async time(): Promise<number | null> {
    return this.engine.time();
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const consumer = new GroupConsumer(this.engine, this.process, options);
    await this.call('join group', options.group, READ, () => consumer.join());
    this.running.add(consumer);
    return consumer;
  }

  async follow(options: FollowOptions): Promise<Subscription> {
    const starts = await this.call('follow', options.topic, READ, () => this.engine.offsets(options.topic));
    const follower = new Follower(this.engine, this.process, options, starts);
    this.running.add(follower);
    return follower;
  }

  read(topic: string, partition: number, from: number, maxCount?: number): Promise<Message[]> {
    return this.call('read partition', topic, READ, () => this.engine.read(topic, partition, from, maxCount));
  }

  offsets(topic: string): Promise<PartitionOffsets[]> {
    return this.call('offsets', topic, READ, () => this.engine.offsets(topic));
  }

  offsetsAt(topic: string, time: number): Promise<PartitionOffset[]> {
    return this.call('offsets at', topic, READ, () => this.engine.offsetsAt(topic, time));
  }

  committed(group: string, topic: string): Promise<PartitionOffset[]> {
    return this.call('committed', topic, READ, () => this.engine.committed(group, topic));
  }

  seek(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    return this.call('seek', topic, READ, () => this.engine.seek(group, topic, offsets));
  }

  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.call('create topics', '', READ, () => this.engine.createTopics(specs));
  }

  topics(): Promise<TopicSpec[]> {
    return this.call('topics', '', READ, () => this.engine.topics());
  }

  async check(): Promise<void> {
    await this.call('check bus', '', READ, () => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.running].map((running) => running.stop()));
  }

  private call<T>(what: string, detail: string, faults: CallFaults, effect: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new EngineUnavailable('bus', 'is closed'));
    return this.process.call(what, detail, faults, effect);
  }

  /** Each partition whole or not at all. */
  private someSide(): (partition: Partition) => boolean {
    const chosen = new Map<Partition, boolean>();
    return (partition) => {
      const side = chosen.get(partition) ?? this.process.chances.prng.chance(0.5);
      chosen.set(partition, side);
      return side;
    };
  }
}
