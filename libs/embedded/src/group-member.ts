import type { ConsumeOptions, Consumer, Message, Random, Timers } from '@weft/processing';
import type { ConsumerGroups, Share } from './consumer-groups.js';
import type { GroupCommit } from './group-commit.js';
import { PartitionReader, type Reading } from './partition-reader.js';
import { livingMembers } from './process-identity.js';
import type { Partition, TopicTable } from './topic-table.js';

export interface GroupParts {
  readonly groups: ConsumerGroups;
  readonly topics: TopicTable;
  readonly commits: GroupCommit;
  readonly timers: Timers;
  readonly random: Random;
  /** The machine's time, which every process of the data directory has: what leases are written by. */
  readonly now: () => number;
  /** A clock that nobody sets: what this process's own lease and handlers are measured by. */
  readonly steady: () => number;
  /** A member that has not been heard of for so long is out. */
  readonly leaseMs: number;
  /** A handler that takes longer without a heartbeat is taken for dead: its member is no longer kept alive. */
  readonly handlerTimeoutMs: number;
  /** The pause after a handler threw, or the engine did not answer. */
  readonly retryPauseMs: number;
  fetch(partition: Partition, from: number, maxCount: number): readonly Message[];
}

/** One membership of a group after another: a member that was thought dead comes back as a new one. */
export class GroupMember implements Consumer {
  private readonly abort = new AbortController();
  private readonly readers = new Map<number, PartitionReader>();
  /** Also those that still finish a batch of a partition that is no longer wanted. */
  private readonly running = new Set<PartitionReader>();
  private readonly reading: Reading;
  private loops: Promise<unknown> = Promise.resolve();
  private stopped: Promise<void> | undefined;
  private rejoining: Promise<void> | undefined;
  private id = '';
  private leaseUntil = 0;

  constructor(
    private readonly options: ConsumeOptions,
    private readonly parts: GroupParts,
    private readonly onStopped: () => void,
  ) {
    this.reading = {
      ...parts,
      options,
      leaseIsOver: () => parts.steady() >= this.leaseUntil,
      renewLease: () => this.renewWhereDue(),
    };
  }

  /** Throws EngineUnavailable. */
  async start(): Promise<void> {
    try {
      await this.join();
      const seen = this.parts.topics.layoutChanged.version;
      await this.reconcile();
      this.loops = Promise.all([this.followLayout(seen), this.keepAlive()]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  assigned(): readonly { readonly topic: string; readonly partition: number }[] {
    return [...this.readers.values()].map(({ partition }) => ({ topic: partition.topic.name, partition: partition.partition }));
  }

  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  private async end(): Promise<void> {
    this.abort.abort();
    for (const reader of this.running) reader.revoke();
    await Promise.all([this.loops, this.rejoining]);
    await Promise.all([...this.running].map((reader) => reader.ended));
    this.readers.clear();
    try {
      await this.parts.commits.submit(() => this.parts.groups.leave(this.options.group, this.id));
    } catch (error) {
      this.options.onFailure?.(error);
    }
    livingMembers.delete(this.id);
    this.onStopped();
  }

  private async join(): Promise<void> {
    livingMembers.delete(this.id);
    const { random, now, steady, leaseMs, commits, groups } = this.parts;
    const id = random.uuid();
    const leaseUntil = steady() + leaseMs;
    livingMembers.add(id);
    await commits.submit(() => groups.join(this.options.group, id, this.options.topics, now() + leaseMs));
    this.id = id;
    this.leaseUntil = leaseUntil;
  }

  private async followLayout(from: number): Promise<void> {
    const { layoutChanged } = this.parts.topics;
    let seen = from;
    for (;;) {
      await layoutChanged.after(seen, this.abort.signal);
      if (this.abort.signal.aborted) return;
      seen = layoutChanged.version;
      await this.untilDone(() => this.reconcile());
    }
  }

  /** Lets go of what is not this member's any more, and takes what is free. */
  private async reconcile(): Promise<void> {
    if (this.rejoining !== undefined) return;
    const { groups, commits } = this.parts;
    const { id } = this;
    const share = await commits.submit(() => groups.claim(this.options.group, id, this.options.from ?? 'beginning'));
    if (share === undefined) this.rejoin(id);
    else this.take(id, share);
  }

  private take(memberId: string, { wanted, claimed }: Share): void {
    for (const [id, reader] of this.readers) {
      if (wanted.has(id)) continue;
      this.readers.delete(id);
      reader.revoke();
    }
    for (const [id, offset] of claimed) {
      const partition = this.parts.topics.partition(id);
      if (partition !== undefined) this.read(new PartitionReader(this.reading, memberId, partition, offset));
    }
  }

  private read(reader: PartitionReader): void {
    const { id } = reader.partition;
    const before = [...this.running].filter(({ partition }) => partition.id === id).map(({ ended }) => ended);
    this.readers.set(id, reader);
    this.running.add(reader);
    if (this.abort.signal.aborted) reader.revoke();
    void reader.run(Promise.all(before).then(() => undefined)).finally(() => {
      this.running.delete(reader);
      if (this.readers.get(id) === reader) this.readers.delete(id);
    });
  }

  /**
   * The membership `id` is over: whatever was held may be somebody else's by now. Comes back once the handlers in hand have
   * ended, so that one that hangs does not take partitions again. Nobody waits for that: those handlers may be who asked.
   */
  private rejoin(id: string): void {
    if (id !== this.id || this.rejoining !== undefined || this.abort.signal.aborted) return;
    this.leaseUntil = 0;
    this.readers.clear();
    for (const reader of this.running) reader.expel();
    const comeBack = async (): Promise<void> => {
      await Promise.all([...this.running].map(({ ended }) => ended));
      await this.untilDone(() => this.join());
      this.rejoining = undefined;
      await this.untilDone(() => this.reconcile());
    };
    this.rejoining = comeBack();
  }

  private async keepAlive(): Promise<void> {
    const { timers, leaseMs } = this.parts;
    for (;;) {
      await timers.sleep(leaseMs / 3, this.abort.signal);
      if (this.abort.signal.aborted) return;
      await this.untilDone(() => this.renew());
    }
  }

  private async renewWhereDue(): Promise<void> {
    if (this.leaseUntil - this.parts.steady() < this.parts.leaseMs / 2) await this.renew();
  }

  private async renew(): Promise<void> {
    const { groups, commits, leaseMs, now, steady } = this.parts;
    if (this.rejoining !== undefined || [...this.running].some((reader) => reader.isOverdue())) return;
    const { id } = this;
    const leaseUntil = steady() + leaseMs;
    const renewed = await commits.submit(() => groups.renew(this.options.group, id, now() + leaseMs));
    if (!renewed) this.rejoin(id);
    else if (id === this.id) this.leaseUntil = leaseUntil;
  }

  private async untilDone(attempt: () => Promise<void>): Promise<void> {
    while (!this.abort.signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        this.options.onFailure?.(error);
      }
      await this.parts.timers.sleep(this.parts.retryPauseMs, this.abort.signal);
    }
  }
}
