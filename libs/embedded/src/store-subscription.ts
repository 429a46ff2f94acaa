import type { StoredEvent, SubscribeOptions, Subscription, Timers } from '@weft/processing';
import type { Page } from './event-table.js';
import { nextTurn, type Notifier } from './notifier.js';

interface Source {
  page(after: number): Page;
  readonly changed: Notifier;
  readonly timers: Timers;
  readonly retryPauseMs: number;
  onStopped(): void;
}

const DEFAULT_MAX_BATCH = 1_000;

/** Hands events over a batch at a time, in the one order, and again for as long as the handler throws. */
export class StoreSubscription implements Subscription {
  private readonly abort = new AbortController();
  private ended: Promise<void> = Promise.resolve();
  private caughtUp = false;

  constructor(
    private readonly options: SubscribeOptions,
    private position: number,
    private readonly source: Source,
  ) {}

  run(): Promise<void> {
    this.ended = this.loop().finally(() => this.source.onStopped());
    return this.ended;
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  private get stopped(): boolean {
    return this.abort.signal.aborted;
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const seen = this.source.changed.version;
      const page = await this.untilDone(async () => this.source.page(this.position));
      if (page === undefined) return;
      if (page.isLast) {
        this.sayCaughtUp();
        await this.source.changed.after(seen, this.abort.signal);
      } else {
        await this.handle(page);
      }
    }
  }

  private async handle(page: Page): Promise<void> {
    const { maxBatch = DEFAULT_MAX_BATCH, onEvents } = this.options;
    for (let start = 0; start < page.events.length; start += maxBatch) {
      if (this.stopped) return;
      const batch = page.events.slice(start, start + maxBatch);
      const handled = await this.untilDone(async () => {
        await onEvents(batch);
        return true;
      });
      if (handled === undefined) return;
      this.position = Number((batch.at(-1) as StoredEvent).position);
      await this.tellCheckpoint();
    }
    if (this.position === page.position) return nextTurn();
    this.position = page.position;
    await this.tellCheckpoint();
    await nextTurn();
  }

  private async tellCheckpoint(): Promise<void> {
    const position = String(this.position);
    await this.untilDone(async () => {
      await this.options.onCheckpoint?.(position);
      return true;
    });
  }

  private sayCaughtUp(): void {
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.options.onCaughtUp?.();
  }

  /** Tries until it succeeds; undefined when stopped meanwhile. Every failure is told. */
  private async untilDone<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        this.options.onFailure?.(error);
      }
      await this.source.timers.sleep(this.source.retryPauseMs, this.abort.signal);
      if (this.stopped) return undefined;
    }
  }
}
