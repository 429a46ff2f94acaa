import type { Consumer as KafkaConsumer, EachBatchPayload, IMemberAssignment, Kafka } from 'kafkajs';
import { EngineUnavailable, type Batch, type BatchContext, type ConsumeOptions, type Consumer } from '@weft/processing';
import { sharedOut } from './assigner.js';
import { committedOffsets, offsetsOf, putOut, readPartition, type PartitionOffset } from './broker-calls.js';
import {
  METADATA_AGE_MS,
  RETRY,
  within,
  type ClusterConnection,
  type Connections,
  type Logger,
  type Surroundings,
} from './client.js';
import { engineError, isPassing } from './errors.js';
import { Lane, type LaneOwner } from './lane.js';
import { toMessage } from './messages.js';

export interface ConsumerSettings {
  readonly deadlineMs: number;
  readonly metadataAgeMs: number;
  /** A member that says nothing for so long is put out of the group. */
  readonly sessionTimeoutMs: number;
  /** A rebalance waits so long for the members; one that does not come is put out. */
  readonly rebalanceTimeoutMs: number;
  /** A handler that neither returns nor says that it lives for so long gives its partitions to the others. */
  readonly handlerSilenceMs: number;
  /** How often it is looked whether messages are there that are not fetched. */
  readonly lagCheckMs: number;
}

/** One kafkajs consumer: after a crash there is another. */
interface Membership {
  readonly consumer: KafkaConsumer;
  memberId?: string;
  /** Between asking to join and having joined. */
  joining: boolean;
  /** When its lanes were told to finish for a rebalance that has not happened yet. */
  drainedAt?: number;
  over: boolean;
}

/** What kafkajs says of a batch that it has dealt with; of no offset where it fetched none. */
type BatchProcess = Pick<EachBatchPayload['batch'], 'topic' | 'partition'> & {
  readonly firstOffset: string | null;
  readonly lastOffset: string;
};

/** How the offset of a batch is committed: kafkajs hands it out with each batch. */
type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

const FETCH_WAIT_MS = 250;
const FETCH_MAX_BYTES = 8 * 1_048_576;
const PARTITION_MAX_BYTES = 512 * 1024;
/** What may wait in all lanes together, and at least in each. */
const WAITING_MAX_BYTES = 32 * 1_048_576;
const LANE_MIN_BYTES = 128 * 1024;
const LANE_MAX_BYTES = 4 * 1_048_576;
const WATCH_MS = 1000;
const PAUSE_MS = 500;
const PAUSE_LIMIT_MS = 15_000;
/** How often a partition that cannot be read is looked at again. */
const PROBE_MS = 5_000;
/** So many messages are read of it then: about what kafkajs fetches at once. */
const PROBE_MESSAGES = 128;

/**
 * A member of a group. kafkajs joins, fetches and says that we live; what it fetches is handled in lanes of our own, one a
 * partition, and where each stands is ours to know. So its known faults do not reach the caller: it does not rejoin while a
 * handler runs (tulios/kafkajs#1720: ours run outside its loop), it commits under the generation of now what was read under
 * an earlier one (#1046, #558: commits are checked against the lane's own), and it goes quiet (#1074: a watch restarts it).
 */
export class GroupConsumer implements Consumer, LaneOwner {
  readonly maxBatch: number;
  readonly clock: Surroundings['clock'];
  readonly timers: Surroundings['timers'];
  #membership: Membership | undefined;
  #lanes = new Map<string, Lane>();
  /** What handlers of former lanes still do, by partition. */
  readonly #former = new Map<string, Promise<void>>();
  readonly #commits = new WeakMap<Lane, Commit>();
  #lastSign = 0;
  readonly #stopping = new AbortController();
  readonly #stopped = aborted(this.#stopping.signal);
  #restarting: Promise<void> | undefined;
  #watching: Promise<void> = Promise.resolve();
  /** Partitions of which no fetch can be decoded, or permitted: left out, looked at again from time to time, and said each time. */
  readonly #unreadable = new Map<string, EngineUnavailable>();
  /** The last membership ended because of what a fetch brought, so that each partition is tried before it is fetched with others. */
  #suspectsFetch = false;
  /** Idle partitions that were behind when last looked at, with where they stood. */
  #behind = new Map<string, number>();

