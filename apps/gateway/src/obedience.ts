import type { Coordinates } from '@weft/domain';
import {
  type Clock,
  CONSENT_TOPIC,
  EngineUnavailable,
  type EventBus,
  OPT_OUT_PROJECTOR_GROUP,
  type Timers,
} from '@weft/processing';

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/**
 * Whether decisions are obeyed yet. The opt-out-projector commits an offset only when every view and topic obeys what stands
 * before it, so its group's committed offset is the answer. However many wait, the bus is asked one question at a time.
 */
export class Obedience {
  private asking?: Promise<ReadonlyMap<number, number>>;
  private readonly stopping = new AbortController();

  constructor(
    private readonly bus: EventBus,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  async isObeyed({ partition, offset }: Coordinates): Promise<boolean> {
    const committed = await (this.asking ??= this.ask());
    return (committed.get(partition) ?? -1) > offset;
  }

  /**
   * True once the decision at this place is obeyed; false when `limitMs` have passed first, or this process is stopping. A bus
   * that is away meanwhile only makes it later: the decision itself is durable.
   */
  async waitUntilObeyed(at: Coordinates, limitMs: number): Promise<boolean> {
    const deadline = this.clock.now() + limitMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      if (await this.isObeyed(at).catch(laterWhenAway)) return true;
      const left = deadline - this.clock.now();
      if (left <= 0 || this.stopping.signal.aborted) return false;
      await this.timers.sleep(Math.min(pause, left), this.stopping.signal);
    }
  }

  /** Lets everyone who waits go, with false. */
  stop(): void {
    this.stopping.abort();
  }

  private async ask(): Promise<ReadonlyMap<number, number>> {
    try {
      const offsets = await this.bus.committed(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC);
      return new Map(offsets.map(({ partition, offset }) => [partition, offset]));
    } finally {
      this.asking = undefined;
    }
  }
}

function laterWhenAway(error: unknown): false {
  if (error instanceof EngineUnavailable) return false;
  throw error;
}
