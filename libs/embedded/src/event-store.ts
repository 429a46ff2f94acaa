import {
  EngineDamaged,
  EngineUnavailable,
  InvalidCall,
  NO_STREAM,
  WrongExpectedRevision,
  type AppendOptions,
  type EventStore,
  type NewEvent,
  type Random,
  type ReadOptions,
  type StoredEvent,
  type SubscribeOptions,
  type Subscription,
  type Timers,
} from '@weft/processing';
import { checkIntegrity, closeDatabase, openDatabase, prepareAll, type Checking, type Waiting } from './database.js';
import type { Database, Statement } from './driver.js';
import { engineError } from './errors.js';
import { ForeignCommits } from './foreign-commits.js';
import { GroupCommit } from './group-commit.js';
import { nextTurn, Notifier } from './notifier.js';
import { Packing } from './packing.js';
import { STORE_SCHEMA } from './schemas.js';
import {
  checkCount,
  checkNewEvents,
  checkStreamName,
  eventBody,
  placeBody,
  toStoredEvent,
  type EventRow,
} from './stored-event.js';
import { StoreSubscription, type Page } from './store-subscription.js';
import { systemRandom, systemTimers } from './system.js';
import { WholeCheck, type CheckedFile } from './whole-check.js';

const DEFAULT_MAX_COUNT = 1_000;
/** So many events are looked through for a prefix at a time, so that a rare one does not hold up the event loop. */
const SCAN_EVENTS = 2_000;
const SCAN_STREAMS = 5_000;
/** Streams whose state is kept in memory; all are dropped together when there are more. */
const STATES_MAX = 100_000;

export interface EmbeddedStoreOptions extends Checking {
  /** The data directory; made where it is missing. */
  readonly directory: string;
  readonly timers?: Timers;
  readonly random?: Random;
  /** How long another process's lock is waited for (default 10 s). */
  readonly lockTimeoutMs?: number;
  /** How often a subscription looks for what other processes commit (default 5 ms). */
  readonly pollMs?: number;
  /** How long a subscription pauses after its handler threw (default 250 ms). */
  readonly retryPauseMs?: number;
}

export interface EmbeddedStore extends EventStore {
  /** Reads the whole file and compares every page and index; throws EngineDamaged with what it found. Blocks while it runs. */
  checkIntegrity(): Promise<void>;
}

interface StreamState {
  readonly id: number;
  head: number;
  /** First revision that can be read. */
  truncatedBefore: number;
}

/** Opens (or makes) `store.db`. Throws EngineDamaged or EngineUnavailable. */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const timers = options.timers ?? systemTimers;
  const waiting = { timers, random: options.random ?? systemRandom, lockTimeoutMs: options.lockTimeoutMs ?? 10_000 };
  const { database, unchecked } = await openDatabase(options.directory, STORE_SCHEMA, waiting, options);
  return prepareAll(
    database,
    STORE_SCHEMA.file,
    () =>
      new SqliteEventStore(database, unchecked, waiting, {
        pollMs: options.pollMs ?? 5,
        retryPauseMs: options.retryPauseMs ?? 250,
      }),
  );
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

class SqliteEventStore implements EmbeddedStore {
  private readonly packing: Packing;
  private readonly commits: GroupCommit;
  private readonly foreign: ForeignCommits;
  private readonly changed = new Notifier();
  /** Null for a stream that is not there. */
  private readonly streamStates = new Map<string, StreamState | null>();
  private readonly subscriptions = new Set<StoreSubscription>();
  private lastPosition: number | undefined;
  private readonly wholeCheck: WholeCheck | undefined;
  private closed = false;

  private readonly selectState: Statement;
  private readonly selectLastPosition: Statement;
  private readonly insertStream: Statement;
  private readonly insertEvent: Statement;
  private readonly truncateEvents: Statement;
  private readonly truncateStream: Statement;
  private readonly readForwards: Statement;
  private readonly readBackwards: Statement;
  private readonly scanEnd: Statement;
  private readonly selectLastStream: Statement;
  private readonly selectStreams: Statement;
  private readonly scans = new Map<number, Statement>();

