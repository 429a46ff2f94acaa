import type { Kafka } from 'kafkajs';
import type { Coordinates } from '@weft/domain';
import {
  type ConsumeOptions,
  type Consumer,
  EngineUnavailable,
  type EventBus,
  type FollowOptions,
  InvalidCall,
  type Message,
  type OutgoingMessage,
  type PartitionOffsets,
  QUARANTINE_TOPIC,
  type Seat,
  type Subscription,
  type TopicSpec,
} from '@weft/processing';
import { BrokersTime } from './brokers-time.js';
import {
  committedOffsets,
  moveGroup,
  offsetsAt,
  offsetsOf,
  type PartitionOffset,
  partitionsOf,
  ping,
  readPartition,
} from './broker-calls.js';
import {
  type AdminConnection,
  type ClusterConnection,
  Connections,
  createKafka,
  type KafkaConnection,
  METADATA_AGE_MS,
  openAdmin,
  openCluster,
  type Surroundings,
} from './client.js';
import { Follower } from './follower.js';
import { GroupConsumer } from './group-consumer.js';
import { Publisher } from './publisher.js';
import { type KafkaSeat, takeSeat } from './seat.js';
import { systemClock, systemRandom, systemTimers } from './system.js';
import { createTopics, listTopics } from './topic-calls.js';
import type { Replication } from './topic-config.js';
import { TopicDirectory } from './topic-directory.js';

export interface KafkaBusOptions extends KafkaConnection, Partial<Surroundings>, Replication {
  /** How long a call may wait for a broker before it throws EngineUnavailable (default 30 s); kafkajs itself never gives up first. */
  readonly deadlineMs?: number;
  /** How long `check` may wait (default 5 s). */
  readonly checkDeadlineMs?: number;
  /** A consumer that says nothing for so long is put out of its group (default 10 s). Handlers may take longer than that. */
  readonly sessionTimeoutMs?: number;
  /** A handler that neither returns nor calls `heartbeat` for so long loses its partitions to the others (default 2 min). */
  readonly handlerSilenceMs?: number;
  /** How long a rebalance waits for the group's members (default 30 s). */
  readonly rebalanceTimeoutMs?: number;
  /** How long a partition that somebody else added may go unnoticed (default 30 s). */
  readonly metadataAgeMs?: number;
  /** At most so many messages and bytes a produce request (default 5,000 and 8 MiB). */
  readonly sendMaxMessages?: number;
  readonly sendMaxBytes?: number;
}

/** Brokers say what time it is of nothing but what they take: a tombstone of nothing, which compaction takes away, where every app may write. */
const TIME_ASKED: OutgoingMessage = { topic: QUARANTINE_TOPIC, key: 'time', value: null, headers: {} };

/** Resolves once a broker answers. Throws EngineUnavailable. */
export async function openKafkaBus(options: KafkaBusOptions): Promise<EventBus> {
  const bus = new KafkaBus(options);
  try {
    await bus.check();
  } catch (error) {
    await bus.close();
    throw error;
  }
  return bus;
}

class KafkaBus implements EventBus {
  readonly #options: KafkaBusOptions & { readonly deadlineMs: number; readonly metadataAgeMs: number };
  readonly #kafka: Kafka;
  readonly #surroundings: Surroundings;
  readonly #clusters: Connections<ClusterConnection>;
  readonly #admins: Connections<AdminConnection>;
  readonly #directory: TopicDirectory;
  readonly #publisher: Publisher;
  readonly #time: BrokersTime;
  /** Of their own: whatever else fails takes no transaction with it. */
  readonly #producing: Connections<ClusterConnection>;
  /** By name, the last taking of each. */
  readonly #seats = new Map<string, KafkaSeat>();
  readonly #subscriptions = new Set<Subscription>();

