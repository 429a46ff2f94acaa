import type { Batch, BatchContext, ConsumeOptions, Consumer, Message } from '@weft/processing';
import { SESSION_MS, onceBeyond, type BusEngine, type Partition } from './bus-engine.js';
import type { CallFaults, Incarnation } from './incarnation.js';

const FETCH: CallFaults = { engine: 'bus', lost: 'readFails' };
const COMMIT: CallFaults = { engine: 'bus', lost: 'commitLost', unacknowledged: 'commitUnacknowledged' };
const LEAVE: CallFaults = { engine: 'bus' };
const DEFAULT_BATCH = 500;
const PAUSE_MS = 1_000;

/** One partition's way through fetch, handle and commit. */
interface Lane {
  readonly partition: Partition;
  held: boolean;
  /** Grows whenever the lane starts over; what belongs to an older turn is stale. */
  turn: number;
  /** A handler or the commit of its batch is under way. */
  working: boolean;
  position: number | undefined;
}

/** A member of a group, as an adapter would be: it learns late that partitions moved, and is fenced by the generation. */
export class GroupConsumer implements Consumer {
  private memberId = 0;
  private generation = 0;
  private readonly lanes = new Map<string, Lane>();
  private stopping: (() => void)[] | undefined;
  private left = false;

  constructor(
    private readonly engine: BusEngine,
    private readonly process: Incarnation,
    private readonly options: ConsumeOptions,
  ) {}

  /** Runs at the engine. */
  join(): void {
    this.memberId = this.engine.join(this.options.group, {
      process: this.process,
      topics: this.options.topics,
      assigned: (generation, partitions) => this.take(generation, partitions),
      evicted: (memberId) => this.rejoin(memberId),
    });
  }

  assigned(): { readonly topic: string; readonly partition: number }[] {
    const held = [...this.lanes.values()].filter((lane) => lane.held);
    return held.map(({ partition: { topic, index } }) => ({ topic, partition: index }));
  }

  stop(): Promise<void> {
    this.stopping ??= [];
    const { stopping } = this;
    return new Promise((resolve) => {
      stopping.push(resolve);
      this.leaveIfQuiet();
    });
  }

  private take(generation: number, partitions: readonly Partition[]): void {
    if (generation <= this.generation) return;
    this.generation = generation;
    this.drop();
    for (const partition of partitions) {
      let lane = this.lanes.get(partition.name);
      if (lane === undefined) {
        lane = { partition, held: true, turn: 0, working: false, position: undefined };
        this.lanes.set(partition.name, lane);
      }
      lane.held = true;
      lane.position = undefined;
      this.fetch(lane);
    }
  }

  private drop(): void {
    for (const lane of this.lanes.values()) {
      lane.held = false;
      lane.turn++;
    }
  }

  private rejoin(memberId: number): void {
    if (memberId !== this.memberId || this.stopping !== undefined) return;
    this.drop();
    this.process.send(
      'join group',
      this.options.group,
      FETCH,
      () => this.join(),
      () => undefined,
      (error) => {
        this.options.onFailure?.(error);
        this.process.after(PAUSE_MS, 'join again', this.options.group, () => this.rejoin(memberId));
      },
    );
  }

  private fetch(lane: Lane): void {
    if (lane.working || !lane.held || this.stopping !== undefined) return;
    const { engine, process, options, generation, memberId } = this;
    const { partition } = lane;
    const turn = ++lane.turn;
    const limit = this.limit();
    process.send(
      'fetch batch',
      partition.name,
      FETCH,
      () => {
        const from = lane.position ?? engine.startOf(options.group, partition, options.from ?? 'beginning');
        return { from, messages: engine.fetch(options.group, memberId, generation, partition, from, limit) };
      },
      ({ from, messages }) => {
        if (turn !== lane.turn || this.stopping !== undefined) return;
        lane.position = from;
        if (messages === undefined) return;
        if (messages.length > 0) void this.handle(lane, turn, messages);
        else onceBeyond(partition, from, () => this.again(lane, turn, 0));
      },
      (error) => {
        options.onFailure?.(error);
        this.again(lane, turn, PAUSE_MS);
      },
    );
  }

  private again(lane: Lane, turn: number, ms: number): void {
    this.process.after(ms, 'next batch', lane.partition.name, () => {
      if (turn === lane.turn) this.fetch(lane);
    });
  }

  private async handle(lane: Lane, turn: number, messages: Message[]): Promise<void> {
    const { topic, index: partition, name } = lane.partition;
    const batch: Batch = { topic, partition, messages };
    const [memberId, generation] = [this.memberId, this.generation];
    lane.working = true;
    try {
      await this.options.onBatch(batch, this.context(lane, turn, memberId, generation));
    } catch (error) {
      this.options.onFailure?.(error, batch);
      this.engine.release(this.options.group, memberId, lane.partition);
      return this.rest(lane, turn, PAUSE_MS);
    }
    const next = (messages.at(-1) as Message).offset + 1;
    this.process.send(
      'commit',
      name,
      COMMIT,
      () => this.engine.commit(this.options.group, memberId, generation, lane.partition, next),
      (committed) => {
        if (committed && turn === lane.turn) lane.position = next;
        this.rest(lane, turn, 0);
      },
      (error) => {
        this.options.onFailure?.(error, batch);
        this.rest(lane, turn, PAUSE_MS);
      },
    );
  }

  private context(lane: Lane, turn: number, memberId: number, generation: number): BatchContext {
    const { group } = this.options;
    return {
      isStale: () => turn !== lane.turn,
      heartbeat: () =>
        new Promise((resolve) => {
          const beat = (): boolean => this.engine.isCurrent(group, memberId, generation);
          const heard = (current: boolean): void => {
            if (!current && turn === lane.turn) lane.turn++;
            resolve();
          };
          this.process.send('heartbeat', group, FETCH, beat, heard, () => resolve());
        }),
    };
  }

  /** The batch is over, however it went. */
  private rest(lane: Lane, turn: number, pauseMs: number): void {
    lane.working = false;
    if (turn === lane.turn) this.again(lane, turn, pauseMs);
    else this.fetch(lane);
    this.leaveIfQuiet();
  }

  private limit(): number {
    const { maxBatch = DEFAULT_BATCH } = this.options;
    const { chances } = this.process;
    return chances.happens('shortBatch') ? chances.prng.between(1, Math.min(maxBatch, 8)) : maxBatch;
  }

  private leaveIfQuiet(): void {
    const { stopping } = this;
    if (stopping === undefined || [...this.lanes.values()].some((lane) => lane.working)) return;
    const finish = (): void => {
      for (const resolve of stopping.splice(0)) resolve();
    };
    if (this.left) return finish();
    this.left = true;
    this.drop();
    const { group } = this.options;
    const leave = (): void => this.engine.leave(group, this.memberId);
    this.process.send('leave group', group, LEAVE, leave, finish, () => {
      // Not heard: the group finds out when the session ends.
      this.process.scheduler.after(SESSION_MS, undefined, 'session ends', group, leave);
      finish();
    });
  }
}
