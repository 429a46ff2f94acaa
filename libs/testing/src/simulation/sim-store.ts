import {
  EngineUnavailable,
  type AppendOptions,
  type EventStore,
  type NewEvent,
  type ReadOptions,
  type StoredEvent,
  type SubscribeOptions,
  type Subscription,
} from '@weft/processing';
import type { CallFaults, Incarnation } from './incarnation.js';
import { indexAfter, type StoreEngine } from './store-engine.js';

const READ: CallFaults = { engine: 'store', lost: 'readFails' };
const APPEND: CallFaults = { engine: 'store', lost: 'appendLost', unacknowledged: 'appendUnacknowledged', late: 'appendLate' };
const PAGE = 100;
const PUSHED = 16;
const BATCH = 1_000;
const PAUSE_MS = 1_000;

/** One process's way to the simulated store. */
export class SimStore implements EventStore {
  private readonly subscriptions = new Set<StoreSubscription>();
  private closed = false;

  constructor(
    private readonly engine: StoreEngine,
    private readonly process: Incarnation,
  ) {}

  append(stream: string, expected: number, events: readonly NewEvent[], options?: AppendOptions): Promise<number> {
    const copies = events.map((event) => ({ ...event, data: new Uint8Array(event.data) }));
    return this.call('append', stream, APPEND, () => this.engine.append(stream, expected, copies, options));
  }

  read(stream: string, options?: ReadOptions): Promise<StoredEvent[]> {
    return this.call('read', stream, READ, () => this.engine.read(stream, options));
  }

  head(stream: string): Promise<number> {
    return this.call('head', stream, READ, () => this.engine.head(stream));
  }

  readAll(options?: { after?: string; maxCount?: number; prefixes?: readonly string[] }): Promise<StoredEvent[]> {
    return this.call('read all', '', READ, () => this.engine.readAll(options));
  }

  async *streams(prefix: string, after?: string): AsyncGenerator<{ readonly stream: string; readonly position: string }> {
    let from = after;
    for (;;) {
      const resume = from;
      const page = await this.call('list streams', prefix, READ, () => this.engine.streamsAfter(prefix, resume, PAGE));
      yield* page;
      from = page.at(-1)?.position;
      if (from === undefined) return;
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.call('subscribe', options.prefixes.join(' '), READ, () => indexAfter(options.after));
    const subscription = new StoreSubscription(this.engine, this.process, options);
    this.subscriptions.add(subscription);
    return subscription;
  }

  comparePositions(a: string, b: string): number {
    return indexAfter(a) - indexAfter(b);
  }

  async check(): Promise<void> {
    await this.call('check store', '', READ, () => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
  }

  private call<T>(what: string, detail: string, faults: CallFaults, effect: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new EngineUnavailable('store', 'is closed'));
    return this.process.call(what, detail, faults, effect);
  }
}

/** Pushes events to a handler a batch at a time; a few are on their way at once, so an event may be truncated before it is handled. */
class StoreSubscription implements Subscription {
  private cursor: number;
  private checkpoint: number;
  private caughtUp = false;
  private handling = false;
  private stopping: (() => void)[] | undefined;

  constructor(
    private readonly engine: StoreEngine,
    private readonly process: Incarnation,
    private readonly options: SubscribeOptions,
  ) {
    this.cursor = this.checkpoint = indexAfter(options.after);
    this.fetch();
  }

  stop(): Promise<void> {
    this.stopping ??= [];
    const stopping = this.stopping;
    if (!this.handling) return Promise.resolve();
    return new Promise((resolve) => stopping.push(resolve));
  }

  private fetch(): void {
    if (this.stopping !== undefined) return;
    const { process } = this;
    if (process.chances.happens('redelivery')) this.cursor = this.checkpoint;
    const limit = process.chances.happens('shortBatch') ? process.chances.prng.between(1, PUSHED) : PUSHED;
    const { cursor } = this;
    process.send(
      'fetch events',
      '',
      READ,
      () => {
        const found = this.engine.scan(cursor, this.options.prefixes, limit);
        return { ...found, atEnd: found.events.length === 0 };
      },
      ({ events, next, atEnd }) => {
        this.cursor = next;
        if (!atEnd) this.caughtUp = false;
        void this.deliver(events, cursor, next, atEnd);
      },
      (error) => this.failed(error, () => this.fetch()),
    );
  }

  private async deliver(events: readonly StoredEvent[], from: number, next: number, atEnd: boolean): Promise<void> {
    this.handling = true;
    for (let given = 0; given < events.length && this.stopping === undefined;) {
      const batch = this.batchOf(events.slice(given));
      if (!(await this.handled(batch))) {
        this.cursor = Number((batch[0] as StoredEvent).position);
        return this.rest(() => this.process.after(PAUSE_MS, 'events again', '', () => this.fetch()));
      }
      given += batch.length;
      if (this.process.chances.happens('shortBatch')) await this.reached((batch.at(-1) as StoredEvent).position);
    }
    const stopped = this.stopping !== undefined;
    if (!stopped && next > from) await this.reached(String(next - 1));
    if (!stopped && atEnd && !this.caughtUp) {
      this.caughtUp = true;
      this.options.onCaughtUp?.();
    }
    this.rest(() => {
      if (atEnd) this.engine.onceBeyond(next, () => this.process.after(0, 'events arrived', '', () => this.fetch()));
      else this.fetch();
    });
  }

  /** As many as have come, or fewer. */
  private batchOf(events: readonly StoredEvent[]): readonly StoredEvent[] {
    const { chances } = this.process;
    const most = Math.min(events.length, this.options.maxBatch ?? BATCH);
    return events.slice(0, chances.happens('shortBatch') ? chances.prng.between(1, most) : most);
  }

  private async handled(events: readonly StoredEvent[]): Promise<boolean> {
    try {
      await this.options.onEvents(events);
      return true;
    } catch (error) {
      this.options.onFailure?.(error);
      return false;
    }
  }

  private async reached(position: string): Promise<void> {
    try {
      await this.options.onCheckpoint?.(position);
      this.checkpoint = indexAfter(position);
    } catch (error) {
      this.options.onFailure?.(error);
    }
  }

  private failed(error: Error, again: () => void): void {
    this.options.onFailure?.(error);
    this.process.after(PAUSE_MS, 'events again', '', again);
  }

  private rest(proceed: () => void): void {
    this.handling = false;
    if (this.stopping === undefined) proceed();
    else for (const resolve of this.stopping) resolve();
  }
}
