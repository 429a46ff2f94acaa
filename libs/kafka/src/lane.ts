import { type Batch, type BatchContext, type Clock, EngineUnavailable, type Message, type Timers } from '@weft/processing';
import { isFenced } from './errors.js';

/** What a lane needs of the consumer that it belongs to. */
export interface LaneOwner {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly maxBatch: number;
  onBatch(batch: Batch, context: BatchContext): Promise<void>;
  onFailure(error: unknown, batch: Batch): void;
  /** Rejects when the group has gone on without us. */
  commit(lane: Lane, offset: number): Promise<void>;
  /** Some of what was waiting is done. */
  onProgress(lane: Lane): void;
}

const PAUSE_MS = 100;
const PAUSE_LIMIT_MS = 5000;

/**
 * One assigned partition from one rebalance to the next: what was fetched waits here and is handled a batch at a time. Apart
 * from kafkajs's own loop, so that a slow handler holds up neither heartbeats nor the other partitions.
 */
export class Lane {
  /** The offset that the next fetched batch must begin at; undefined until it is known where the group stands. */
  expected: number | undefined;
  /** Another offset that kafkajs came with instead; coming again, after having been sent back, it is right. */
  doubted: number | undefined;
  paused = true;
  #waiting: Message[] = [];
  /** To be committed though no message leads to it: markers of transactions lie before it. */
  #passed: number | undefined;
  #bytes = 0;
  #retired = false;
  #draining = false;
  readonly #ended = new AbortController();
  #working: Promise<void>;
  #isWorking = false;
  /** When the handler that runs last gave a sign of life. */
  #lastSign: number | undefined;

  /** `before` resolves when the partition's previous handler has returned: never two at once. */
  constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly owner: LaneOwner,
    private readonly before: Promise<void>,
  ) {
    this.#working = before;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when there is nothing left to do here. */
  get isIdle(): boolean {
    return !this.#isWorking && this.#waiting.length === 0;
  }

  get isRetired(): boolean {
    return this.#retired;
  }

  /** False once it is drained or retired: what comes then is for the next member, and must not count as read. */
  get takesMore(): boolean {
    return !this.#retired && !this.#draining;
  }

  /** For how long the handler that runs has neither returned nor said that it lives. */
  get silentMs(): number {
    return this.#lastSign === undefined ? 0 : this.owner.clock.steady() - this.#lastSign;
  }

  /** @param next where the reading goes on: behind these, and behind what holds no message. */
  add(messages: readonly Message[], next: number): void {
    if (!this.takesMore) return;
    this.expected = next;
    for (const message of messages) {
      this.#waiting.push(message);
      this.#bytes += bytesOf(message);
    }
    if (this.#waiting.length > 0) this.#start();
  }

  /** What comes next is at `next`: before it nothing is left but markers of transactions, and the group is not to seem behind for them. */
  passOver(next: number): void {
    if (!this.takesMore) return;
    this.expected = next;
    this.#passed = next;
    this.#start();
  }

  #start(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#work().finally(() => (this.#isWorking = false));
  }

  /** Takes no more; resolves when the batch under way is handled and committed. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#ended.abort();
    return this.#working;
  }

  /** The partition may be another's now: nothing is committed any more. Resolves when its handler has returned. */
  retire(): Promise<void> {
    this.#retired = true;
    this.#ended.abort();
    this.#waiting = [];
    return this.#working;
  }

  async #work(): Promise<void> {
    this.#lastSign = this.owner.clock.steady();
    await this.before;
    this.#lastSign = undefined;
    const context: BatchContext = {
      isStale: () => this.#retired,
      // The member's own heartbeats go on while handlers run; all they need is a turn of the event loop.
      heartbeat: () => {
        this.#lastSign = this.owner.clock.steady();
        return this.owner.timers.sleep(0);
      },
    };
    let pause = PAUSE_MS;
    while (this.takesMore) {
      if (this.#waiting.length === 0) {
        const passed = this.#passed;
        if (passed === undefined) return;
        this.#passed = undefined;
        await this.#commit(passed);
        continue;
      }
      const messages = this.#waiting.slice(0, this.owner.maxBatch);
      const batch = { topic: this.topic, partition: this.partition, messages };
      try {
        this.#lastSign = this.owner.clock.steady();
        await this.owner.onBatch(batch, context);
        this.#lastSign = undefined;
      } catch (error) {
        this.#lastSign = undefined;
        this.owner.onFailure(error, batch);
        await this.owner.timers.sleep(pause, this.#ended.signal);
        pause = Math.min(pause * 2, PAUSE_LIMIT_MS);
        continue;
      }
      pause = PAUSE_MS;
      if (!(await this.#commit(this.#behind(messages)))) return this.owner.onFailure(this.#inVain(), batch);
      this.#waiting.splice(0, messages.length);
      for (const message of messages) this.#bytes -= bytesOf(message);
      this.owner.onProgress(this);
    }
  }

  /** Where the group goes on after these: behind the markers too, where nothing else waits. */
  #behind(messages: readonly Message[]): number {
    const next = messages.at(-1)!.offset + 1;
    if (this.#waiting.length > messages.length) return next;
    this.#passed = undefined;
    return Math.max(next, this.expected ?? next);
  }

  /** Until it is done, or for somebody else to do: what was handled is not handled again because a broker was away. */
  async #commit(offset: number): Promise<boolean> {
    while (!this.#retired) {
      try {
        await this.owner.commit(this, offset);
        return true;
      } catch (error) {
        if (isFenced(error)) void this.retire();
        else if (this.#draining) return false;
        else await this.owner.timers.sleep(PAUSE_MS, this.#ended.signal);
      }
    }
    return false;
  }

  /** What was handled comes again, here or at whoever has the partition now. */
  #inVain(): EngineUnavailable {
    const why = this.#retired ? 'left this member before the batch was done' : 'was given up while the broker did not answer';
    return new EngineUnavailable('Kafka', `${this.topic}/${this.partition} ${why}: not committed`);
  }
}

/** Roughly what it holds of memory: a tombstone is not nothing. */
const bytesOf = ({ value }: Message): number => (value?.byteLength ?? 0) + 200;
