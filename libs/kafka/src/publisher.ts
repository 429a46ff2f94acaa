import kafkajs, { type Message as KafkaMessage, type PartitionMetadata, type RecordMetadata } from 'kafkajs';
import type { Coordinates } from '@weft/domain';
import { type EngineError, EngineUnavailable, InvalidCall, type OutgoingMessage, TooLarge } from '@weft/processing';
import type { KafkaConnection, Surroundings } from './client.js';
import { engineError, protocolError } from './errors.js';
import { sizeOf, tooLargeFor, toKafka } from './messages.js';
import { ProducerLane } from './producer-lane.js';
import type { TopicDirectory } from './topic-directory.js';

export interface PublisherSettings {
  /** After so long a caller is told EngineUnavailable. */
  readonly deadlineMs: number;
  readonly sendMaxMessages: number;
  readonly sendMaxBytes: number;
}

/**
 * A produce request carries one batch a partition, and the broker's limit (1,048,588 bytes unless a topic says more) is of
 * the batch. A message above this travels by itself, so that a refusal is its own.
 */
export const BATCH_MAX_BYTES = 900_000;
/** What may wait while the broker does not answer. */
const QUEUE_MAX_BYTES = 128 * 1_048_576;
const PAUSE_MS = 250;

/** One call of publish. */
interface Call {
  readonly coordinates: Coordinates[];
  readonly expiresAt: number;
  open: number;
  settled: boolean;
  readonly resolve: (coordinates: Coordinates[]) => void;
  readonly reject: (error: EngineError) => void;
}

interface Item {
  readonly call: Call;
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
  readonly message: KafkaMessage;
}

const { DefaultPartitioner } = kafkajs.Partitioners;
const choosePartition = DefaultPartitioner();

/** As the partitioner wants them; it looks at their number only when there is a key. */
const metadataOf = new Map<number, PartitionMetadata[]>();

/** The partition that Kafka's own clients choose for the key (murmur2). */
export function partitionOf(key: string, partitions: number): number {
  let partitionMetadata = metadataOf.get(partitions);
  if (partitionMetadata === undefined) {
    const one = (partitionId: number): PartitionMetadata => ({
      partitionId,
      leader: 0,
      partitionErrorCode: 0,
      replicas: [],
      isr: [],
    });
    partitionMetadata = Array.from({ length: partitions }, (_, partition) => one(partition));
    metadataOf.set(partitions, partitionMetadata);
  }
  return choosePartition({ topic: '', partitionMetadata, message: { key, value: null } });
}

/**
 * Gathers what callers publish at once into one request at a time: kafkajs does not, and one request a caller costs twenty
 * times as much. While a request is under way the next callers wait together.
 */
export class Publisher {
  #queue: Item[] = [];
  #queuedBytes = 0;
  readonly #calls = new Map<Call, Promise<Coordinates[]>>();
  #underway: { readonly items: readonly Item[]; readonly abandon: (error: EngineError) => void } | undefined;
  #pumping = false;
  #watching = false;
  #closed = false;
  #lane: ProducerLane | undefined;
  /** Topics that have taken a message. To others each call goes alone, so that a refusal is its own. */
  readonly #proven = new Set<string>();

  constructor(
    private readonly connection: KafkaConnection,
    private readonly directory: TopicDirectory,
    private readonly surroundings: Surroundings,
    private readonly settings: PublisherSettings,
    /** Is given what brokers say of when they took something. */
    private readonly onStamp: (logAppendTime: string | undefined) => void,
  ) {}