  constructor(
    private readonly options: ConsumeOptions,
    private readonly kafka: Kafka,
    private readonly connections: Connections<ClusterConnection>,
    private readonly surroundings: Surroundings,
    private readonly settings: ConsumerSettings,
    private readonly logger: Logger | undefined,
  ) {
    this.maxBatch = options.maxBatch ?? 500;
    this.clock = surroundings.clock;
    this.timers = surroundings.timers;
  }

  /** Resolves once the group is joined. */
  async start(): Promise<this> {
    try {
      await this.#join();
    } catch (error) {
      this.#leave(this.#membership);
      throw engineError(error, `joining group ${this.options.group}`);
    }
    this.#watching = this.#watch();
    return this;
  }

  assigned(): { topic: string; partition: number }[] {
    if (this.#membership?.joining !== false) return [];
    return [...this.#lanes.values()].filter((lane) => !lane.isRetired).map(({ topic, partition }) => ({ topic, partition }));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restarting;
    await Promise.all([...[...this.#lanes.values()].map((lane) => lane.drain()), ...this.#former.values()]);
    const membership = this.#membership;
    if (membership !== undefined) {
      const left = membership.consumer.disconnect().catch(() => {});
      await within(this.timers, this.settings.deadlineMs, 'leaving the group', left).catch(() => {});
      membership.over = true;
    }
    await this.#watching;
  }

  // ---------------------------------------------------------------- membership

  async #join(): Promise<void> {
    let crash: unknown;
    const membership: Membership = { consumer: this.#createConsumer(() => membership), joining: true, over: false };
    const { consumer } = membership;
    this.#membership = membership;
    const { CRASH, END_BATCH_PROCESS, GROUP_JOIN, FETCH, HEARTBEAT } = consumer.events;
    const sign = () => void (this.#lastSign = this.clock.steady());
    consumer.on(FETCH, sign);
    consumer.on(HEARTBEAT, sign);
    consumer.on(GROUP_JOIN, ({ payload }) => {
      sign();
      membership.memberId = payload.memberId;
      if (!membership.over) this.#onJoined(membership, payload.memberAssignment);
    });
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#onPassedOver(membership, payload);
    });
    let running = false;
    consumer.on(CRASH, ({ payload }) => {
      crash = payload.error;
      if (running) this.#restart(membership, payload.error);
    });
    sign();
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => this.#onFetched(membership, payload),
    });
    if (crash !== undefined) throw crash;
    running = true;
  }

  #createConsumer(membership: () => Membership): KafkaConsumer {
    const { sessionTimeoutMs, rebalanceTimeoutMs, metadataAgeMs } = this.settings;
    return this.kafka.consumer({
      groupId: this.options.group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      // A rebalance is noticed with a heartbeat.
      heartbeatInterval: Math.min(1000, sessionTimeoutMs / 5),
      metadataMaxAge: Math.min(metadataAgeMs, METADATA_AGE_MS),
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytes: FETCH_MAX_BYTES,
      maxBytesPerPartition: PARTITION_MAX_BYTES,
      allowAutoTopicCreation: false,
      // kafkajs restarts after some errors and stays dead after others; here it never does, and we always do.
      retry: { ...RETRY, retries: 5, restartOnFailure: async () => false },
      partitionAssigners: [
        sharedOut({
          beforeJoin: () => this.#beforeJoin(membership()),
          onJoining: () => this.#onJoining(membership()),
        }),
      ],
    });
  }

  /** The batches under way are finished and committed while the group still waits for us; within half a session. */
  async #beforeJoin(membership: Membership): Promise<void> {
    if (membership.over) return;
    membership.drainedAt = this.clock.steady();
    const drained = Promise.all([...this.#lanes.values()].map((lane) => lane.drain()));
    const done = new AbortController();
    await Promise.race([drained, this.timers.sleep(this.settings.sessionTimeoutMs / 2, done.signal)]);
    done.abort();
  }

  #onJoining(membership: Membership): void {
    membership.joining = true;
    if (membership === this.#membership) this.#retireLanes();
  }

  #onJoined(membership: Membership, assignment: IMemberAssignment): void {
    membership.drainedAt = undefined;
    this.#retireLanes();
    this.#lanes = new Map();
    if (this.#stopping.signal.aborted) return;
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const key = keyOf({ topic, partition });
        this.#lanes.set(key, new Lane(topic, partition, this, this.#former.get(key) ?? Promise.resolve()));
      }
    }
    // Nothing is fetched before it is known where the group stands; what is fetched already is not taken.
    const lanes = [...this.#lanes.values()];
    this.#pause(membership, lanes);
    membership.joining = false;
    this.#behind.clear();
    void this.#position(membership, lanes);
  }

  #retireLanes(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.isRetired) continue;
      const key = keyOf(lane);
      const returned = lane.retire().then(() => {
        if (this.#former.get(key) === returned) this.#former.delete(key);
      });
      this.#former.set(key, returned);
    }
  }