  constructor(options: KafkaBusOptions) {
    this.#options = {
      ...options,
      deadlineMs: options.deadlineMs ?? 30_000,
      metadataAgeMs: options.metadataAgeMs ?? METADATA_AGE_MS,
    };
    const { clock = systemClock, timers = systemTimers, random = systemRandom } = options;
    this.#surroundings = { clock, timers, random };
    this.#kafka = createKafka(options);
    this.#clusters = new Connections(() => openCluster(this.#kafka), this.#surroundings);
    this.#admins = new Connections(() => openAdmin(this.#kafka), this.#surroundings);
    this.#directory = new TopicDirectory(this.#clusters, this.#surroundings, this.#options);
    this.#producing = new Connections(() => openCluster(this.#kafka), this.#surroundings);
    this.#time = new BrokersTime(this.#surroundings, () => this.publish([TIME_ASKED]));
    this.#publisher = new Publisher(
      options,
      this.#directory,
      this.#surroundings,
      { ...this.#sending(), sendMaxMessages: options.sendMaxMessages ?? 5000 },
      (stamp) => this.#time.stamped(stamp),
    );
  }

  publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    return this.#publisher.publish(messages);
  }

  time(): Promise<number | null> {
    return this.#time.now();
  }

  async takeSeat(name: string): Promise<Seat> {
    if (name === '') throw new InvalidCall('a seat needs a name');
    const seat = await takeSeat(name, {
      connections: this.#producing,
      directory: this.#directory,
      surroundings: this.#surroundings,
      settings: this.#sending(),
    });
    this.#seats.set(name, seat);
    return seat;
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    if (options.group === '') throw new InvalidCall('a group needs a name');
    if (options.topics.length === 0) throw new InvalidCall(`group ${options.group} is to consume no topic`);
    if ((options.maxBatch ?? 1) < 1)
      throw new InvalidCall(`group ${options.group} cannot take ${options.maxBatch} messages at once`);
    await this.#directory.find(options.topics);
    // kafkajs does not say why it found no coordinator for a group; this does.
    await this.committed(options.group, options.topics[0]!);
    if (options.from === 'end') await this.#startAtEnd(options);
    const settings = {
      deadlineMs: this.#options.deadlineMs,
      metadataAgeMs: this.#options.metadataAgeMs,
      sessionTimeoutMs: this.#options.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? 30_000,
      handlerSilenceMs: this.#options.handlerSilenceMs ?? 120_000,
      lagCheckMs: 30_000,
    };
    const { logger } = this.#options;
    const consumer = new GroupConsumer(options, this.#kafka, this.#clusters, this.#surroundings, settings, logger);
    return this.#keep(await consumer.start());
  }

  async follow(options: FollowOptions): Promise<Subscription> {
    const follower = new Follower(options, this.#kafka, this.#clusters, this.#surroundings, this.#options);
    return this.#keep(await follower.start());
  }

  async read(topic: string, partition: number, from: number, maxCount = 500): Promise<Message[]> {
    checkOffset(from);
    if (!Number.isSafeInteger(maxCount) || maxCount < 1) throw new InvalidCall(`${maxCount} messages cannot be read`);
    return this.#ask(`reading topic ${topic}`, topic, (cluster) => readPartition(cluster, topic, partition, from, maxCount));
  }

  offsets(topic: string): Promise<PartitionOffsets[]> {
    return this.#ask(`reading the offsets of topic ${topic}`, topic, (cluster) => offsetsOf(cluster, topic));
  }

  offsetsAt(topic: string, time: number): Promise<PartitionOffset[]> {
    return this.#ask(`reading the offsets of topic ${topic}`, topic, (cluster) => offsetsAt(cluster, topic, time));
  }

  committed(group: string, topic: string): Promise<PartitionOffset[]> {
    return this.#ask(`reading where group ${group} stands`, topic, (cluster) => committedOffsets(cluster, group, topic));
  }

  async seek(group: string, topic: string, offsets: readonly PartitionOffset[]): Promise<void> {
    for (const { offset } of offsets) checkOffset(offset);
    await this.#ask(`moving group ${group}`, topic, async (cluster) => {
      const partitions = new Set(await partitionsOf(cluster, topic));
      const odd = offsets.find(({ partition }) => !partitions.has(partition));
      if (odd !== undefined) throw new InvalidCall(`topic ${topic} has no partition ${odd.partition}`);
      if (offsets.length > 0) await moveGroup(cluster, group, topic, offsets);
    });
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const { deadlineMs } = this.#options;
    const create = ({ admin }: AdminConnection) => createTopics(admin, specs, this.#options);
    const touched = await this.#admins.use('creating topics', create, deadlineMs);
    for (const topic of touched) this.#directory.forget(topic);
    const wanted = new Map(specs.map(({ topic, partitions }) => [topic, partitions]));
    for (const topic of touched) await this.#untilVisible(topic, wanted.get(topic)!);
  }

  topics(): Promise<TopicSpec[]> {
    return this.#admins.use('listing topics', ({ admin }) => listTopics(admin), this.#options.deadlineMs);
  }

  async check(): Promise<void> {
    const limit = this.#options.checkDeadlineMs ?? 5000;
    try {
      await this.#clusters.use('checking the broker', ({ cluster }) => ping(cluster), limit);
    } catch (error) {
      if (error instanceof EngineUnavailable) throw error;
      throw new EngineUnavailable('Kafka', (error as Error).message, { cause: error });
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    await this.#publisher.close();
    await Promise.all([...this.#seats.values()].map((seat) => seat.idle()));
    await Promise.all([this.#producing.close(), this.#clusters.close(), this.#admins.close()]);
  }

  #sending(): { readonly deadlineMs: number; readonly sendMaxBytes: number } {
    const { deadlineMs, sendMaxBytes = 8 * 1_048_576 } = this.#options;
    return { deadlineMs, sendMaxBytes };
  }

  #ask<T>(doing: string, topic: string, work: (cluster: ClusterConnection['cluster']) => Promise<T>): Promise<T> {
    return this.#clusters.use(doing, ({ cluster }) => work(cluster), this.#options.deadlineMs, topic);
  }

  #keep<T extends Subscription>(subscription: T): T {
    this.#subscriptions.add(subscription);
    const stop = subscription.stop.bind(subscription);
    subscription.stop = () => stop().finally(() => this.#subscriptions.delete(subscription));
    return subscription;
  }

  /**
   * "The end" is where the group begins when it is first seen, not wherever the topic ends at each rebalance until it has
   * handled something: so it is written down before the group is joined. Its members, if it has any, did that already.
   */
  async #startAtEnd({ group, topics }: ConsumeOptions): Promise<void> {
    for (const topic of topics) {
      const committed = await this.committed(group, topic);
      if (committed.some(({ offset }) => offset >= 0)) continue;
      const ends = (await this.offsets(topic)).map(({ partition, high }) => ({ partition, offset: high }));
      await this.seek(group, topic, ends).catch((error: unknown) => {
        if (!(error instanceof InvalidCall)) throw error;
      });
    }
  }

  /** The controller has decided; the brokers learn of it a moment later. */
  async #untilVisible(topic: string, partitions: number): Promise<void> {
    const { clock, timers } = this.#surroundings;
    const until = clock.steady() + this.#options.deadlineMs;
    for (;;) {
      const found = await this.#directory.find([topic]).catch(() => undefined);
      if ((found?.get(topic) ?? 0) >= partitions) return;
      if (clock.steady() > until) throw new EngineUnavailable('Kafka', `topic ${topic} is created and not yet to be seen`);
      this.#directory.forget(topic);
      await timers.sleep(50);
    }
  }
}

function checkOffset(offset: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new InvalidCall(`${offset} is no offset`);
}