  async publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    const sizes = messages.map(sizeOf);
    if (messages.length === 0) return [];
    const topics = new Set(messages.map(({ topic }) => topic));
    const counts = this.directory.known(topics) ?? (await this.directory.find(topics));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (this.#closed) throw new EngineUnavailable('Kafka', 'the bus is closed');
    if (this.#queuedBytes + bytes > QUEUE_MAX_BYTES && this.#queue.length > 0) {
      throw new EngineUnavailable('Kafka', `${this.#queue.length} messages wait for the broker already`);
    }
    const partitions = messages.map(({ topic, key, partitionKey }) => partitionOf(partitionKey ?? key, counts.get(topic)!));
    const { promise, resolve, reject } = deferred<Coordinates[]>();
    const expiresAt = this.surroundings.clock.steady() + this.settings.deadlineMs;
    const call: Call = { coordinates: [], expiresAt, open: messages.length, settled: false, resolve, reject };
    this.#calls.set(call, promise);
    messages.forEach((message, index) => {
      const partition = partitions[index]!;
      this.#queue.push({
        call,
        index,
        topic: message.topic,
        partition,
        bytes: sizes[index]!,
        message: toKafka(message, partition),
      });
    });
    this.#queuedBytes += bytes;
    if (!this.#pumping) void this.#pump();
    if (!this.#watching) void this.#watch();
    return promise;
  }

  /** Waits for what is under way, until its deadline at most. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls.values());
    await this.#lane?.retire();
  }

  async #pump(): Promise<void> {
    this.#pumping = true;
    // Whoever publishes in this very turn of the event loop comes along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const items = this.#take();
      if (items.length > 0) await this.#send(items);
    }
    this.#pumping = false;
  }

  /** As many from the head of the queue as one request may carry; the queue's order is that of each partition. */
  #take(): Item[] {
    const taken: Item[] = [];
    const bytesOf = new Map<string, number>();
    let bytes = 0;
    let looked = 0;
    for (const item of this.#queue) {
      if (!item.call.settled) {
        const batch = `${item.topic}/${item.partition}`;
        const batchBytes = (bytesOf.get(batch) ?? 0) + item.bytes;
        if (taken.length > 0 && !this.#fits(item, taken, bytes, batchBytes)) break;
        bytesOf.set(batch, batchBytes);
        taken.push(item);
      }
      bytes += item.bytes;
      looked += 1;
    }
    this.#queue.splice(0, looked);
    this.#queuedBytes -= bytes;
    return taken;
  }

  #fits(item: Item, taken: readonly Item[], bytes: number, batchBytes: number): boolean {
    const { sendMaxMessages, sendMaxBytes } = this.settings;
    if (taken.length >= sendMaxMessages || bytes + item.bytes > sendMaxBytes || batchBytes > BATCH_MAX_BYTES) return false;
    const first = taken[0]!;
    if (first.bytes > BATCH_MAX_BYTES) return false;
    const together = item.call === first.call && item.topic === first.topic;
    return together || (this.#proven.has(first.topic) && this.#proven.has(item.topic));
  }

  async #send(items: readonly Item[]): Promise<void> {
    const lane = (this.#lane ??= new ProducerLane(this.connection, this.settings.deadlineMs));
    const { promise: abandoned, reject: abandon } = deferred<never>();
    this.#underway = { items, abandon };
    let sent = false;
    try {
      const producer = await Promise.race([lane.connected, abandoned]);
      sent = true;
      let missing = items;
      for (let attempt = 1; missing.length > 0; attempt++) {
        const sending = missing;
        const written = producer.sendBatch({ acks: -1, topicMessages: byTopic(sending) });
        missing = this.#acknowledge(sending, await Promise.race([written, abandoned]));
        // kafkajs leaves partitions out without a word: those whose leader moved between its attempts, which have to go
        // again as they were, under the numbers that the broker may know already; and those that it has not heard of.
        if (attempt > 1 && missing.length === sending.length) {
          this.#renew(lane);
          this.#putBack(missing);
          break;
        }
      }
    } catch (error) {
      this.#renew(lane);
      for (const { topic } of items) this.directory.forget(topic);
      const refusal = this.#refusal(error, items, sent);
      if (refusal !== undefined) return this.#reject(items, refusal);
      this.#putBack(items);
      await this.surroundings.timers.sleep(PAUSE_MS);
    } finally {
      this.#underway = undefined;
    }
  }

  /** Gives those that the answer does not mention. */
  #acknowledge(items: readonly Item[], written: readonly RecordMetadata[]): Item[] {
    for (const { logAppendTime } of written) this.onStamp(logAppendTime);
    const next = new Map(
      written.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, Number(baseOffset)]),
    );
    return items.filter(({ call, index, topic, partition }) => {
      const offset = next.get(`${topic}/${partition}`);
      if (offset === undefined) return true;
      next.set(`${topic}/${partition}`, offset + 1);
      this.#proven.add(topic);
      call.coordinates[index] = { topic, partition, offset };
      call.open -= 1;
      if (call.open === 0) this.#settle(call, () => call.resolve(call.coordinates));
      return false;
    });
  }

  /**
   * What a failed request means to those in it; undefined when nothing was sent and it may be tried again. One batch refused
   * does not unsend those beside it, so a refusal is certain only where the whole request shares it.
   */
  #refusal(error: unknown, items: readonly Item[], sent: boolean): EngineError | undefined {
    const { topic } = items[0]!;
    const known = engineError(error, `publishing to topic ${topic}`, topic);
    if (!sent) return known.retriable ? undefined : known;
    for (const item of items) this.#proven.delete(item.topic);
    const alone = items.every((item) => item.call === items[0]!.call && item.topic === topic);
    if (alone && known instanceof TooLarge)
      return tooLargeFor(
        topic,
        items.map(({ bytes }) => bytes),
      );
    if (alone && known instanceof InvalidCall) return known;
    if (protocolError(error) === 'CLUSTER_AUTHORIZATION_FAILED') return known;
    return new EngineUnavailable('Kafka', `publishing: ${known.message}`, { cause: error });
  }

  #putBack(items: readonly Item[]): void {
    this.#queue.unshift(...items);
    for (const { bytes } of items) this.#queuedBytes += bytes;
  }

  #reject(items: readonly Item[], error: EngineError): void {
    for (const { call } of items) this.#settle(call, () => call.reject(error));
  }

  #settle(call: Call, how: () => void): void {
    if (call.settled) return;
    call.settled = true;
    this.#calls.delete(call);
    how();
  }

  /** After an error kafkajs's sequence numbers may not be the broker's: a new producer, with an identity of its own. */
  #renew(lane: ProducerLane | undefined): void {
    if (this.#lane === lane) this.#lane = undefined;
    void lane?.retire();
  }

  /** One timer for all callers. */
  async #watch(): Promise<void> {
    this.#watching = true;
    const period = Math.min(1000, Math.max(20, this.settings.deadlineMs / 10));
    while (this.#calls.size > 0) {
      await this.surroundings.timers.sleep(period);
      const now = this.surroundings.clock.steady();
      const message = `publishing: no answer within ${this.settings.deadlineMs} ms`;
      for (const call of this.#calls.keys()) {
        if (call.expiresAt <= now) this.#settle(call, () => call.reject(new EngineUnavailable('Kafka', message)));
      }
      // Nobody waits for this request any more: it must not hold up those behind it for ever.
      if (this.#underway?.items.every(({ call }) => call.settled)) {
        this.#underway.abandon(new EngineUnavailable('Kafka', message));
      }
    }
    this.#watching = false;
  }
}

function byTopic(items: readonly Item[]): { topic: string; messages: KafkaMessage[] }[] {
  const topics = new Map<string, KafkaMessage[]>();
  for (const { topic, message } of items) {
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  promise.catch(() => {});
  return { promise, resolve, reject };
}
