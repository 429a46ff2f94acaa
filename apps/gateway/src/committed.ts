import { type Clock, EngineUnavailable, type EventBus, type Timers } from '@weft/processing';

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/** How far a projector has come. However many wait, the bus is asked one question at a time of each topic. */
export class Committed {
  private readonly asking = new Map<string, Promise<ReadonlyMap<number, number>>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly bus: EventBus,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  /** By partition the offset that the group reads next. */
  of(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const name = `${group} ${topic}`;
    const asked = this.asking.get(name) ?? this.ask(group, topic).finally(() => this.asking.delete(name));
    this.asking.set(name, asked);
    return asked;
  }

  /**
   * What `look` finds; null when `limitMs` have passed first, or this process is stopping. An engine that is away meanwhile only makes
   * it later: what is waited for is durable.
   */
  async wait<T>(limitMs: number, look: () => Promise<T | null>): Promise<T | null> {
    const deadline = this.clock.steady() + limitMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const found = await look().catch(laterWhenAway);
      if (found !== null) return found;
      const left = deadline - this.clock.steady();
      if (left <= 0 || this.stopping.signal.aborted) return null;
      await this.timers.sleep(Math.min(pause, left), this.stopping.signal);
    }
  }

  /** Lets everyone who waits go, with null. */
  stop(): void {
    this.stopping.abort();
  }

  private async ask(group: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.bus.committed(group, topic);
    return new Map(offsets.map(({ partition, offset }) => [partition, offset]));
  }
}

export function laterWhenAway(error: unknown): null {
  if (error instanceof EngineUnavailable) return null;
  throw error;
}
