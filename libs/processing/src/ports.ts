import type { CareEvent, Coordinates, NewDecision, Problem, Purpose } from '@weft/domain';

export interface Clock {
  /** The machine's time, milliseconds since 1970: whoever runs it may set it, to and fro. */
  now(): number;
  /** Milliseconds since some instant of this process. Nobody sets it, and it only goes on: ages, deadlines and what is kept for a while go by it. */
  steady(): number;
}

/** Waiting. A simulator decides when the promise resolves. */
export interface Timers {
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** A UUID, version 4. */
  uuid(): string;
  /** From 0 to, not including, 1. */
  fraction(): number;
}

/** Keyed hashes: what stands in stream names, topics, logs and metrics where an NHS number must not. All synchronous. */
export interface Keys {
  /** The region's key of a patient: HMAC-SHA-256 of the NHS number under the region's secret, 32 hex digits. */
  patient(nhsNumber: string): string;
  /** The key of a patient within a purpose; for the two purposes of individual care it is the region's own. */
  view(purpose: Purpose, patientKey: string): string;
  /** A stable pseudonym of any text within a purpose. */
  pseudonym(purpose: Purpose, text: string): string;
  /** A UUID (version 8) that is always the same for the same parts. */
  uuid(...parts: string[]): string;
  /** SHA-256 of the text, 64 hex digits. */
  digest(text: string): string;
  /** Under the integrity secret, which no reader of the store has: 32 hex digits that nobody else can make for the text. */
  chain(text: string): string;
}

// ---------------------------------------------------------------- EventStore

/** The revision of a stream that does not exist. */
export const NO_STREAM = -1;
/** One append call may carry this many bytes of data, metadata and types together: as the real store, with room to spare. */
export const APPEND_LIMIT_BYTES = 1_000_000;

/** JSON without fractions, which other readers of the same store may round: whatever is signed or compared comes back the same. */
export type MetaValue = string | number | boolean | null | readonly MetaValue[] | { readonly [member: string]: MetaValue };

/** A plain object. Names of its members that begin with `$` belong to the engines. */
export type Meta = { readonly [member: string]: MetaValue };

export interface NewEvent {
  /** A UUID. The store does not promise to notice a repeated one: whoever appends decides duplicates by the stream's content. */
  readonly id: string;
  readonly type: string;
  /** What stands beside the data, to be read without it; absent: {}. Comes back as the same value, members in the order given. */
  readonly meta?: Meta;
  /** Any bytes; they come back as they were. */
  readonly data: Uint8Array;
}

export interface StoredEvent extends NewEvent {
  readonly meta: Meta;
  readonly stream: string;
  /** 0 for the first event of a stream, then one more each, without gaps, truncated or not. */
  readonly revision: number;
  /** The place in the one order of all streams: opaque, to be handed back to `after` and `comparePositions`. */
  readonly position: string;
}

export interface ReadOptions {
  /** First revision wanted (inclusive); backwards: the revision to start from, default the last. */
  readonly from?: number;
  /** At most so many events (default 1,000). Never more are returned. */
  readonly maxCount?: number;
  readonly backwards?: boolean;
  /** For who needs no data: it is left where it is, and `data` is empty. */
  readonly meta?: boolean;
}

export interface AppendOptions {
  /** Makes everything before the first event of this append unreadable, durably, before the call resolves. */
  readonly truncatesPrevious?: boolean;
}

export interface SubscribeOptions {
  /** Only streams whose names begin with one of these. */
  readonly prefixes: readonly string[];
  /** Only what stands after this position; absent: from the beginning. */
  readonly after?: string;
  /** At most so many events a batch (default 1,000). A batch holds what is there: nothing is waited for. */
  readonly maxBatch?: number;
  /**
   * One batch at a time, never empty, in the one order. A throw is seen (`onFailure`), and after a pause the same batch is given
   * again, or one that begins with the same event.
   */
  readonly onEvents: (events: readonly StoredEvent[]) => Promise<void>;
  /** Positions to resume from, also while nothing matches. A checkpoint never runs ahead of a handled batch. */
  readonly onCheckpoint?: (position: string) => Promise<void>;
  readonly onCaughtUp?: () => void;
  readonly onFailure?: (error: unknown) => void;
}

