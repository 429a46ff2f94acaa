import { percentile } from './statistics.js';
import type { Found } from './rounds.js';

export interface Pace {
  readonly events: number;
  /** Each publishes, waits until it can be read, and publishes the next. */
  readonly callers: number;
  /** Events a publish. */
  readonly batch: number;
}

/** Events on their way from being published to being readable, timed. A share of them at the beginning warms up and is not counted. */
export class Flow {
  private readonly publishedAt: Float64Array;
  private readonly readableAt: Float64Array;
  private readonly waiting = new Map<
    number,
    { missing: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }
  >();
  private readonly warmUp: number;
  private failed: unknown;

  constructor(private readonly pace: Pace) {
    const { events, callers, batch } = pace;
    this.publishedAt = new Float64Array(events);
    this.readableAt = new Float64Array(events);
    this.warmUp = Math.min(Math.ceil(events / 10 / batch), 4 * callers) * batch;
  }

  /** These events, by index, can be read from now on. One that comes twice counts once. */
  readable(indices: readonly number[]): void {
    const now = performance.now();
    for (const index of indices) {
      if (this.readableAt[index] !== 0) continue;
      this.readableAt[index] = now;
      const first = index - (index % this.pace.batch);
      const waiter = this.waiting.get(first);
      if (waiter === undefined) continue;
      waiter.missing -= 1;
      if (waiter.missing > 0) continue;
      this.waiting.delete(first);
      waiter.resolve();
    }
  }

  fail(error: unknown): void {
    this.failed ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
  }

  /** `publish` publishes the events from first to last, not including last. */
  async run(publish: (first: number, last: number) => Promise<void>): Promise<Found> {
    const { events, callers, batch } = this.pace;
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < events) {
        if (this.failed !== undefined) throw this.failed;
        const first = next;
        const last = Math.min(events, first + batch);
        next = last;
        const readable = new Promise<void>((resolve, reject) =>
          this.waiting.set(first, { missing: last - first, resolve, reject }),
        );
        this.publishedAt.fill(performance.now(), first, last);
        await Promise.all([publish(first, last), readable]);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return this.figures();
  }

  private figures(): Found {
    const { events } = this.pace;
    const from = this.publishedAt.subarray(this.warmUp).reduce((first, at) => Math.min(first, at), Infinity);
    const until = this.readableAt.reduce((latest, at) => Math.max(latest, at), 0);
    const latencies = this.readableAt.map((at, index) => at - (this.publishedAt[index] as number)).subarray(this.warmUp);
    return {
      rate: (events - this.warmUp) / ((until - from) / 1_000),
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
    };
  }
}
