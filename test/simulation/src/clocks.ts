import { NEWEST_RECEIPT_STREAM, textOf, type StoredEvent } from '@weft/processing';

/** Whoever looked so long ago looks again before anything is judged. */
const LOOKED_MS = 1_000;
/** What has opened by one clock does not close again by another that is so little behind. */
const DRIFT_MS = 1_000;

interface Noted {
  readonly position: number;
  /** Milliseconds since 1970, by the clock that is right. */
  readonly seenAt: number;
  /** The receipt, by the clock of whoever took the message. */
  readonly at: number;
}

/** What time it may be for whoever judges: the store's newest receipt closes, the brokers open, whatever a machine says. */
export class Clocks {
  private noted: Noted[] = [];

  constructor(
    private readonly now: () => number,
    private readonly hasBrokers: () => boolean,
  ) {}

  stored({ stream, position, data }: StoredEvent): void {
    if (stream !== NEWEST_RECEIPT_STREAM) return;
    const { at } = JSON.parse(textOf(data)) as { readonly at: number };
    this.noted.push({ position: Number(position), seenAt: this.now(), at });
  }

  storePutBack(size: number): void {
    this.noted = this.noted.filter(({ position }) => position < size);
  }

  /** The newest receipt that everybody knows of who judges at an instant, or later; it is not earlier than that. */
  closesFrom(seenAt: number): number {
    return this.noted.findLast((one) => one.seenAt <= seenAt - LOOKED_MS)?.at ?? -Infinity;
  }

  /** It is no later than this for whoever has judged by now; where nobody but the machines says what time it is, it may be. */
  opensUntil(): number {
    return this.hasBrokers() ? this.now() + DRIFT_MS : Infinity;
  }
}
