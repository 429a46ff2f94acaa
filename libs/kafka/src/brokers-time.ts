import { within } from '@weft/processing';
import type { Surroundings } from './client.js';

/** For so long the brokers are taken to be as far from this process's steady clock as they were. */
const KNOWN_MS = 10 * 60_000;
/** After having been asked they are not asked again for so long, whatever came of it. */
const ASK_EVERY_MS = 10_000;
/** Whoever asks first waits so long for an answer. */
const PATIENCE_MS = 2_000;

/** The brokers' time, by the stamps that they put on what they take. The protocol has no other way to ask for it. */
export class BrokersTime {
  #offset: number | null = null;
  #stampedAt = -Infinity;
  #askedAt = -Infinity;
  #asking: Promise<void> = Promise.resolve();

  /** @param ask has the brokers take something, and hands its stamp to `stamped`. */
  constructor(
    private readonly surroundings: Surroundings,
    private readonly ask: () => Promise<unknown>,
  ) {}

  /** What a broker says when it took something, milliseconds since 1970; -1 or nothing where the topic's times are its publishers'. */
  stamped(logAppendTime: string | undefined): void {
    const at = Number(logAppendTime ?? -1);
    if (!(at > 0)) return;
    this.#stampedAt = this.surroundings.clock.steady();
    // It was stamped before its answer came, so that this is no later than it is.
    this.#offset = at - this.#stampedAt;
  }

  async now(): Promise<number | null> {
    const { clock, timers } = this.surroundings;
    const steady = clock.steady();
    if (steady - this.#stampedAt >= KNOWN_MS && steady - this.#askedAt >= ASK_EVERY_MS) {
      this.#askedAt = steady;
      this.#asking = this.ask().then(
        () => undefined,
        () => undefined,
      );
    }
    if (this.#offset === null) await within(timers, PATIENCE_MS, this.#asking);
    return this.#offset === null ? null : clock.steady() + this.#offset;
  }
}