  /** Sends every lane to where the group stands: its committed offset, else the beginning. */
  async #position(membership: Membership, lanes: readonly Lane[]): Promise<void> {
    const { group } = this.options;
    const topics = [...new Set(lanes.map(({ topic }) => topic))];
    const doing = `reading where group ${group} stands`;
    try {
      for (const topic of topics) {
        const ask = async ({ cluster }: ClusterConnection) => startingPoints(cluster, group, topic);
        const starts = await this.connections.use(doing, ask, this.settings.rebalanceTimeoutMs, topic);
        for (const lane of lanes) {
          const start = lane.topic === topic ? starts.get(lane.partition) : undefined;
          if (start === undefined || lane.isRetired || membership.over) continue;
          lane.expected = start;
          if (this.#suspectsFetch) await this.#probe(lane);
          this.#begin(membership, lane);
        }
      }
      this.#suspectsFetch = false;
    } catch (error) {
      if (lanes.some((lane) => !lane.isRetired)) this.#restart(membership, error);
    }
  }

  #begin(membership: Membership, lane: Lane): void {
    if (this.#unreadable.has(keyOf(lane)) || lane.isRetired || membership.over) return;
    this.#seek(membership, lane);
    this.#resume(membership, lane);
  }

  /** Fetches from one partition alone: what fails is its own, and must not end the others' reading. */
  async #probe({ topic, partition, expected }: Lane): Promise<void> {
    const key = keyOf({ topic, partition });
    const doing = `reading ${key} from offset ${expected}`;
    const work = async ({ cluster }: ClusterConnection) => {
      try {
        await readPartition(cluster, topic, partition, expected as number, PROBE_MESSAGES);
        return undefined;
      } catch (error) {
        if (isPassing(error)) throw error;
        return error as Error;
      }
    };
    const error = await this.connections.use(doing, work, this.settings.rebalanceTimeoutMs, topic);
    if (error === undefined) return void this.#unreadable.delete(key);
    this.#unreadable.set(
      key,
      new EngineUnavailable('Kafka', `${doing}: ${error.message}; nothing behind it is read`, { cause: error }),
    );
    this.#sayUnreadable(topic, partition);
  }

  #sayUnreadable(topic: string, partition: number): void {
    const error = this.#unreadable.get(keyOf({ topic, partition }));
    if (error !== undefined) this.onFailure(error, { topic, partition, messages: [] });
  }

  /** It may be readable by now: permitted, or deleted by the topic's retention or by somebody who looked at it. */
  async #probeAgain(membership: Membership): Promise<void> {
    const lanes = [...this.#lanes.values()].filter((lane) => this.#unreadable.has(keyOf(lane)) && lane.expected !== undefined);
    for (const lane of lanes) {
      const starts = await this.connections.use(
        'reading offsets',
        ({ cluster }) => startingPoints(cluster, this.options.group, lane.topic),
        PAUSE_LIMIT_MS,
        lane.topic,
      );
      lane.expected = starts.get(lane.partition) ?? lane.expected;
      await this.#probe(lane);
      this.#begin(membership, lane);
    }
  }

  // ------------------------------------------------------------------ fetching

  #onFetched(membership: Membership, payload: EachBatchPayload): void {
    const { batch, resolveOffset, commitOffsetsIfNecessary, isStale } = payload;
    const lane = this.#lanes.get(keyOf(batch));
    if (lane?.expected === undefined || !lane.takesMore || membership.joining || membership.over || isStale()) return;
    const from = Number((batch as typeof batch & { fetchedOffset: string }).fetchedOffset);
    if (from !== lane.expected && from !== lane.doubted) {
      // Fetched before the lane was sent here, or behind offsets that hold no message, which only a second look tells.
      lane.doubted = from;
      this.#seek(membership, lane);
      return;
    }
    this.#commits.set(lane, commitOffsetsIfNecessary);
    resolveOffset(batch.lastOffset());
    lane.doubted = undefined;
    const messages = batch.messages.map((message) => toMessage(batch.topic, batch.partition, message));
    lane.add(messages, Number(batch.lastOffset()) + 1);
    if (lane.bytes > this.#laneMaxBytes()) this.#pause(membership, [lane]);
  }

  /** kafkajs met nothing but markers of transactions, and tells only those who listen to its events. */
  #onPassedOver(membership: Membership, { firstOffset, lastOffset, ...place }: BatchProcess): void {
    const lane = this.#lanes.get(keyOf(place));
    if (lane?.expected === undefined || !lane.takesMore || membership.joining || membership.over) return;
    if (firstOffset === null || Number(firstOffset) !== lane.expected) return;
    lane.doubted = undefined;
    lane.passOver(Number(lastOffset) + 1);
  }

  #laneMaxBytes(): number {
    return Math.min(LANE_MAX_BYTES, Math.max(LANE_MIN_BYTES, WAITING_MAX_BYTES / this.#lanes.size));
  }

  #pause({ consumer }: Membership, lanes: readonly Lane[]): void {
    for (const lane of lanes) lane.paused = true;
    unlessStopped(() => consumer.pause(lanes.map(({ topic, partition }) => ({ topic, partitions: [partition] }))));
  }

  #resume({ consumer }: Membership, lane: Lane): void {
    lane.paused = false;
    unlessStopped(() => consumer.resume([{ topic: lane.topic, partitions: [lane.partition] }]));
  }

  #seek({ consumer }: Membership, { topic, partition, expected }: Lane): void {
    unlessStopped(() => consumer.seek({ topic, partition, offset: String(expected) }));
  }

  // ------------------------------------------------------------ what lanes need

  onBatch(batch: Batch, context: BatchContext): Promise<void> {
    return this.options.onBatch(batch, context);
  }

  onFailure(error: unknown, batch?: Batch): void {
    try {
      this.options.onFailure?.(error, batch);
    } catch (thrown) {
      this.logger?.error({ err: thrown }, 'onFailure itself failed');
    }
  }

  async commit(lane: Lane, offset: number): Promise<void> {
    // The broker fences by the generation that kafkajs sends, which is the newest; the lane's own may be older.
    if (lane.isRetired || this.#membership?.joining !== false) throw new Fenced();
    const { topic, partition } = lane;
    const commit = this.#commits.get(lane);
    // Where no batch was handed out yet there are markers to be gone past, and no messages.
    if (commit === undefined) await this.#membership.consumer.commitOffsets([{ topic, partition, offset: String(offset) }]);
    else await commit({ topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }] });
  }

  onProgress(lane: Lane): void {
    const membership = this.#membership;
    if (!lane.paused || membership === undefined || membership.joining || lane.isRetired) return;
    if (lane.bytes <= this.#laneMaxBytes() / 2) this.#resume(membership, lane);
  }

  // ------------------------------------------------------------------- recovery

  #restart(membership: Membership, error: unknown): void {
    if (membership !== this.#membership || membership.over || this.#stopping.signal.aborted) return;
    this.#leave(membership);
    this.#suspectsFetch ||= !isPassing(error);
    this.#fail(error);
    this.#restarting = this.#rejoin(membership.memberId).finally(() => (this.#restarting = undefined));
  }

  async #rejoin(formerMemberId: string | undefined): Promise<void> {
    const { group } = this.options;
    const { signal } = this.#stopping;
    // A handler that still runs would keep its partition from being read by us: better that the others have it.
    await Promise.race([Promise.all(this.#former.values()), this.#stopped]);
    for (let pause = PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, PAUSE_LIMIT_MS)) {
      await this.timers.sleep(pause * (0.5 + this.surroundings.random.fraction() / 2), signal);
      if (signal.aborted) return;
      try {
        if (formerMemberId !== undefined) {
          await this.connections
            .use(`leaving group ${group}`, ({ cluster }) => putOut(cluster, group, formerMemberId), PAUSE_LIMIT_MS)
            .catch(() => {});
        }
        return await this.#join();
      } catch (error) {
        this.#leave(this.#membership);
        this.#fail(error);
      }
    }
  }

  /** Done with it, without waiting: it may be the very thing that hangs. */
  #leave(membership: Membership | undefined): void {
    if (membership === undefined) return;
    membership.over = true;
    membership.joining = true;
    this.#retireLanes();
    membership.consumer.disconnect().catch(() => {});
  }

  #fail(error: unknown): void {
    const known = engineError(error, `consuming as group ${this.options.group}`);
    this.logger?.warn({ group: this.options.group, type: known.type }, known.message);
    this.onFailure(known);
  }

  /** kafkajs can stop fetching without a word: while all is well there is a fetch or a heartbeat every second. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    let nextLagCheck = this.clock.steady() + this.settings.lagCheckMs;
    let nextProbe = this.clock.steady() + PROBE_MS;
    while (!signal.aborted) {
      await this.timers.sleep(WATCH_MS, signal);
      const membership = this.#membership;
      if (signal.aborted || membership === undefined || membership.over) continue;
      const now = this.clock.steady();
      const { sessionTimeoutMs, rebalanceTimeoutMs } = this.settings;
      const limit = 2 * sessionTimeoutMs + (membership.joining ? rebalanceTimeoutMs : 0);
      const neverJoined = now - (membership.drainedAt ?? now) > sessionTimeoutMs + rebalanceTimeoutMs;
      if (neverJoined || now - this.#lastSign > limit)
        this.#restart(membership, new EngineUnavailable('Kafka', 'the consumer has gone quiet'));
      else if ([...this.#lanes.values()].some(({ silentMs }) => silentMs > this.settings.handlerSilenceMs)) {
        this.#restart(membership, new EngineUnavailable('Kafka', 'a handler has neither returned nor said that it lives'));
      } else if (now >= nextLagCheck && !membership.joining) {
        nextLagCheck = now + this.settings.lagCheckMs;
        await this.#checkLag(membership).catch(() => {});
      } else if (now >= nextProbe && !membership.joining) {
        nextProbe = now + PROBE_MS;
        await this.#probeAgain(membership).catch(() => {});
      }
    }
  }

  /** A lane that waits for messages, with messages there, twice in a row at the same offset, is not being fetched. */
  async #checkLag(membership: Membership): Promise<void> {
    const behind = new Map<string, number>();
    for (const topic of this.options.topics) {
      const ends = await this.connections.use(
        'reading offsets',
        ({ cluster }) => offsetsOf(cluster, topic),
        PAUSE_LIMIT_MS,
        topic,
      );
      for (const { partition, high } of ends) {
        const lane = this.#lanes.get(`${topic}/${partition}`);
        if (lane?.expected !== undefined && lane.isIdle && lane.expected < high && !this.#unreadable.has(keyOf(lane)))
          behind.set(`${topic}/${partition}`, lane.expected);
      }
    }
    const stuck = [...behind].find(([lane, offset]) => this.#behind.get(lane) === offset);
    this.#behind = behind;
    if (stuck !== undefined)
      this.#restart(membership, new EngineUnavailable('Kafka', `partition ${stuck[0]} is not fetched behind ${stuck[1]}`));
  }
}

/** kafkajs's consumer refuses orders once it has stopped; that it has is told by its crash, a moment later. */
function unlessStopped(order: () => void): void {
  try {
    order();
  } catch {
    // Nothing is fetched any more in any case.
  }
}

const keyOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}/${partition}`;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Looks like the broker's own answer to a member that it does not know any more. */
class Fenced extends Error {
  readonly type = 'ILLEGAL_GENERATION';
}

/** The committed offset; where there is none, or it has expired, the first message that is there. */
async function startingPoints(cluster: ClusterConnection['cluster'], group: string, topic: string): Promise<Map<number, number>> {
  const [committed, ends] = await Promise.all([committedOffsets(cluster, group, topic), offsetsOf(cluster, topic)]);
  const offsetOf = new Map(committed.map(({ partition, offset }: PartitionOffset) => [partition, offset]));
  return new Map(ends.map(({ partition, low }) => [partition, Math.max(low, offsetOf.get(partition) ?? -1)]));
}
