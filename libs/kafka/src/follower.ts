import type { Cluster, Kafka } from 'kafkajs';
import type { FollowOptions, Message, Subscription } from '@weft/processing';
import { byNode, fetchFrom, leadersOf, offsetsOf } from './broker-calls.js';
import { openCluster, type ClusterConnection, type Connections, type Surroundings } from './client.js';
import { engineError } from './errors.js';

export interface FollowerSettings {
  readonly metadataAgeMs: number;
  readonly deadlineMs: number;
}

const MAX_WAIT_MS = 500;
const MAX_BYTES = 1_048_576;
const PAUSE_MS = 200;
const PAUSE_LIMIT_MS = 5000;
/** As many as a consumer gives at once. */
const MOST_MESSAGES = 500;

/**
 * Reads all partitions of a topic along, with positions of its own and no group: nothing to join, to commit or to leave
 * behind on the broker. One fetch at a time from each node that leads some of them.
 */
export class Follower implements Subscription {
  readonly #positions = new Map<number, number>();
  readonly #stopped = new AbortController();
  /** Calls of the handler, one after another whatever the number of nodes. */
  #handling: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: FollowOptions,
    private readonly kafka: Kafka,
    private readonly connections: Connections<ClusterConnection>,
    private readonly surroundings: Surroundings,
    private readonly settings: FollowerSettings,
  ) {}

  /** Resolves once the positions are known: what is published from then on will come. */
  async start(): Promise<this> {
    const { topic, from } = this.options;
    const doing = `following topic ${topic}`;
    const offsets = await this.connections.use(
      doing,
      ({ cluster }) => offsetsOf(cluster, topic),
      this.settings.deadlineMs,
      topic,
    );
    for (const { partition, low, high } of offsets) {
      this.#positions.set(partition, from === 'end' ? high : from === 'beginning' ? low : (from.get(partition) ?? low));
    }
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { topic } = this.options;
    let pause = PAUSE_MS;
    while (!this.#isStopped()) {
      let connection: ClusterConnection | undefined;
      try {
        connection = await openCluster(this.kafka);
        while (!this.#isStopped()) {
          await this.#round(connection.cluster);
          pause = PAUSE_MS;
        }
      } catch (error) {
        this.#tell(engineError(error, `following topic ${topic}`, topic));
        await this.surroundings.timers.sleep(pause, this.#stopped.signal);
        pause = Math.min(pause * 2, PAUSE_LIMIT_MS);
      } finally {
        await connection?.end().catch(() => {});
      }
    }
  }

  /** Fetches until it is time to look again who leads what, and whether partitions were added. */
  async #round(cluster: Cluster): Promise<void> {
    const { topic } = this.options;
    const leaders = await leadersOf(cluster, topic);
    for (const partition of leaders.keys()) {
      // A partition that was added is new altogether: whoever follows wants it from its beginning.
      if (!this.#positions.has(partition)) this.#positions.set(partition, 0);
    }
    const until = this.surroundings.clock.steady() + this.settings.metadataAgeMs;
    let broken = false;
    const fromNode = async (nodeId: string, partitions: readonly number[]) => {
      try {
        while (!broken && !this.#isStopped() && this.surroundings.clock.steady() < until) {
          await this.#fetch(cluster, nodeId, partitions);
        }
      } catch (error) {
        broken = true;
        throw error;
      }
    };
    const ends = await Promise.allSettled([...byNode(leaders)].map(([nodeId, partitions]) => fromNode(nodeId, partitions)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #fetch(cluster: Cluster, nodeId: string, partitions: readonly number[]): Promise<void> {
    const positions = new Map(partitions.map((partition) => [partition, this.#positions.get(partition)!]));
    const limits = { maxWaitMs: MAX_WAIT_MS, maxBytes: MAX_BYTES };
    for (const { partition, messages, next } of await fetchFrom(cluster, nodeId, this.options.topic, positions, limits)) {
      for (let start = 0; start < messages.length && !this.#isStopped(); start += MOST_MESSAGES) {
        const some = messages.slice(start, start + MOST_MESSAGES);
        this.#handling = this.#handling.then(() => this.#handle(some));
        await this.#handling;
        if (!this.#isStopped()) this.#positions.set(partition, some.at(-1)!.offset + 1);
      }
      if (!this.#isStopped()) this.#positions.set(partition, next);
    }
  }

  /** Until it succeeds: nothing is passed over. */
  async #handle(messages: readonly Message[]): Promise<void> {
    for (let pause = PAUSE_MS; !this.#isStopped(); pause = Math.min(pause * 2, PAUSE_LIMIT_MS)) {
      try {
        return await this.options.onMessages(messages);
      } catch (error) {
        this.#tell(error);
        await this.surroundings.timers.sleep(pause, this.#stopped.signal);
      }
    }
  }

  #tell(error: unknown): void {
    if (this.#isStopped()) return;
    try {
      this.options.onFailure?.(error);
    } catch {
      // Whoever is told of failures and fails at it has nobody left to be told.
    }
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }
}
