import { status, type ServerWritableStream, type ServiceError } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { ReadReq as ReadRequest, ReadResp as ReadResponse } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { failure } from './failure.js';
import { Refusal, type FakeLog, type LogRecord } from './fake-log.js';

type Call = ServerWritableStream<ReadRequest, ReadResponse>;
interface LogPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

const { ReadReq, ReadResp } = streams;
const { BACKWARDS } = ReadReq.Options.ReadDirection;
/** The server considers so many records at a time, and keeps so many for a reader who is slow while it is live. */
const BATCH = 32;
const START: LogPosition = { commit: 0n, prepare: 0n };

/** `counter` is told of every event that a subscription hands to the network. */
export function read(log: FakeLog, call: Call, counter: { eventsSent: number }): void {
  const options = call.request.getOptions() ?? new ReadReq.Options();
  if (options.hasSubscription()) return void new AllSubscription(log, call, options, counter).run();
  const count = Number(options.getCount());
  if (count === 0) return void call.emit('error', failure(status.UNKNOWN, 'Exception was thrown by handler.'));
  if (options.hasAll()) return readAll(log, call, options, count);
  readStream(log, call, options, count);
}

function readStream(log: FakeLog, call: Call, options: ReadRequest.Options, count: number): void {
  const stream = Buffer.from(options.getStream()?.getStreamIdentifier()?.getStreamName() ?? '').toString();
  try {
    const readable = log.readable(stream);
    if (readable === undefined) call.write(notFound(stream));
    const given = options.getStream();
    const from = given?.hasRevision() === true ? Number(given.getRevision()) : undefined;
    const records =
      options.getReadDirection() === BACKWARDS
        ? (readable ?? []).filter(({ revision }) => revision <= (from ?? Infinity)).reverse()
        : (readable ?? []).filter(({ revision }) => revision >= (from ?? 0));
    for (const record of records.slice(0, count)) call.write(eventOf(record));
    call.end();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    call.emit('error', failure(status.FAILED_PRECONDITION, 'deleted', { exception: 'stream-deleted', 'stream-name': stream }));
  }
}

/** Forwards, from a position on (inclusive). The client has no way to send a filter with it. */
function readAll(log: FakeLog, call: Call, options: ReadRequest.Options, count: number): void {
  for (const record of log.from(positionOf(options), count)) call.write(eventOf(record));
  call.end();
}

/** A filtered subscription to $all, as Enumerators.AllSubscriptionFiltered of 23.10 does it. */
class AllSubscription {
  private next = START;
  private considered = 0;
  private wake: () => void = () => {};
  private readonly interval: number;
  private readonly matches: (stream: string) => boolean;

  constructor(
    private readonly log: FakeLog,
    private readonly call: Call,
    private readonly options: ReadRequest.Options,
    private readonly counter: { eventsSent: number },
  ) {
    const filter = options.getFilter();
    const expression = filter?.getStreamIdentifier();
    const regex = expression?.getRegex() ?? '';
    const prefixes = expression?.getPrefixList() ?? [];
    this.matches =
      regex === ''
        ? (stream) => prefixes.some((prefix) => stream.startsWith(prefix))
        : (stream) => new RegExp(regex).test(stream);
    for (const event of ['drain', 'cancelled', 'close']) call.on(event, () => this.wake());
    this.interval = BATCH * (filter?.getCheckpointintervalmultiplier() ?? 1);
  }

  async run(): Promise<void> {
    const confirmation = new ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId('fake');
    await this.send(new ReadResp().setConfirmation(confirmation));
    if (this.options.getAll()?.hasPosition() === true) this.startBehind(positionOf(this.options));
    await this.catchUp();
    await this.send(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));
    await this.live();
  }

  /** Behind the first record that is left at the position or after it: one too many where a scavenge took the one at it. */
  private startBehind(position: LogPosition): void {
    const [first] = this.log.from(position, 1);
    this.next = first === undefined ? position : { commit: first.end, prepare: 0n };
  }

  private async catchUp(): Promise<void> {
    while (!this.call.cancelled) {
      const page = this.log.from(this.next, BATCH);
      let reached = this.next;
      for (const record of page) {
        if (!this.matches(record.stream)) continue;
        await this.send(eventOf(record));
        reached = { commit: record.position, prepare: record.position };
      }
      this.considered += page.length;
      const last = page.at(-1);
      if (last === undefined) return;
      this.next = { commit: last.end, prepare: 0n };
      if (page.length === BATCH) for (const response of this.checkpoint(reached)) await this.send(response);
    }
  }

  /** What is written waits for the reader, up to 32 events and checkpoints: the next one drops it, at once. */
  private async live(): Promise<void> {
    const waiting: ReadResponse[] = [];
    let isDropped = false;
    let arrived: () => void = () => {};
    const arrive = () => {
      waiting.push(...this.written());
      isDropped ||= waiting.length > BATCH;
      if (isDropped) drop();
      arrived();
    };
    const stop = this.log.watch(arrive);
    const drop = () => {
      stop();
      this.call.emit('error', tooSlow());
      this.wake();
    };
    arrive();
    while (!this.call.cancelled && !isDropped) {
      const response = waiting.shift();
      if (response !== undefined) await this.send(response);
      else await new Promise<void>((resolve) => (arrived = this.wake = resolve));
    }
    stop();
  }

  private written(): ReadResponse[] {
    return this.log.from(this.next, Infinity).flatMap((record) => {
      this.next = { commit: record.end, prepare: 0n };
      this.considered += 1;
      const events = this.matches(record.stream) ? [eventOf(record)] : [];
      return [...events, ...this.checkpoint({ commit: record.position, prepare: record.position })];
    });
  }

  /** One where it is time for one. */
  private checkpoint({ commit, prepare }: LogPosition): ReadResponse[] {
    if (this.considered < this.interval) return [];
    this.considered %= this.interval;
    const checkpoint = new ReadResp.Checkpoint();
    checkpoint.setCommitPosition(String(commit));
    checkpoint.setPreparePosition(String(prepare));
    return [new ReadResp().setCheckpoint(checkpoint)];
  }

  private async send(response: ReadResponse): Promise<void> {
    if (response.hasEvent()) this.counter.eventsSent += 1;
    if (this.call.cancelled || this.call.write(response)) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }
}

export function tooSlow(): ServiceError {
  const message = 'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.';
  return failure(status.ABORTED, message);
}

function positionOf(options: ReadRequest.Options): LogPosition {
  const position = options.getAll()?.getPosition();
  if (position === undefined) return START;
  return { commit: BigInt(position.getCommitPosition()), prepare: BigInt(position.getPreparePosition()) };
}

function nameOf(stream: string): InstanceType<typeof shared.StreamIdentifier> {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'));
}

function notFound(stream: string): ReadResponse {
  return new ReadResp().setStreamNotFound(new ReadResp.StreamNotFound().setStreamIdentifier(nameOf(stream)));
}

function eventOf(record: LogRecord): ReadResponse {
  const event = new ReadResp.ReadEvent.RecordedEvent();
  event.setId(new shared.UUID().setString(record.id));
  event.setStreamIdentifier(nameOf(record.stream));
  event.setStreamRevision(String(record.revision));
  event.setCommitPosition(String(record.position));
  event.setPreparePosition(String(record.position));
  event.getMetadataMap().set('type', record.type);
  event.getMetadataMap().set('content-type', record.contentType);
  event.getMetadataMap().set('created', String(BigInt(record.created) * 10_000n));
  event.setData(record.data);
  event.setCustomMetadata(record.metadata);
  return new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(event).setCommitPosition(String(record.position)));
}
