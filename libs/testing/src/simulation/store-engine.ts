import {
  APPEND_LIMIT_BYTES,
  InvalidCall,
  metaOf,
  metaText,
  NO_STREAM,
  StreamDeleted,
  TooLarge,
  WrongExpectedRevision,
  type AppendOptions,
  type NewEvent,
  type ReadOptions,
  type StoredEvent,
} from '@weft/processing';

interface Stream {
  readonly name: string;
  /** Where its first event stands in the one order. */
  readonly first: number;
  readonly events: StoredEvent[];
  readableFrom: number;
  tombstoned: boolean;
}

/** What a store held at one moment. */
export interface StoreBackup {
  readonly size: number;
  /** By stream. */
  readonly readableFrom: ReadonlyMap<string, number>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DEFAULT_COUNT = 1_000;

/** The simulated event store itself: all streams as plain data, every operation synchronous. It outlives all processes. */
export class StoreEngine {
  private readonly streams = new Map<string, Stream>();
  private readonly created: Stream[] = [];
  private readonly all: StoredEvent[] = [];
  private watchers: (() => void)[] = [];
  /** Sees every event the moment it is durable. */
  observer: ((event: StoredEvent) => void) | undefined;

  /** `keepsTruncated`: truncated events stay readable in the one order, as EventStoreDB's do until a scavenge. */
  constructor(private readonly keepsTruncated: boolean) {}

  append(name: string, expected: number, events: readonly NewEvent[], options: AppendOptions = {}): number {
    const metas = checkAppend(name, expected, events);
    const stream = this.streams.get(name);
    if (stream?.tombstoned === true) throw new StreamDeleted(name);
    const actual = (stream?.events.length ?? 0) - 1;
    if (actual !== expected) throw new WrongExpectedRevision(name, expected, actual);
    const target = stream ?? this.create(name);
    for (const [index, event] of events.entries()) this.write(target, event, metas[index] as string);
    if (options.truncatesPrevious === true) target.readableFrom = expected + 1;
    const watchers = this.watchers;
    this.watchers = [];
    for (const watcher of watchers) watcher();
    return target.events.length - 1;
  }

  read(name: string, options: ReadOptions = {}): StoredEvent[] {
    const { maxCount = DEFAULT_COUNT, backwards = false, meta = false } = options;
    checkCount(maxCount);
    if (options.from !== undefined) checkWhole('from', options.from);
    const found = this.range(name, options.from, maxCount, backwards);
    return meta ? found.map((event) => ({ ...event, data: new Uint8Array() })) : found;
  }

  private range(name: string, start: number | undefined, maxCount: number, backwards: boolean): StoredEvent[] {
    const stream = this.existing(name);
    if (stream === undefined) return [];
    const { events, readableFrom } = stream;
    if (!backwards) {
      const from = Math.max(start ?? 0, readableFrom);
      return events.slice(from, from + maxCount);
    }
    const last = Math.min(start ?? events.length - 1, events.length - 1);
    return events.slice(Math.max(readableFrom, last + 1 - maxCount), last + 1).reverse();
  }

  head(name: string): number {
    return (this.existing(name)?.events.length ?? 0) - 1;
  }

  readAll(options: { after?: string; maxCount?: number; prefixes?: readonly string[] } = {}): StoredEvent[] {
    const { maxCount = DEFAULT_COUNT, prefixes } = options;
    checkCount(maxCount);
    return this.scan(indexAfter(options.after), prefixes, maxCount).events;
  }

  /** Up to `limit` matching events from `index` on, and the index to go on from. */
  scan(index: number, prefixes: readonly string[] | undefined, limit: number): { events: StoredEvent[]; next: number } {
    const events: StoredEvent[] = [];
    let next = index;
    while (next < this.all.length && events.length < limit) {
      const event = this.all[next++] as StoredEvent;
      if (this.shows(event) && matches(event.stream, prefixes)) events.push(event);
    }
    return { events, next };
  }

  streamsAfter(prefix: string, after: string | undefined, maxCount: number): { stream: string; position: string }[] {
    const from = indexAfter(after);
    const found = this.created.filter((stream) => stream.first >= from && !stream.tombstoned && stream.name.startsWith(prefix));
    return found.slice(0, maxCount).map((stream) => ({ stream: stream.name, position: String(stream.first) }));
  }

