import type { Timers } from '@weft/processing';

/** Nothing came for too long. The client sets no deadline for reads, and none can be set. */
export class Silence extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/** A Node stream, as far as it is used. The client's own types are those of another version of Node. */
export interface Source {
  readonly destroyed: boolean;
  read(): unknown;
  destroy(): unknown;
  on(event: string, listener: (...given: unknown[]) => void): unknown;
}

/**
 * Takes what one of the client's streams brings, in batches and no faster than it is asked to: what is not taken stays where it
 * is, and the server waits. The listener for errors stays for good: the client's streams may fail again after they have failed.
 */
export class Incoming<T> {
  private failure: { readonly error: unknown } | undefined;
  private ended = false;
  private wake: () => void = () => {};

  constructor(
    private readonly stream: Source,
    private readonly cancel: () => Promise<void>,
    private readonly timers: Timers,
  ) {
    stream.on('readable', () => this.wake());
    stream.on('error', (error) => {
      this.failure ??= { error };
      this.wake();
    });
    const end = () => {
      this.ended = true;
      this.wake();
    };
    stream.on('end', end);
    stream.on('close', end);
  }

  /** At least one item and at most `limit`; none at the end. Throws the stream's error, or Silence after `silenceMs`. */
  async next(limit: number, silenceMs: number): Promise<T[]> {
    for (;;) {
      const items = this.arrived(limit);
      if (items.length > 0) return items;
      if (this.failure !== undefined) throw this.failure.error;
      if (this.ended) return [];
      await this.arrival(silenceMs);
    }
  }

  /** Ends the call; whoever waits in `next` gets an empty batch. */
  close(): void {
    // Rejects where the call could not even begin, which `next` has said.
    this.cancel().catch(() => {});
    this.stream.destroy();
  }

  private arrived(limit: number): T[] {
    const items: T[] = [];
    if (this.stream.destroyed) return items;
    for (let item: unknown; items.length < limit && (item = this.stream.read()) !== null;) items.push(item as T);
    return items;
  }

  private async arrival(silenceMs: number): Promise<void> {
    const woken = new AbortController();
    this.wake = () => woken.abort();
    await this.timers.sleep(silenceMs, woken.signal);
    if (!woken.signal.aborted) throw new Silence(silenceMs);
  }
}
