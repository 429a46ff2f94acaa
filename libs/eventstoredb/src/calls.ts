import type { StreamingRead } from '@eventstore/db-client';
import { EngineUnavailable, type Random } from '@weft/processing';
import { engineError, isPassing, type Asked } from './errors.js';
import { Incoming, Silence, type Source } from './incoming.js';
import type { Surroundings } from './system.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** So many events are taken over at a time. */
const BATCH = 64;

/** Doubles from attempt to attempt, up to a longest; a random half of it, so that many do not come back together. */
export function pauseMs(attempt: number, random: Random, firstMs = FIRST_PAUSE_MS, longestMs = LONGEST_PAUSE_MS): number {
  const ms = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 20));
  return ms / 2 + (ms / 2) * random.fraction();
}

export interface CallLimits {
  /** An engine that says nothing for so long does not answer. */
  readonly deadlineMs: number;
  /** A read that fails is tried again for so long. */
  readonly patienceMs: number;
}

/** A call that is not made again, and when it has waited long enough. */
interface Once {
  readonly until: number;
  giveUp: (error: Error) => void;
}

/** How the store is called: never without a deadline, never after it is closed, and every error in the port's own words. */
export class Calls {
  /** What must end when the store is closed. */
  private readonly open = new Set<() => void>();
  /** The oldest first. */
  private readonly underWay = new Set<Once>();
  private isWatching = false;
  closed = false;

  constructor(
    readonly engine: string,
    readonly surroundings: Surroundings,
    readonly limits: CallLimits,
  ) {}

  /** For what may be done twice: tries again, with growing pauses, what may pass. */
  async ask<T>(asked: Omit<Asked, 'engine'>, work: () => Promise<T>, patienceMs = this.limits.patienceMs): Promise<T> {
    const { clock, timers, random } = this.surroundings;
    const until = clock.steady() + patienceMs;
    for (let attempt = 0; ; attempt++) {
      this.refuseIfClosed();
      try {
        return await work();
      } catch (error) {
        const pause = pauseMs(attempt, random);
        if (this.closed || !isPassing(error) || clock.steady() + pause > until) throw this.translated(error, asked);
        await this.whileOpen((signal) => timers.sleep(pause, signal));
      }
    }
  }

  /**
   * For what may not: when it fails with EngineUnavailable it is not known whether it was done. `isOver` says to the work that
   * nobody waits for it any more.
   */
  async once<T>(asked: Omit<Asked, 'engine'>, work: (isOver: () => boolean) => Promise<T>): Promise<T> {
    this.refuseIfClosed();
    const { deadlineMs } = this.limits;
    const one: Once = { until: this.surroundings.clock.steady() + deadlineMs, giveUp: () => {} };
    this.underWay.add(one);
    try {
      return await new Promise<T>((resolve, reject) => {
        one.giveUp = reject;
        work(() => this.closed || !this.underWay.has(one)).then(resolve, reject);
        void this.watchDeadlines();
      });
    } catch (error) {
      throw this.translated(error, asked);
    } finally {
      this.underWay.delete(one);
    }
  }

  /** Everything that a read of the client's brings. */
  async all<E>(read: StreamingRead<E>): Promise<E[]> {
    const incoming = this.incoming<E>(read, () => read.cancel());
    try {
      const events: E[] = [];
      for (;;) {
        const batch = await incoming.next(BATCH, this.limits.deadlineMs);
        if (batch.length === 0) break;
        events.push(...batch);
      }
      this.refuseIfClosed();
      return events;
    } finally {
      incoming.close();
    }
  }

  incoming<T>(stream: Source, cancel: () => Promise<void>): Incoming<T> {
    const incoming = new Incoming<T>(stream, cancel, this.surroundings.timers);
    const end = () => incoming.close();
    this.open.add(end);
    stream.on('close', () => this.open.delete(end));
    return incoming;
  }

  translated(error: unknown, asked: Omit<Asked, 'engine'>): Error {
    if (this.closed) return new EngineUnavailable(this.engine, 'the store is closed');
    return engineError(error, { ...asked, engine: this.engine });
  }

  refuseIfClosed(): void {
    if (this.closed) throw new EngineUnavailable(this.engine, 'the store is closed');
  }

  close(): void {
    this.closed = true;
    for (const end of [...this.open]) end();
    for (const { giveUp } of this.underWay) giveUp(new Error('the store is closed'));
  }

  /** All have the same time, so the oldest is due first. One sleep for all of them: one each would cost as much as the append. */
  private async watchDeadlines(): Promise<void> {
    if (this.isWatching) return;
    this.isWatching = true;
    const { clock, timers } = this.surroundings;
    while (!this.closed) {
      const [oldest] = this.underWay;
      if (oldest === undefined) break;
      const left = oldest.until - clock.steady();
      if (left > 0) await this.whileOpen((signal) => timers.sleep(left, signal));
      else if (this.underWay.delete(oldest)) oldest.giveUp(new Silence(this.limits.deadlineMs));
    }
    this.isWatching = false;
  }

  private async whileOpen<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    const end = () => ending.abort();
    this.open.add(end);
    try {
      return await work(ending.signal);
    } finally {
      this.open.delete(end);
      end();
    }
  }
}
