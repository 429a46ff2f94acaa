import { BACKWARDS, END, FORWARDS, type RecordedEvent } from '@eventstore/db-client';
import {
  InvalidCall,
  NO_STREAM,
  WrongExpectedRevision,
  type AppendOptions,
  type Clock,
  type EventStore,
  type NewEvent,
  type Random,
  type ReadOptions,
  type StoredEvent,
  type SubscribeOptions,
  type Subscription,
  type Timers,
} from '@weft/processing';
import { Appends } from './appends.js';
import { Calls } from './calls.js';
import { Client } from './client.js';
import { parseConnectionString, SETTING } from './connection-string.js';
import { isType } from './errors.js';
import { AllStreams } from './all-streams.js';
import { Names } from './feed.js';
import { Follower } from './follower.js';
import {
  checkStreamName,
  isAfter,
  isTruncating,
  parsePosition,
  prepareAppend,
  toOwnEvent,
  toStoredEvent,
} from './stored-event.js';
import { systemClock, systemRandom, systemTimers, type Logger } from './system.js';
import { Truncations } from './truncation.js';

export interface EventStoreDbOptions {
  /** `esdb://[user:password@]host[:port][,host…][?tls=true&tlsCAFile=…]`, as EventStoreDB documents it. */
  readonly connectionString: string;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
  readonly logger?: Logger;
  /** An engine that says nothing for so long does not answer (default: the connection string's defaultDeadline, else 10 s). */
  readonly deadlineMs?: number;
  /** A read that fails is tried again for so long (default 5 s). */
  readonly patienceMs?: number;
  /** How long a subscription pauses after its handler threw or the engine was away, at first (default 250 ms). */
  readonly retryPauseMs?: number;
  /** A subscription that hears nothing for so long is opened anew (default 60 s). */
  readonly silenceMs?: number;
  /**
   * Says of a stream whether it is ever truncated (default: any may be). Events of those that are cost a look-up each where they
   * come from the one order; `truncatesPrevious` is refused for the others.
   */
  readonly mayBeTruncated?: (stream: string) => boolean;
}

const DEFAULT_MAX_COUNT = 1_000;
const DEADLINE_MS = 10_000;
const CHECK_PATIENCE_MS = 1_000;
/** No stream is as long. */
const IMPOSSIBLE_REVISION = Number.MAX_SAFE_INTEGER;

