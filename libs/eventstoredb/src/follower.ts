import type { AllStreamRecordedEvent, Position } from '@eventstore/db-client';
import type { StoredEvent, SubscribeOptions, Subscription } from '@weft/processing';
import { pauseMs, type Calls } from './calls.js';
import type { Client } from './client.js';
import { isType } from './errors.js';
import { Feed, Names, type FeedItem } from './feed.js';
import { Silence } from './incoming.js';
import { formatPosition, isAfter, toStoredEvent } from './stored-event.js';
import type { Logger } from './system.js';
import type { Truncations } from './truncation.js';

export interface FollowerParts {
  readonly client: Client;
  readonly calls: Calls;
  readonly truncations: Truncations;
  readonly logger?: Logger;
  /** First pause after a failure; it grows from there. */
  readonly retryPauseMs: number;
  /** A feed that brings nothing for so long is opened anew: nothing else would tell it from one that is dead. */
  readonly silenceMs: number;
}

const LONGEST_PAUSE_MS = 5_000;
const DEFAULT_MAX_BATCH = 1_000;

/** Hands events over a batch at a time, in the one order, each until it is handled; opens a new feed where one ended. */
export class Follower implements Subscription {
  private readonly stopping = new AbortController();
  private feed: Feed | undefined;
  private ended: Promise<void> = Promise.resolve();
  private caughtUp = false;
  /** The feed of now has brought something. */
  private isFed = false;
  /** Handled, or looked at by the server: nothing at or before it comes again. */
  private reached: Position | undefined;
  private told: Position | undefined;

  constructor(
    private readonly options: SubscribeOptions,
    after: Position | undefined,
    private readonly parts: FollowerParts,
  ) {
    this.reached = this.told = after;
  }

  run(): Promise<void> {
    this.ended = this.follow();
    return this.ended;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.feed?.close();
    await this.ended;
  }

  private get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async follow(): Promise<void> {
    for (let failures = 0; !this.stopped; failures++) {
      const before = this.reached;
      this.isFed = false;
      let isDropped = false;
      try {
        await this.followOneFeed();
      } catch (error) {
        isDropped = isType(error, 'timeout') && this.isFed;
        if (!this.stopped) this.report(error);
      }
      if (this.reached !== before) failures = 0;
      // While much is written the server drops even a quick reader many times a minute: each pause would be everybody's delay.
      if (!isDropped) await this.pause(failures);
    }
  }

  private async followOneFeed(): Promise<void> {
    const { client, calls, silenceMs } = this.parts;
    const feed = (this.feed = await Feed.open(client, calls, new Names(this.options.prefixes), this.reached));
    try {
      for (;;) {
        if (this.stopped) return;
        const items = await feed.next(silenceMs);
        if (items.length === 0) return;
        this.isFed = true;
        await this.handleAll(items);
      }
    } finally {
      feed.close();
    }
  }

  /** The server dropped a reader for whom 32 events waited, or all was quiet: nothing is wrong, and a new feed goes on where this one ended. */
  private report(error: unknown): void {
    if (isType(error, 'timeout') || error instanceof Silence) {
      this.parts.logger?.info({ reason: (error as Error).message }, 'a subscription is opened anew');
      return;
    }
    this.tellFailure(this.parts.calls.translated(error, {}));
  }

  private tellFailure(error: unknown): void {
    try {
      this.options.onFailure?.(error);
    } catch (thrown) {
      this.parts.logger?.warn({ err: thrown }, 'onFailure of a subscription threw');
    }
  }

  private async handleAll(items: readonly FeedItem[]): Promise<void> {
    // Where it fails, each event's own look-up says so.
    await this.parts.truncations.prepare(items.flatMap((item) => ('event' in item ? [item.event.streamId] : []))).catch(() => {});
    let events: AllStreamRecordedEvent[] = [];
    for (const item of items) {
      if ('event' in item) {
        events.push(item.event);
        continue;
      }
      await this.handle(events);
      events = [];
      if (this.stopped) return;
      if ('checkpoint' in item) this.pass(item.checkpoint);
      else await this.sayCaughtUp();
    }
    await this.handle(events);
    await this.tellCheckpoint();
  }

  private async handle(events: readonly AllStreamRecordedEvent[]): Promise<void> {
    for (let start = 0; start < events.length && !this.stopped;) {
      await this.untilDone(async () => {
        start = await this.give(events, start);
      });
    }
  }

  /** Gives what can be given together, and where the rest starts: one that cannot be given does not hold up those before it. */
  private async give(events: readonly AllStreamRecordedEvent[], start: number): Promise<number> {
    const { maxBatch = DEFAULT_MAX_BATCH } = this.options;
    const batch: StoredEvent[] = [];
    let end = start;
    for (; end < events.length && batch.length < maxBatch; end += 1) {
      try {
        batch.push(...(await this.shown(events[end] as AllStreamRecordedEvent)));
      } catch (error) {
        if (batch.length === 0) throw error;
        break;
      }
    }
    if (batch.length > 0) await this.options.onEvents(batch);
    const last = events[end - 1] as AllStreamRecordedEvent;
    if (isAfter(last.position, this.reached)) this.reached = last.position;
    return end;
  }

  /** Nothing where it came before, or has been truncated. */
  private async shown(event: AllStreamRecordedEvent): Promise<StoredEvent[]> {
    if (!isAfter(event.position, this.reached)) return [];
    const first = await this.parts.truncations.firstReadable(event.streamId);
    return Number(event.revision) >= first ? [toStoredEvent(event, this.parts.calls.engine)] : [];
  }

  private pass(checkpoint: Position): void {
    if (isAfter(checkpoint, this.reached)) this.reached = checkpoint;
  }

  private async sayCaughtUp(): Promise<void> {
    await this.tellCheckpoint();
    if (this.caughtUp || this.stopped) return;
    this.caughtUp = true;
    this.options.onCaughtUp?.();
  }

  private async tellCheckpoint(): Promise<void> {
    const { reached } = this;
    if (this.stopped || reached === undefined || reached === this.told) return;
    if (await this.untilDone(async () => this.options.onCheckpoint?.(formatPosition(reached)))) this.told = reached;
  }

  /** Tries until it succeeds, and tells every failure; false when stopped meanwhile. */
  private async untilDone(attempt: () => Promise<void>): Promise<boolean> {
    for (let failures = 0; !this.stopped; failures++) {
      try {
        await attempt();
        return true;
      } catch (error) {
        this.tellFailure(error);
      }
      await this.pause(failures);
    }
    return false;
  }

  private async pause(failures: number): Promise<void> {
    if (this.stopped) return;
    const { timers, random } = this.parts.calls.surroundings;
    await timers.sleep(pauseMs(failures, random, this.parts.retryPauseMs, LONGEST_PAUSE_MS), this.stopping.signal);
  }
}
