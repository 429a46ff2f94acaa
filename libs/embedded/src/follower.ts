import type { FollowOptions, Message, Subscription, Timers } from '@weft/processing';
import { nextTurn } from './notifier.js';
import type { Partition, Topic } from './topic-table.js';

interface Source {
  readonly timers: Timers;
  readonly retryPauseMs: number;
  fetch(partition: Partition, from: number): readonly Message[];
  onStopped(): void;
}

/** Reads every partition of a topic along, those added later from their beginning. Keeps its place in memory only. */
export class Follower implements Subscription {
  private readonly abort = new AbortController();
  private readonly next = new Map<number, number>();
  private ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly topic: Topic,
    private readonly options: FollowOptions,
    private readonly source: Source,
  ) {
    for (const { partition, high } of topic.partitions) {
      const { from } = options;
      if (from === 'end') this.next.set(partition, high);
      else if (from !== 'beginning') this.next.set(partition, from.get(partition) ?? 0);
    }
  }

  run(): Promise<void> {
    this.ended = this.loop().finally(() => this.source.onStopped());
    return this.ended;
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  private get stopped(): boolean {
    return this.abort.signal.aborted;
  }

  private async loop(): Promise<void> {
    while (!this.stopped) {
      const seen = this.topic.arrivals.version;
      let found = false;
      for (const partition of this.topic.partitions) {
        found = (await this.advance(partition)) || found;
        if (this.stopped) return;
      }
      if (found) await nextTurn();
      else await this.topic.arrivals.after(seen, this.abort.signal);
    }
  }

  /** True when there was something. */
  private async advance(partition: Partition): Promise<boolean> {
    const from = this.next.get(partition.partition) ?? 0;
    const { high } = partition;
    if (from >= high) return false;
    let next = high;
    try {
      const messages = this.source.fetch(partition, from);
      const last = messages[messages.length - 1];
      if (last !== undefined) {
        await this.options.onMessages(messages);
        next = last.offset + 1;
      }
    } catch (error) {
      this.options.onFailure?.(error);
      await this.source.timers.sleep(this.source.retryPauseMs, this.abort.signal);
      return true;
    }
    this.next.set(partition.partition, next);
    return true;
  }
}
