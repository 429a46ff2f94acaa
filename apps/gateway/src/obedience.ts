import type { Coordinates } from '@weft/domain';
import {
  type Clock,
  CONSENT_TOPIC,
  EngineUnavailable,
  type EventBus,
  type EventStore,
  findRecorded,
  OPT_OUT_PROJECTOR_GROUP,
  type Recorded,
  type Timers,
} from '@weft/processing';

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;

/** A decision on its way: where it is on the bus, and whose stream it must come to. */
export interface OnItsWay {
  readonly at: Coordinates;
  /** The person's key. */
  readonly key: string;
  readonly source: string;
  readonly id: string;
  readonly digest: string;
}

/** `null` while the projector has not dealt with it. */
export type Outcome = Recorded | null;

/**
 * Whether decisions are obeyed yet. That a projector has passed the message says only that it has dealt with it; whether it is obeyed
 * is read from the person's own stream, by which readers decide. However many wait, the bus is asked one question at a time.
 */
export class Obedience {
  private asking?: Promise<ReadonlyMap<number, number>>;
  private readonly stopping = new AbortController();

  constructor(
    private readonly bus: EventBus,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  async outcomeOf(decision: OnItsWay): Promise<Outcome> {
    const { partition, offset } = decision.at;
    const committed = await (this.asking ??= this.ask());
    return (committed.get(partition) ?? -1) > offset ? findRecorded({ store: this.store }, decision.key, decision) : null;
  }

  /**
   * What became of the decision; null when `limitMs` have passed first, or this process is stopping. An engine that is away
   * meanwhile only makes it later: the decision itself is durable.
   */
  async wait(decision: OnItsWay, limitMs: number): Promise<Outcome> {
    const deadline = this.clock.now() + limitMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const outcome = await this.outcomeOf(decision).catch(laterWhenAway);
      if (outcome !== null) return outcome;
      const left = deadline - this.clock.now();
      if (left <= 0 || this.stopping.signal.aborted) return null;
      await this.timers.sleep(Math.min(pause, left), this.stopping.signal);
    }
  }

  /** Lets everyone who waits go, with null. */
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

function laterWhenAway(error: unknown): null {
  if (error instanceof EngineUnavailable) return null;
  throw error;
}