/** Connects and waits for an answer. Throws InvalidCall for a connection string that cannot be used, EngineUnavailable. */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStore> {
  const connection = parseConnectionString(options.connectionString);
  const calls = new Calls(
    `EventStoreDB at ${connection.hosts.join(',')} (${SETTING})`,
    { clock: options.clock ?? systemClock, timers: options.timers ?? systemTimers, random: options.random ?? systemRandom },
    {
      deadlineMs: options.deadlineMs ?? Number(connection.options['defaultDeadline'] ?? DEADLINE_MS),
      patienceMs: options.patienceMs ?? 5_000,
    },
  );
  if (connection.user !== undefined && connection.tls === undefined) {
    options.logger?.warn({}, `${SETTING}: without TLS the user and password are not sent`);
  }
  const store = new EventStoreDb(new Client(connection), calls, options);
  try {
    await store.check(calls.limits.patienceMs);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class EventStoreDb implements EventStore {
  private readonly appends: Appends;
  private readonly truncations: Truncations;
  private readonly allStreams: AllStreams;
  private readonly followers = new Set<Follower>();

  constructor(
    private readonly client: Client,
    private readonly calls: Calls,
    private readonly options: EventStoreDbOptions,
  ) {
    this.appends = new Appends(client, calls);
    this.truncations = new Truncations(client, this.appends, calls, options.logger, (stream) => this.mayBeTruncated(stream));
    this.allStreams = new AllStreams(client, calls, this.truncations);
  }

  async append(stream: string, expected: number, events: readonly NewEvent[], options: AppendOptions = {}): Promise<number> {
    const truncates = options.truncatesPrevious === true && expected >= 0;
    if (truncates && !this.mayBeTruncated(stream)) throw new InvalidCall(`stream ${stream} is one of those never truncated`);
    const prepared = prepareAppend(stream, expected, events, this.calls.surroundings.random.uuid(), truncates);
    // While an earlier truncation is not finished, nothing is built on top of it.
    await this.truncations.finish(stream);
    const last = await this.appends.append(stream, expected, prepared);
    // Not expected + 1: after a soft delete an append at NO_STREAM goes on with the revisions that were.
    if (truncates) await this.truncations.truncate(stream, last - events.length + 1);
    return last;
  }

  async read(stream: string, options: ReadOptions = {}): Promise<StoredEvent[]> {
    const { maxCount = DEFAULT_MAX_COUNT, backwards = false } = options;
    checkStreamName(stream);
    checkCount(maxCount);
    if (options.from !== undefined) checkRevision(options.from);
    const events = backwards
      ? await this.readBackwards(stream, options.from, maxCount)
      : await this.readForwards(stream, options.from ?? 0, maxCount);
    return events.map((event) => toStoredEvent(event, this.calls.engine, options.meta));
  }

  async head(stream: string): Promise<number> {
    checkStreamName(stream);
    const events = await this.readRaw(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 });
    if (events === undefined) return NO_STREAM;
    const [last] = events;
    return last === undefined ? this.headOfUnreadable(stream) : Number(last.revision);
  }

  async readAll(options: { after?: string; maxCount?: number; prefixes?: readonly string[] } = {}): Promise<StoredEvent[]> {
    const { after, maxCount = DEFAULT_MAX_COUNT, prefixes } = options;
    checkCount(maxCount);
    if (prefixes?.length === 0) return [];
    return this.allStreams.read(new Names(prefixes), after === undefined ? undefined : parsePosition(after), maxCount);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    if (options.prefixes.length === 0) throw new InvalidCall('a subscription needs at least one prefix');
    if (options.maxBatch !== undefined) checkCount(options.maxBatch);
    const after = options.after === undefined ? undefined : parsePosition(options.after);
    this.calls.refuseIfClosed();
    const { client, calls, truncations } = this;
    const { logger, retryPauseMs = 250, silenceMs = 60_000 } = this.options;
    const follower = new Follower(options, after, { client, calls, truncations, logger, retryPauseMs, silenceMs });
    this.followers.add(follower);
    void follower.run().finally(() => this.followers.delete(follower));
    return follower;
  }

  comparePositions(a: string, b: string): number {
    const [one, other] = [parsePosition(a), parsePosition(b)];
    if (isAfter(one, other)) return 1;
    return isAfter(other, one) ? -1 : 0;
  }

  async *streams(prefix: string, after?: string): AsyncIterable<{ readonly stream: string; readonly position: string }> {
    yield* this.allStreams.names(new Names([prefix]), after === undefined ? undefined : parsePosition(after));
  }

  async check(patienceMs = CHECK_PATIENCE_MS): Promise<void> {
    await this.readRaw('weft-check', { direction: BACKWARDS, fromRevision: END, maxCount: 1 }, patienceMs);
  }

  async close(): Promise<void> {
    if (this.calls.closed) return;
    const stopping = [...this.followers].map((follower) => follower.stop());
    this.calls.close();
    this.appends.close();
    await Promise.all(stopping);
    await this.client.disconnect();
  }

  private mayBeTruncated(stream: string): boolean {
    return this.options.mayBeTruncated?.(stream) ?? true;
  }

  /**
   * Where an append that truncates stands behind events that can still be read, whoever made it died before its second step: it
   * counts as done, and is done now.
   */
  private async readForwards(stream: string, from: number, maxCount: number): Promise<RecordedEvent[]> {
    for (let start = Math.max(from, this.truncations.floor(stream)); ;) {
      const events = (await this.readRaw(stream, { direction: FORWARDS, fromRevision: BigInt(start), maxCount })) ?? [];
      const cut = unfinishedCut(events);
      if (cut === undefined) return events;
      await this.truncations.repair(stream, cut);
      start = cut;
    }
  }

  private async readBackwards(stream: string, from: number | undefined, maxCount: number): Promise<RecordedEvent[]> {
    const fromRevision = from === undefined ? END : BigInt(from);
    const events = (await this.readRaw(stream, { direction: BACKWARDS, fromRevision, maxCount })) ?? [];
    const cut = unfinishedCut(events);
    if (cut !== undefined) await this.truncations.repair(stream, cut);
    const first = Math.max(cut ?? 0, this.truncations.floor(stream));
    return events.filter(({ revision }) => revision >= BigInt(first));
  }

  /** Undefined where there is no such stream. */
  private readRaw(
    stream: string,
    options: Parameters<Client['readStream']>[1],
    patienceMs?: number,
  ): Promise<RecordedEvent[] | undefined> {
    const read = async () => {
      try {
        const events = await this.calls.all(this.client.readStream(stream, { ...options, requiresLeader: true }));
        return events.flatMap(({ event }) => (event === undefined ? [] : [event as RecordedEvent]));
      } catch (error) {
        if (isType(error, 'stream-not-found')) return undefined;
        throw error;
      }
    };
    return this.calls.ask({ stream }, read, patienceMs);
  }

  /** Every event has been truncated away, which this adapter never does: an append that cannot succeed is told the revision. */
  private async headOfUnreadable(stream: string): Promise<number> {
    const event = toOwnEvent(this.calls.surroundings.random.uuid(), 'head-asked', {});
    try {
      return await this.appends.append(stream, IMPOSSIBLE_REVISION, [event]);
    } catch (error) {
      if (error instanceof WrongExpectedRevision) return error.actual;
      throw error;
    }
  }
}

/** The revision of the last truncating append that has an earlier event beside it. */
function unfinishedCut(events: readonly RecordedEvent[]): number | undefined {
  let [lowest, cut] = [Infinity, -Infinity];
  for (const event of events) {
    const revision = Number(event.revision);
    lowest = Math.min(lowest, revision);
    if (isTruncating(event)) cut = Math.max(cut, revision);
  }
  return cut > lowest ? cut : undefined;
}

function checkCount(maxCount: number): void {
  if (!Number.isSafeInteger(maxCount) || maxCount < 1) throw new InvalidCall(`maxCount ${maxCount} is no count of at least 1`);
}

function checkRevision(revision: number): void {
  if (!Number.isSafeInteger(revision) || revision < 0) throw new InvalidCall(`${revision} is no revision to read from`);
}