  constructor(
    private readonly database: Database,
    unchecked: CheckedFile | undefined,
    private readonly waiting: Waiting,
    private readonly options: { readonly pollMs: number; readonly retryPauseMs: number },
  ) {
    this.packing = new Packing(database, STORE_SCHEMA.file);
    const head = '(SELECT revision FROM events WHERE stream_id = s.id ORDER BY revision DESC LIMIT 1)';
    const ofStream = 'SELECT position, revision, body FROM events WHERE stream_id = ?';
    this.selectState = database.prepare(
      `SELECT s.id, ${head} AS head, s.truncated_before AS truncatedBefore FROM streams s WHERE s.name = ?`,
    );
    this.selectLastPosition = database.prepare('SELECT coalesce(max(position), 0) AS position FROM events');
    this.insertStream = database.prepare('INSERT INTO streams (name) VALUES (?)');
    this.insertEvent = database.prepare('INSERT INTO events (position, stream_id, revision, body) VALUES (?, ?, ?, ?)');
    this.truncateEvents = database.prepare('DELETE FROM events WHERE stream_id = ? AND revision < ?');
    this.truncateStream = database.prepare('UPDATE streams SET truncated_before = ? WHERE id = ?');
    this.readForwards = database.prepare(`${ofStream} AND revision >= ? ORDER BY revision LIMIT ?`);
    this.readBackwards = database.prepare(`${ofStream} AND revision <= ? ORDER BY revision DESC LIMIT ?`);
    this.scanEnd = database.prepare(
      `SELECT max(position) AS position FROM (SELECT position FROM events WHERE position > ? ORDER BY position LIMIT ${SCAN_EVENTS})`,
    );
    this.selectLastStream = database.prepare('SELECT coalesce(max(id), 0) AS id FROM streams');
    this.selectStreams = database.prepare(
      'SELECT id, name FROM streams WHERE id > ? AND id <= ? AND substr(name, 1, length(?)) = ? ORDER BY id',
    );
    this.foreign = new ForeignCommits(database, {
      timers: waiting.timers,
      pollMs: options.pollMs,
      onForeignCommit: () => {
        this.forget();
        this.changed.notify();
      },
    });
    this.commits = new GroupCommit(database, {
      ...waiting,
      engine: STORE_SCHEMA.file,
      onBegin: () => {
        this.wholeCheck?.refuse();
        this.foreign.look();
      },
      onCommitted: () => this.changed.notify(),
      onRolledBack: () => this.forget(),
    });
    if (unchecked !== undefined) this.wholeCheck = new WholeCheck(unchecked, waiting.timers);
  }

  async append(stream: string, expected: number, events: readonly NewEvent[], options?: AppendOptions): Promise<number> {
    const { metas, bytes } = checkNewEvents(stream, expected, events);
    const truncates = options?.truncatesPrevious === true;
    // It is written a moment later, and may be the caller's to change by then.
    const bodies = events.map((event, index) => eventBody(this.packing, event, metas[index] as string));
    return this.commits.submit(() => this.write(stream, expected, bodies, truncates), bodies.length, bytes);
  }