export interface Subscription {
  /** Resolves when no handler runs any more. */
  stop(): Promise<void>;
}

export interface EventStore {
  /**
   * Appends all events or none, durably before it resolves, and gives the revision of the last one.
   * `expected` is the exact revision of the stream's last event, NO_STREAM for none.
   * Throws WrongExpectedRevision, TooLarge, InvalidCall, StreamDeleted, EngineUnavailable.
   * With EngineUnavailable it is not known whether it was written: read before appending again.
   */
  append(stream: string, expected: number, events: readonly NewEvent[], options?: AppendOptions): Promise<number>;
  /** Events of one stream, in order; a missing stream and one past its end are empty. Truncated events are not returned. */
  read(stream: string, options?: ReadOptions): Promise<StoredEvent[]>;
  /** Revision of the last event, NO_STREAM for none; truncation does not change it. */
  head(stream: string): Promise<number>;
  /** Events of all streams in the one order: whatever is returned, nothing that commits later stands before it. */
  readAll(options?: { after?: string; maxCount?: number; prefixes?: readonly string[] }): Promise<StoredEvent[]>;
  /** Comes back by itself after the engine was away. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Negative where `a` comes before `b` in the one order, positive where it comes after: of events and checkpoints alike. */
  comparePositions(a: string, b: string): number;
  /** Names of the streams that begin with `prefix`, each once, oldest first, with the place to resume after. */
  streams(prefix: string, after?: string): AsyncIterable<{ readonly stream: string; readonly position: string }>;
  /** Resolves when the engine answers; throws EngineUnavailable. */
  check(): Promise<void>;
  close(): Promise<void>;
}

// ------------------------------------------------------------------ EventBus

export type Headers = Readonly<Record<string, string>>;

/** A message may carry this many bytes of key, value and headers together. */
export const MESSAGE_LIMIT_BYTES = 1_048_576;

export interface OutgoingMessage {
  readonly topic: string;
  /** Decides the partition (murmur2, as Kafka's own clients do), unless `partitionKey` is given. */
  readonly key: string;
  readonly partitionKey?: string;
  /** null is a tombstone: on a compacted topic it removes the key. */
  readonly value: Uint8Array | null;
  readonly headers: Headers;
}

export interface Message extends Coordinates {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
  /** When the bus took it, milliseconds since 1970. */
  readonly timestamp: number;
  /** What of it could not be had as it was sent. It counts as nothing that it says, and goes to quarantine. */
  readonly faults?: readonly Problem[];
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Keep the last message of each key instead of all. */
  readonly compacted?: boolean;
  /** Messages older than this may go; absent: never. */
  readonly retentionMs?: number;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** Offset of the first message still there. */
  readonly low: number;
  /** Behind every message that can be read now. The next one gets this offset or a higher one: what ends a transaction takes one too. */
  readonly high: number;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  /** In offset order, never empty. */
  readonly messages: readonly Message[];
}

export interface BatchContext {
  /** True once the partition may belong to somebody else: stop working, nothing will be committed. */
  isStale(): boolean;
  /** Long work says that it lives. */
  heartbeat(): Promise<void>;
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** At most so many messages a batch (default 500). */
  readonly maxBatch?: number;
  /** Where a partition without a committed offset starts (default beginning). */
  readonly from?: 'beginning' | 'end';
  /**
   * One batch of a partition at a time; partitions run side by side. When it resolves the offset behind the batch is
   * committed, fenced by the group's generation; when it throws nothing is, `onFailure` is told, and the batch comes again. Told
   * too is a batch whose partition left this member before it was done: it is not committed, and comes again elsewhere. So is,
   * again and again, a partition that cannot be read, with no messages: the others are read on.
   */
  readonly onBatch: (batch: Batch, context: BatchContext) => Promise<void>;
  readonly onFailure?: (error: unknown, batch?: Batch) => void;
}

