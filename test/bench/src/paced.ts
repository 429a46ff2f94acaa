import { percentile } from './statistics.js';
import type { Found } from './rounds.js';

const TICK_MS = 10;
const SLICE = 200;
/** What is not readable so long after the last event was published is lost. */
const PATIENCE_MS = 120_000;

/** Publishes events by index; tells `acknowledged` of each once it is durable. */
export type PublishPaced = (indices: readonly number[]) => Promise<void>;

/** Milliseconds by the clock that nobody sets, which all processes of a machine share. */
export const sharedClock = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/**
 * Events published at a rate of their own, whether those before are done or not, as a region's publishers do it: what cannot keep
 * up falls behind, and shows it. The time of each runs from its acknowledgement until it can be read.
 */
export class Paced {
  private next = 0;
  private readonly acknowledgedAt = new Map<number, number>();
  private readonly readableAt = new Map<number, number>();
  private failed: unknown;

  acknowledged(index: number): void {
    this.acknowledgedAt.set(index, sharedClock());
  }

  /** These could be read from then on. One that comes twice counts once. */
  readable(indices: readonly number[], since = sharedClock()): void {
    for (const index of indices) if (!this.readableAt.has(index)) this.readableAt.set(index, since);
  }

  fail(error: unknown): void {
    this.failed ??= error;
  }

  /** `rate`: events a second from the first published to the last readable; p50 and p99 in ms; behindMs: from the last due to the last readable. */
  async run(publish: PublishPaced, rate: number, seconds: number): Promise<Found> {
    const [first, events] = [this.next, Math.round(rate * seconds)];
    this.next += events;
    const started = sharedClock();
    const publishing: Promise<void>[] = [];
    for (let sent = 0; sent < events;) {
      // Not more at a time, however late it is: what else runs in this process has its turns.
      const due = Math.min(events, sent + SLICE, Math.floor(((sharedClock() - started) / 1_000) * rate));
      if (due > sent) publishing.push(publish(range(first + sent, first + due)).catch((error: unknown) => this.fail(error)));
      sent = Math.max(sent, due);
      if (this.failed !== undefined) throw this.failed;
      await pause();
    }
    const lastDue = sharedClock();
    await Promise.all(publishing);
    await this.allReadable(first, events);
    return this.figures(first, events, started, lastDue);
  }

  /** One batch after the other; gives the events a second from the first published to the last readable. */
  async flatOut(publish: PublishPaced, batch: number, seconds: number): Promise<number> {
    const first = this.next;
    const started = sharedClock();
    while (sharedClock() - started < seconds * 1_000) {
      await publish(range(this.next, this.next + batch));
      this.next += batch;
    }
    const events = this.next - first;
    await this.allReadable(first, events);
    return this.figures(first, events, started, started).rate as number;
  }

  private async allReadable(first: number, events: number): Promise<void> {
    const limit = sharedClock() + PATIENCE_MS;
    for (let index = first; index < first + events;) {
      if (this.failed !== undefined) throw this.failed;
      if (this.readableAt.has(index)) index += 1;
      else if (sharedClock() > limit) throw new Error(`event ${index} did not become readable`);
      else await pause();
    }
  }

  private figures(first: number, events: number, started: number, lastDue: number): Found {
    const indices = range(first, first + events);
    const readable = indices.map((index) => this.readableAt.get(index) as number);
    const latencies = indices.map((index, n) => Math.max(0, readable[n]! - (this.acknowledgedAt.get(index) as number)));
    const last = readable.reduce((latest, at) => Math.max(latest, at), 0);
    for (const index of indices) {
      this.acknowledgedAt.delete(index);
      this.readableAt.delete(index);
    }
    return {
      rate: events / ((last - started) / 1_000),
      p50: percentile(latencies, 50),
      p99: percentile(latencies, 99),
      behindMs: last - lastDue,
    };
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, TICK_MS));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
