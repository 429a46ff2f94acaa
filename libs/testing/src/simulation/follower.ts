import type { FollowOptions, Message, PartitionOffsets, Subscription } from '@weft/processing';
import { onceBeyond, readPartition, type BusEngine, type Partition } from './bus-engine.js';
import type { CallFaults, Incarnation } from './incarnation.js';

const FETCH: CallFaults = { engine: 'bus', lost: 'readFails' };
const BATCH = 500;
const PAUSE_MS = 1_000;

interface Place {
  readonly partition: Partition;
  readonly start: number;
  next: number;
}

/** Reads along without a group: one batch at a time, of one partition at a time. */
export class Follower implements Subscription {
  private readonly places: Place[];
  private turn = 0;
  private handling = false;
  private stopping: (() => void)[] | undefined;

  constructor(
    private readonly engine: BusEngine,
    private readonly process: Incarnation,
    private readonly options: FollowOptions,
    offsets: readonly PartitionOffsets[],
  ) {
    const { topic, from } = options;
    this.places = offsets.map(({ partition, low, high }) => {
      const start = from === 'beginning' ? low : from === 'end' ? high : (from.get(partition) ?? low);
      return { partition: engine.partition(topic, partition), start, next: start };
    });
    this.fetch();
  }

  stop(): Promise<void> {
    this.stopping ??= [];
    const { stopping } = this;
    if (!this.handling) return Promise.resolve();
    return new Promise((resolve) => stopping.push(resolve));
  }

  private fetch(): void {
    if (this.stopping !== undefined) return;
    const turn = ++this.turn;
    this.joinNewPartitions();
    this.process.send(
      'follow on',
      this.options.topic,
      FETCH,
      () => this.somethingNew(),
      (found) => {
        if (found !== undefined) void this.handle(found.place, found.messages);
        else for (const { partition, next } of this.places) onceBeyond(partition, next, () => this.again(turn, 0));
      },
      (error) => {
        this.options.onFailure?.(error);
        this.again(turn, PAUSE_MS);
      },
    );
  }

  private again(turn: number, ms: number): void {
    this.process.after(ms, 'follow on', this.options.topic, () => {
      if (turn === this.turn) this.fetch();
    });
  }

  private somethingNew(): { place: Place; messages: Message[] } | undefined {
    const { chances } = this.process;
    const ready = this.places.filter(({ partition, next }) => partition.high > next);
    if (ready.length === 0) return undefined;
    const place = chances.prng.pick(ready);
    if (chances.happens('redelivery')) place.next = chances.prng.between(place.start, place.next);
    const limit = chances.happens('shortBatch') ? chances.prng.between(1, 8) : BATCH;
    return { place, messages: readPartition(place.partition, place.next, limit) };
  }

  private async handle(place: Place, messages: Message[]): Promise<void> {
    const last = messages.at(-1);
    if (last === undefined) place.next = place.partition.high;
    this.handling = true;
    let pauseMs = 0;
    try {
      if (last !== undefined && this.stopping === undefined) {
        await this.options.onMessages(messages);
        place.next = last.offset + 1;
      }
    } catch (error) {
      this.options.onFailure?.(error);
      pauseMs = PAUSE_MS;
    }
    this.handling = false;
    if (this.stopping === undefined) this.again(this.turn, pauseMs);
    else for (const resolve of this.stopping) resolve();
  }

  /** Partitions that were added since are followed from their first message. */
  private joinNewPartitions(): void {
    for (const partition of this.engine.partitions(this.options.topic).slice(this.places.length)) {
      this.places.push({ partition, start: 0, next: 0 });
    }
  }
}