export interface Consumer {
  /** Partitions held now. */
  assigned(): readonly { readonly topic: string; readonly partition: number }[];
  /** Leaves the group once no handler runs any more. */
  stop(): Promise<void>;
}

export interface FollowOptions {
  readonly topic: string;
  /** `beginning`, `end`, or the first offset wanted of each partition. */
  readonly from: 'beginning' | 'end' | ReadonlyMap<number, number>;
  readonly onMessages: (messages: readonly Message[]) => Promise<void>;
  readonly onFailure?: (error: unknown) => void;
}

/** The right to publish under a name, until somebody else takes it. */
export interface Seat {
  /**
   * As `EventBus.publish`, save that it is all of the messages or none. Throws SeatTaken, and nothing is written, once the seat was taken again; also where,
   * after the engine was away, it cannot be told that it was not: whoever is still to publish takes it again.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]>;
}

export interface EventBus {
  /**
   * Resolves once every message is durable, with the coordinates of each in the order given. Messages of one partition keep
   * their order. Throws TooLarge, UnknownTopic, InvalidCall before anything is written; EngineUnavailable when it is not known.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]>;
  /**
   * Takes a seat from whoever has it, dead or alive; the same caller's own earlier taking ends too. Once it resolves, nothing that was published
   * under an earlier taking comes into a topic any more, not even what was on its way: what is published from now on comes after all of it.
   * Throws InvalidCall for an empty name, EngineUnavailable.
   */
  takeSeat(name: string): Promise<Seat>;
  /** Joins a group; partitions are shared among its members and move when they come, go or die. */
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** Reads along without a group, at-least-once, in offset order a partition. */
  follow(options: FollowOptions): Promise<Subscription>;
  /** Messages of a partition from an offset on (default at most 500); waits for none. */
  read(topic: string, partition: number, from: number, maxCount?: number): Promise<Message[]>;
  offsets(topic: string): Promise<PartitionOffsets[]>;
  /** For each partition the first offset at or after the time (milliseconds since 1970), or the high one. */
  offsetsAt(topic: string, time: number): Promise<{ readonly partition: number; readonly offset: number }[]>;
  /** For each partition the offset that the group reads next, -1 where it committed none. */
  committed(group: string, topic: string): Promise<{ readonly partition: number; readonly offset: number }[]>;
  /** Moves a group that has no members now; throws InvalidCall when it has some. */
  seek(group: string, topic: string, offsets: readonly { readonly partition: number; readonly offset: number }[]): Promise<void>;
  /** Creates what is missing (partitions are only ever added) and changes nothing else. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>;
  topics(): Promise<TopicSpec[]>;
  /** Whether neither it nor this store is ever put back without the other; absent where it is. */
  isOneWith?(store: EventStore): boolean;
  /**
   * The brokers' time, milliseconds since 1970: no later than it is, and null while they have not said it. They are asked now and then, not at each
   * call. Absent where the bus has no machines of its own. Never throws.
   */
  time?(): Promise<number | null>;
  /** Resolves when the engine answers; throws EngineUnavailable. */
  check(): Promise<void>;
  close(): Promise<void>;
}

// ------------------------------------------------------------ the way in

/** What became of a message that claims to be an event. */
export type Reading<T> = { readonly ok: true; readonly event: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The decisions that one event carries, one for each authority that it names. */
export interface DecisionArrival {
  readonly subject: string;
  readonly decisions: readonly NewDecision[];
  /** What of the event was left out, or is taken otherwise than it may have been meant. */
  readonly warnings?: readonly Problem[];
  /** Whether the gateway has judged that their recorder may make them. */
  readonly isVetted: boolean;
}

/** A decision as far as it could be read. */
export type DecisionReading =
  | { readonly ok: true; readonly event: DecisionArrival }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** What keeps the person closed until the message is mended: the denial that it may be. Null where it cannot be one. */
      readonly unread: { readonly subject: string; readonly decision: NewDecision } | null;
    };

/** Reads messages of the inbound topics; implemented by the publishers' contract (care-events). Never throws. */
export interface MessageReader {
  careEvent(message: Message): Reading<CareEvent>;
  decision(message: Message): DecisionReading;
}
