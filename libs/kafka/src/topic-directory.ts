import { partitionsOf } from './broker-calls.js';
import type { ClusterConnection, Connections, Surroundings } from './client.js';

interface Known {
  readonly partitions: number;
  readonly at: number;
}

/** How many partitions the topics have: what a key's partition depends on. */
export class TopicDirectory {
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<number>>();

  constructor(
    private readonly connections: Connections<ClusterConnection>,
    private readonly surroundings: Surroundings,
    private readonly settings: { readonly deadlineMs: number; readonly metadataAgeMs: number },
  ) {}

  /** Undefined when one of them was never asked for. What is old is asked for again, and given meanwhile. */
  known(topics: Iterable<string>): Map<string, number> | undefined {
    const counts = new Map<string, number>();
    for (const topic of topics) {
      const known = this.#known.get(topic);
      if (known === undefined) return undefined;
      if (this.surroundings.clock.steady() - known.at > this.settings.metadataAgeMs) this.#ask(topic).catch(() => {});
      counts.set(topic, known.partitions);
    }
    return counts;
  }

  /** Throws UnknownTopic, InvalidCall, EngineUnavailable. */
  async find(topics: Iterable<string>): Promise<Map<string, number>> {
    const found = [...topics].map(
      async (topic) => [topic, this.#known.get(topic)?.partitions ?? (await this.#ask(topic))] as const,
    );
    return new Map(await Promise.all(found));
  }

  forget(topic: string): void {
    this.#known.delete(topic);
  }

  #ask(topic: string): Promise<number> {
    const asking = this.#asking.get(topic) ?? this.#answer(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  async #answer(topic: string): Promise<number> {
    const doing = `looking for topic ${topic}`;
    const count = async ({ cluster }: ClusterConnection) => (await partitionsOf(cluster, topic)).length;
    const partitions = await this.connections.use(doing, count, this.settings.deadlineMs, topic);
    this.#known.set(topic, { partitions, at: this.surroundings.clock.steady() });
    return partitions;
  }
}
