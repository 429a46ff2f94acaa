/** Waits for all, so that nothing of failed work still runs when it is begun again; then throws what failed first. */
export async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Runs work of the same key one after the other, in the order it came, and of different keys side by side. */
export class KeyedQueue {
  private readonly last = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const running = before === undefined ? work() : before.then(work, work);
    this.last.set(key, running);
    const done = (): void => {
      if (this.last.get(key) === running) this.last.delete(key);
    };
    running.then(done, done);
    return running;
  }
}

/** Runs `work` on every item, `width` at a time. */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | null = null;
  for await (const item of items) {
    const one = work(item)
      .catch((error: unknown) => {
        failed ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= width) await Promise.race(running);
    if (failed !== null) break;
  }
  await Promise.all(running);
  if (failed !== null) throw (failed as { error: unknown }).error;
}