  /** Calls `watcher` once, as soon as something stands at `index` of the one order. */
  onceBeyond(index: number, watcher: () => void): void {
    if (this.all.length > index) watcher();
    else this.watchers.push(watcher);
  }

  /** What an operator may do behind the application's back. */
  tombstone(name: string): void {
    (this.streams.get(name) ?? this.create(name)).tombstoned = true;
  }

  /** What an administrator does who limits the length of a stream, or takes that limit away again (0): only events from a revision on can be read. */
  truncate(name: string, from: number): void {
    const stream = this.streams.get(name);
    if (stream !== undefined) stream.readableFrom = from;
  }

  /** The store as it is now, to be put back later. */
  backup(): StoreBackup {
    return { size: this.all.length, readableFrom: new Map(this.created.map(({ name, readableFrom }) => [name, readableFrom])) };
  }

  /** What an operator does who restores a backup: whatever was appended since is gone, and its places are given again. */
  putBack({ size, readableFrom }: StoreBackup): void {
    this.all.length = size;
    this.created.splice(0, Infinity, ...this.created.filter(({ first }) => first < size));
    this.streams.clear();
    for (const stream of this.created) {
      this.streams.set(stream.name, stream);
      stream.events.splice(0, Infinity, ...stream.events.filter(({ position }) => Number(position) < size));
      stream.readableFrom = readableFrom.get(stream.name) as number;
    }
  }

  /** How many events all streams together ever held. */
  get size(): number {
    return this.all.length;
  }

  private existing(name: string): Stream | undefined {
    const stream = this.streams.get(name);
    if (stream?.tombstoned === true) throw new StreamDeleted(name);
    return stream;
  }

  private create(name: string): Stream {
    const stream = { name, first: this.all.length, events: [], readableFrom: 0, tombstoned: false };
    this.streams.set(name, stream);
    this.created.push(stream);
    return stream;
  }

  private write(stream: Stream, { id, type, data }: NewEvent, meta: string): void {
    const position = String(this.all.length);
    const { name, events } = stream;
    const event = Object.freeze({ id, type, meta: metaOf(meta), data, stream: name, revision: events.length, position });
    stream.events.push(event);
    this.all.push(event);
    this.observer?.(event);
  }

  private shows(event: StoredEvent): boolean {
    const stream = this.streams.get(event.stream) as Stream;
    return !stream.tombstoned && (this.keepsTruncated || event.revision >= stream.readableFrom);
  }
}

/** The index in the one order that follows a position. */
export function indexAfter(position: string | undefined): number {
  if (position === undefined) return 0;
  if (!/^\d+$/.test(position)) throw new InvalidCall(`position ${JSON.stringify(position)} did not come from this store`);
  return Number(position) + 1;
}

function matches(stream: string, prefixes: readonly string[] | undefined): boolean {
  return prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix));
}

/** Gives the events' metas, as text. */
function checkAppend(name: string, expected: number, events: readonly NewEvent[]): string[] {
  if (name === '') throw new InvalidCall('a stream needs a name');
  if (!Number.isSafeInteger(expected) || expected < NO_STREAM) throw new InvalidCall(`${expected} is no expected revision`);
  if (events.length === 0) throw new InvalidCall('an append needs at least one event');
  let bytes = 0;
  const metas = events.map(({ meta }, index) => metaText(meta, `event ${index} for ${name}`));
  for (const [index, { id, type, data }] of events.entries()) {
    if (!UUID.test(id)) throw new InvalidCall(`event id ${JSON.stringify(id)} is no UUID`);
    if (type === '') throw new InvalidCall('an event needs a type');
    bytes += data.byteLength + Buffer.byteLength(metas[index] as string) + Buffer.byteLength(type);
  }
  if (bytes > APPEND_LIMIT_BYTES) throw new TooLarge(`append to ${name}`, bytes, APPEND_LIMIT_BYTES);
  return metas;
}

function checkCount(maxCount: number): void {
  if (!Number.isSafeInteger(maxCount) || maxCount < 1) throw new InvalidCall(`maxCount ${maxCount} is not above 0`);
}

function checkWhole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidCall(`${name} ${value} is not 0 or above`);
}