  async read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    const maxCount = options.maxCount ?? DEFAULT_MAX_COUNT;
    const backwards = options.backwards === true;
    const from = options.from ?? (backwards ? Number.MAX_SAFE_INTEGER : 0);
    checkStreamName(stream);
    checkCount(maxCount);
    checkRevision(from);
    return this.ask(() => {
      const rows = this.rowsOf({ stream, from, maxCount, backwards });
      return rows.map((row) => toStoredEvent(row, stream, this.packing, STORE_SCHEMA.file, options.meta));
    });
  }

  async head(stream: string): Promise<number> {
    checkStreamName(stream);
    return this.ask(() => {
      this.foreign.lookOnce();
      return this.stateOf(stream)?.head ?? NO_STREAM;
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
      timers: this.waiting.timers,
      retryPauseMs: this.options.retryPauseMs,
      onStopped: this.foreign.listen(),
    });
    this.subscriptions.add(subscription);
    void subscription.run().finally(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  comparePositions(a: string, b: string): number {
    return parsePosition(a) - parsePosition(b);
  }

  async *streams(prefix: string, after?: string): AsyncIterable<{ readonly stream: string; readonly position: string }> {
    let from = parsePosition(after);
    for (;;) {
      const until = from + SCAN_STREAMS;
      const { last, rows } = this.ask(() => ({
        last: (this.selectLastStream.get() as { id: number }).id,
        rows: this.selectStreams.all(from, until, prefix, prefix) as { id: number; name: string }[],
      }));
      for (const row of rows) yield { stream: row.name, position: String(row.id) };
      if (until >= last) return;
      from = until;
      await nextTurn();
    }
  }

  async check(): Promise<void> {
    this.ask(() => this.selectLastPosition.get());
  }

  async checkIntegrity(): Promise<void> {
    this.refuseIfUnusable();
    checkIntegrity(this.database, STORE_SCHEMA.file);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
    await this.commits.close();
    await this.wholeCheck?.stop();
    closeDatabase(this.database, STORE_SCHEMA.file);
  }

  /** Runs inside the transaction: decides first, so that a refusal has written nothing. */
  private write(stream: string, expected: number, bodies: readonly Buffer[], truncates: boolean): number {
    const known = this.stateOf(stream);
    const actual = known?.head ?? NO_STREAM;
    if (actual !== expected) throw new WrongExpectedRevision(stream, expected, actual);
    const state = known ?? this.newStream(stream);
    let position = this.lastPosition ?? (this.selectLastPosition.get() as { position: number }).position;
    let revision = actual;
    for (const body of bodies) {
      position += 1;
      revision += 1;
      this.insertEvent.run(position, state.id, revision, placeBody(body, position, stream, revision));
    }
    if (truncates && actual >= 0) {
      this.truncateEvents.run(state.id, actual + 1);
      this.truncateStream.run(actual + 1, state.id);
      state.truncatedBefore = actual + 1;
    }
    this.lastPosition = position;
    state.head = revision;
    return revision;
  }

  /** Two looks at the file: where another process wrote in between, they are taken again as one. */
  private rowsOf(wanted: Wanted): readonly EventRow[] {
    this.foreign.lookOnce();
    const { rows, lacking } = this.look(wanted);
    if (lacking === undefined) return rows;
    this.database.exec('BEGIN');
    try {
      this.foreign.look();
      this.streamStates.delete(wanted.stream);
      const again = this.look(wanted);
      if (again.lacking === undefined) return again.rows;
      throw new EngineDamaged(STORE_SCHEMA.file, `stream ${wanted.stream} lacks revision ${again.lacking}`);
    } finally {
      this.database.exec('COMMIT');
    }
  }

  private look(wanted: Wanted): { readonly rows: readonly EventRow[]; readonly lacking: number | undefined } {
    const state = this.stateOf(wanted.stream);
    if (state === undefined) return { rows: [], lacking: undefined };
    const statement = wanted.backwards ? this.readBackwards : this.readForwards;
    const rows = statement.all(state.id, wanted.from, wanted.maxCount) as EventRow[];
    return { rows, lacking: lackingRevision(rows, wanted, state) };
  }

  /** What is cached is true where `foreign` was just looked at, as within a transaction: a commit of others empties the cache. */
  private stateOf(stream: string): StreamState | undefined {
    const cached = this.streamStates.get(stream);
    if (cached !== undefined) return cached ?? undefined;
    const row = this.selectState.get(stream) as (Omit<StreamState, 'head'> & { head: number | null }) | undefined;
    return this.remember(stream, row === undefined ? null : { ...row, head: row.head ?? NO_STREAM }) ?? undefined;
  }

  private newStream(stream: string): StreamState {
    return this.remember(stream, {
      id: Number(this.insertStream.run(stream).lastInsertRowid),
      head: NO_STREAM,
      truncatedBefore: 0,
    });
  }

  private remember<S extends StreamState | null>(stream: string, state: S): S {
    if (this.streamStates.size >= STATES_MAX) this.streamStates.clear();
    this.streamStates.set(stream, state);
    return state;
  }

  private forget(): void {
    this.streamStates.clear();
    this.lastPosition = undefined;
  }

  /** The next events after a position, of at most SCAN_EVENTS looked at. */
  private page(after: number, prefixes: readonly string[] | undefined, maxCount: number): Page {
    return named(() => {
      this.wholeCheck?.refuse();
      const end = (this.scanEnd.get(after) as { position: number | null }).position;
      if (end === null) return { events: [], position: after, isLast: true };
      const filters = (prefixes ?? []).flatMap((prefix) => [prefix, prefix]);
      const rows = this.scan(prefixes?.length ?? 0).all(after, end, ...filters, maxCount) as (EventRow & { name: string })[];
      const events = rows.map((row) => toStoredEvent(row, row.name, this.packing, STORE_SCHEMA.file));
      const position = events.length === maxCount ? (rows[rows.length - 1]?.position ?? end) : end;
      // In a damaged tree SQLite also gives rows from before where it was asked to begin: whoever goes on there never ends.
      if (Math.min(position, end) <= after)
        throw new EngineDamaged(STORE_SCHEMA.file, `its events are not in order at position ${after}`);
      return { events, position, isLast: false };
    });
  }

  private scan(prefixes: number): Statement {
    const prepared = this.scans.get(prefixes);
    if (prepared !== undefined) return prepared;
    const filter = Array.from({ length: prefixes }, () => 'substr(s.name, 1, length(?)) = ?').join(' OR ');
    const statement = this.database.prepare(`
      SELECT e.position, s.name, e.revision, e.body
      FROM events e CROSS JOIN streams s ON s.id = e.stream_id
      WHERE e.position > ? AND e.position <= ? ${filter === '' ? '' : `AND (${filter})`}
      ORDER BY e.position LIMIT ?`);
    this.scans.set(prefixes, statement);
    return statement;
  }

  private ask<T>(question: () => T): T {
    this.refuseIfUnusable();
    return named(question);
  }

  private refuseIfUnusable(): void {
    this.wholeCheck?.refuse();
    if (this.closed) throw new EngineUnavailable(STORE_SCHEMA.file, 'it is closed');
  }
}

/** Errors in the ports' words. Also for subscriptions that end while the store is closing. */
function named<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    throw engineError(STORE_SCHEMA.file, error);
  }
}

interface Wanted {
  readonly stream: string;
  readonly from: number;
  readonly maxCount: number;
  readonly backwards: boolean;
}

/** Revisions have no gaps: gives the first one that is not where it must be, lost from the index. */
function lackingRevision(
  rows: readonly EventRow[],
  { from, maxCount, backwards }: Wanted,
  { head, truncatedBefore }: StreamState,
): number | undefined {
  const step = backwards ? -1 : 1;
  let expected = backwards ? Math.min(from, head) : Math.max(from, truncatedBefore);
  for (const row of rows) {
    if (row.revision !== expected) return expected;
    expected += step;
  }
  const isMissing = rows.length < maxCount && (backwards ? expected >= truncatedBefore : expected <= head);
  return isMissing ? expected : undefined;
}
