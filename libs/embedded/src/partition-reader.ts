import {
  EngineUnavailable,
  type Batch,
  type BatchContext,
  type ConsumeOptions,
  type Message,
  type Timers,
} from '@weft/processing';
import type { ConsumerGroups } from './consumer-groups.js';
import type { GroupCommit } from './group-commit.js';
import { SCHEMA } from './schemas.js';
import type { Partition } from './topic-table.js';

/** The member that reads, as far as a reader of one partition knows it. */
export interface Reading {
  readonly options: ConsumeOptions;
  readonly groups: ConsumerGroups;
  readonly commits: GroupCommit;
  readonly timers: Timers;
  readonly steady: () => number;
  readonly handlerTimeoutMs: number;
  readonly retryPauseMs: number;
  /** Throws EngineUnavailable or EngineDamaged. */
  fetch(partition: Partition, from: number, maxCount: number): readonly Message[];
  /** True once the membership may be over. */
  leaseIsOver(): boolean;
  /** Makes the lease longer where that is due. */
  renewLease(): Promise<void>;
}

const DEFAULT_MAX_BATCH = 500;

/** Reads one partition for as long as a membership holds it: a batch, its handler, its commit, the next batch. */
export class PartitionReader {
  private readonly abort = new AbortController();
  private expelled = false;
  private busySince: number | undefined;
  ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly reading: Reading,
    /** The membership that holds the partition; its member may have a newer one by now. */
    private readonly memberId: string,
    readonly partition: Partition,
    private next: number,
  ) {}

  /** Begins once whoever read the partition before has ended. */
  run(after: Promise<void> = Promise.resolve()): Promise<void> {
    this.ended = after.then(() => this.loop()).then(() => this.release());
    return this.ended;
  }

  /** Ends after the batch in hand, which is still committed. */
  revoke(): void {
    this.abort.abort();
  }

  /** The partition may be somebody else's: nothing more can be committed. */
  expel(): void {
    this.expelled = true;
    this.abort.abort();
  }

  /** True when its handler has been silent for too long. */
  isOverdue(): boolean {
    return this.busySince !== undefined && this.reading.steady() - this.busySince > this.reading.handlerTimeoutMs;
  }

  private get stopped(): boolean {
    return this.abort.signal.aborted;
  }

  private async loop(): Promise<void> {
    const { arrivals } = this.partition.topic;
    while (!this.stopped) {
      const seen = arrivals.version;
      const { high } = this.partition;
      if (this.next >= high) {
        await arrivals.after(seen, this.abort.signal);
        continue;
      }
      const messages = await this.tried(() => this.fetch());
      if (messages === undefined) continue;
      if (messages.length > 0) await this.handle(messages);
      else this.next = high;
    }
  }

  /** After a pause of the whole process the lease comes first: the partition may have moved. */
  private async fetch(): Promise<readonly Message[]> {
    if (this.reading.leaseIsOver()) await this.reading.renewLease();
    if (this.reading.leaseIsOver()) throw new EngineUnavailable(SCHEMA.file, 'the lease is over and could not be renewed');
    return this.reading.fetch(this.partition, this.next, this.reading.options.maxBatch ?? DEFAULT_MAX_BATCH);
  }

  private async handle(messages: readonly Message[]): Promise<void> {
    if (this.stopped) return;
    const batch = { topic: this.partition.topic.name, partition: this.partition.partition, messages };
    const next = (messages[messages.length - 1]?.offset ?? this.next) + 1;
    await this.tried(async () => {
      this.busySince = this.reading.steady();
      try {
        await this.reading.options.onBatch(batch, this.context());
        await this.commit(next);
      } finally {
        this.busySince = undefined;
      }
      this.next = next;
    }, batch);
  }

  private async commit(next: number): Promise<void> {
    const { groups, commits, options } = this.reading;
    const { group } = options;
    if (await commits.submit(() => groups.commit(group, this.memberId, this.partition.id, next))) return;
    this.expel();
    const name = `${this.partition.topic.name}/${this.partition.partition}`;
    throw new EngineUnavailable(
      SCHEMA.file,
      `${name} left this member of group ${group} before the batch was done: not committed`,
    );
  }

  private context(): BatchContext {
    return {
      isStale: () => this.expelled || this.reading.leaseIsOver(),
      heartbeat: async () => {
        this.busySince = this.reading.steady();
        if (!this.expelled) await this.reading.renewLease();
      },
    };
  }

  /** Lets the others know that the partition is free; where that fails its lease runs out, in its time. */
  private async release(): Promise<void> {
    const { groups, commits, options } = this.reading;
    if (this.expelled) return;
    try {
      await commits.submit(() => groups.release(options.group, this.memberId, this.partition.id));
    } catch (error) {
      options.onFailure?.(error);
    }
  }

  /** Undefined after a failure, which is told and followed by a pause. */
  private async tried<T>(attempt: () => Promise<T>, batch?: Batch): Promise<T | undefined> {
    try {
      return await attempt();
    } catch (error) {
      this.reading.options.onFailure?.(error, batch);
    }
    await this.reading.timers.sleep(this.reading.retryPauseMs, this.abort.signal);
    return undefined;
  }
}
