/** Lets everything else that is ready run: SQLite answers at once, and a long chain of answers would keep others waiting. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Wakes those who wait for a change. Whoever looks first takes `version`, looks, and waits for a later one: nothing is missed. */
export class Notifier {
  private readonly waiting = new Set<() => void>();
  version = 0;

  notify(): void {
    this.version += 1;
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  /** Resolves once `version` is no longer `seen`, or the signal is aborted. */
  after(seen: number, signal: AbortSignal): Promise<void> {
    if (this.version !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.waiting.delete(wake);
        resolve();
      };
      signal.addEventListener('abort', wake);
      this.waiting.add(wake);
    });
  }
}
