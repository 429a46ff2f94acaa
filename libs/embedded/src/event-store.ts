import {
  InvalidCall,
  type AppendOptions,
  type EventStore,
  type NewEvent,
  type ReadOptions,
  type StoredEvent,
  type SubscribeOptions,
  type Subscription,
} from '@weft/processing';
import { isClosed, named, type DataFile, type Part } from './data-file.js';
import { EventTable, type Page } from './event-table.js';
import { checkCount, checkNewEvents, checkStreamName } from './new-events.js';
import { nextTurn, Notifier } from './notifier.js';
import { StoreSubscription } from './store-subscription.js';

const DEFAULT_MAX_COUNT = 1_000;
/** So many events are looked through for a prefix at a time, so that a rare one does not hold up the event loop. */
const SCAN_EVENTS = 2_000;

export interface EmbeddedStore extends EventStore {
  /** Reads the whole file and compares every page and index; throws EngineDamaged with what it found. Blocks while it runs. */
  checkIntegrity(): Promise<void>;
}

function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 0) throw new InvalidCall(`${revision} is no revision to read from`);
}

function parsePosition(position: string | undefined): number {
  if (position === undefined) return 0;
  const parsed = /^\d{1,16}$/.test(position) ? Number(position) : NaN;
  if (!Number.isSafeInteger(parsed)) throw new InvalidCall(`${JSON.stringify(position)} is no position of this store`);
  return parsed;
}

export class SqliteEventStore implements EmbeddedStore, Part {
  private readonly events: EventTable;
  private readonly changed = new Notifier();
  private readonly subscriptions = new Set<StoreSubscription>();
  private hasWritten = false;
  private closed = false;

  constructor(
    readonly file: DataFile,
    /** How long a subscription pauses after its handler threw. */
    private readonly retryPauseMs = 250,
  ) {
    this.events = new EventTable(file.database, file.packing, file.engine);
  }

  async append(stream: string, expected: number, events: readonly NewEvent[], options?: AppendOptions): Promise<number> {
    const { metas, bytes } = checkNewEvents(stream, expected, events);
    this.refuseIfUnusable();
    const prepared = this.events.prepare(stream, expected, events, metas, options?.truncatesPrevious === true);
    return this.file.commits.submit(() => this.events.append(prepared), events.length, bytes);
  }

  async read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    const { maxCount = DEFAULT_MAX_COUNT, backwards = false, meta = false } = options;
    const from = options.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0);
    checkStreamName(stream);
    checkCount(maxCount);
    checkRevision(from);
    const wanted = { stream, from, maxCount, backwards, meta };
    return this.ask(() => {
      this.file.foreign.lookOnce();
      const { events, lacking } = this.events.read(wanted);
      if (lacking === undefined) return [...events];
      // Several looks at the file: where another process wrote in between, they are taken again as one.
      return this.file.atOnce(() => {
        this.events.forget();
        const again = this.events.read(wanted);
        if (again.lacking !== undefined) throw this.events.lacking(stream, again.lacking);
        return [...again.events];
      });
    });
  }

  async head(stream: string): Promise<number> {
    checkStreamName(stream);
    return this.ask(() => {
      this.file.foreign.lookOnce();
      return this.events.head(stream);
    });
  }

  async readAll(options: { after?: string; maxCount?: number; prefixes?: readonly string[] } = {}): Promise<StoredEvent[]> {
    const maxCount = options.maxCount ?? DEFAULT_MAX_COUNT;
    checkCount(maxCount);
    let after = parsePosition(options.after);
    this.refuseIfUnusable();
    const found: StoredEvent[] = [];
    for (;;) {
      const page = this.page(after, options.prefixes, maxCount - found.length);
      found.push(...page.events);
      if (page.isLast || found.length === maxCount) return found;
      after = page.position;
      await nextTurn();
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    if (options.prefixes.length === 0) throw new InvalidCall('a subscription needs at least one prefix');
    if (options.maxBatch !== undefined) checkCount(options.maxBatch);
    const after = parsePosition(options.after);
    this.refuseIfUnusable();
    const subscription = new StoreSubscription(options, after, {
      page: (position) => this.page(position, options.prefixes, SCAN_EVENTS),
      changed: this.changed,
      timers: this.file.waiting.timers,
      retryPauseMs: this.retryPauseMs,
      onStopped: this.file.foreign.listen(),
    });
    this.subscriptions.add(subscription);
    void subscription.run().finally(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  comparePositions(a: string, b: string): number {
    return parsePosition(a) - parsePosition(b);
  }

  async *streams(prefix: string, after?: string): AsyncIterable<{ readonly stream: string; readonly position: string }> {
    for (let from: number | undefined = parsePosition(after); from !== undefined;) {
      const start: number = from;
      const { found, next } = this.ask(() => this.events.streams(prefix, start));
      for (const { id, name } of found) yield { stream: name, position: String(id) };
      from = next;
      await nextTurn();
    }
  }

  async check(): Promise<void> {
    this.ask(() => this.events.check());
  }

  async checkIntegrity(): Promise<void> {
    this.refuseIfUnusable();
    this.file.checkIntegrity();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
    await this.file.leave();
  }

  onForeignCommit(): void {
    this.events.forget();
    this.changed.notify();
  }

  onBeforeCommit(): void {
    this.hasWritten = this.events.beforeCommit();
  }

  onCommitted(): void {
    if (this.hasWritten) this.changed.notify();
  }

  onRolledBack(): void {
    this.events.forget();
  }

  /** The next events after a position, of at most SCAN_EVENTS looked at. */
  private page(after: number, prefixes: readonly string[] | undefined, maxCount: number): Page {
    return named(() => {
      this.file.refuseDamaged();
      return this.file.atOnce(() => this.events.scan(after, prefixes, maxCount, SCAN_EVENTS));
    });
  }

  private ask<T>(question: () => T): T {
    this.refuseIfUnusable();
    return named(question);
  }

  private refuseIfUnusable(): void {
    this.file.refuseDamaged();
    if (this.closed) throw isClosed();
  }
}
