import { PURPOSES, type Coordinates } from '@weft/domain';
import type { PublisherCheckpoint } from './encoding.js';
import type { EventBus, Keys, OutgoingMessage } from './ports.js';
import { recordChangesTopic } from './topics.js';

type Ends = NonNullable<PublisherCheckpoint['ends']>;

/**
 * Where the topics of changes ended, by what was published to them: the store's memory of them. A topic that ends before that, or has another message
 * there, was put back or made anew, and what it lost nobody else would publish again.
 */
export class PublishedEnds {
  private readonly ends: Map<string, Ends[string]>;

  constructor(
    private readonly keys: Pick<Keys, 'digest'>,
    ends: Ends,
  ) {
    this.ends = new Map(Object.entries(ends));
  }

  /** As a checkpoint holds them. */
  get noted(): Ends {
    return Object.fromEntries(this.ends);
  }

  /** Notes what was published. False, and it is not noted, where a topic gave it a place before one that it had given before. */
  note(messages: readonly OutgoingMessage[], places: readonly Coordinates[]): boolean {
    // Which message stands where is not known then.
    if (places.length !== messages.length) return true;
    const last = new Map<string, number>();
    for (const [index, { topic, partition, offset }] of places.entries()) {
      const name = `${topic}/${partition}`;
      if (!last.has(name) && offset < (this.ends.get(name)?.[0] ?? 0)) return false;
      last.set(name, index);
    }
    for (const [name, index] of last)
      this.ends.set(name, [(places[index] as Coordinates).offset + 1, this.nameOf(messages[index] as OutgoingMessage)]);
    return true;
  }

  /** Whether the topics have what was published. A message that was compacted away is not missed. */
  async areThere(bus: EventBus): Promise<boolean> {
    for (const topic of PURPOSES.map(recordChangesTopic)) {
      if (![...this.ends.keys()].some((name) => name.startsWith(`${topic}/`))) continue;
      const highs = new Map((await bus.offsets(topic)).map(({ partition, high }) => [partition, high]));
      for (const [name, [end, last]] of this.ends) {
        if (!name.startsWith(`${topic}/`)) continue;
        const partition = Number(name.slice(topic.length + 1));
        if ((highs.get(partition) ?? 0) < end) return false;
        const [message] = await bus.read(topic, partition, end - 1, 1);
        if (message?.offset === end - 1 && this.nameOf(message) !== last) return false;
      }
    }
    return true;
  }

  /** From now on nothing is missed of what was published before. */
  forget(): void {
    this.ends.clear();
  }

  private nameOf({ headers }: Pick<OutgoingMessage, 'headers'>): string {
    return this.keys.digest(headers['ce_id'] ?? '').slice(0, 16);
  }
}
