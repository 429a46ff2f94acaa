import type { Timers } from '@weft/processing';
import type { Database, Statement } from './driver.js';

/**
 * Notices what other connections commit, in this process or another: SQLite's data_version changes with each of their
 * commits and with none of ours. Looks by itself only while somebody listens.
 */
export class ForeignCommits {
  private readonly dataVersion: Statement;
  /** Nothing at first: what was read before the first look may be out of date already. */
  private seen: unknown;
  private lookedThisTurn = false;
  private listeners = 0;
  private stopPolling: AbortController | undefined;

  constructor(
    database: Database,
    private readonly options: { readonly timers: Timers; readonly pollMs: number; readonly onForeignCommit: () => void },
  ) {
    this.dataVersion = database.prepare('PRAGMA data_version');
  }

  /** Looks now; the first time there is always something new. Within a transaction the answer holds until its end. */
  look(): void {
    const now = this.read();
    if (now === this.seen) return;
    this.options.onForeignCommit();
    this.seen = now;
  }

  /**
   * Looks once for all that is asked together, before anything else runs: this process learns nothing in between by which it
   * could tell them apart. Not for within a transaction, which began later than a look before it.
   */
  lookOnce(): void {
    if (this.lookedThisTurn) return;
    this.look();
    this.lookedThisTurn = true;
    queueMicrotask(() => (this.lookedThisTurn = false));
  }

  /** Polls until the returned function has been called as often as this one. */
  listen(): () => void {
    this.listeners += 1;
    if (this.listeners === 1) {
      this.stopPolling = new AbortController();
      void this.poll(this.stopPolling.signal);
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.listeners -= 1;
      if (this.listeners === 0) this.stopPolling?.abort();
    };
  }

  private async poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.look();
      } catch {
        // Whoever reads next meets the same error and names it; looking goes on.
      }
      await this.options.timers.sleep(this.options.pollMs, signal);
    }
  }

  private read(): unknown {
    return (this.dataVersion.get() as { data_version: number }).data_version;
  }
}
