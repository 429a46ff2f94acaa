import type { Timers } from './ports.js';

/** Made once: a reason that the signal makes itself costs more than many a wait. */
const ANSWERED = Symbol('answered');

/** What work gives; undefined where that takes longer than so many milliseconds. The work itself goes on. */
export async function within<T>(timers: Timers, ms: number, work: Promise<T>): Promise<T | undefined> {
  const answered = new AbortController();
  const limit = timers.sleep(ms, answered.signal).then(() => undefined);
  return Promise.race([work, limit]).finally(() => answered.abort(ANSWERED));
}

/** Waits for all, so that nothing of failed work still runs when it is begun again; then throws what failed first. */
export async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Waits for all, uses what came of those that succeeded, and only then throws what failed first. */
export async function afterAll<T>(work: readonly Promise<T>[], use: (values: readonly T[]) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(work);
  await use(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
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
  items: AsyncIterable<T> | Iterable<T>,
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

/**
 * Hands items to lanes, one at a time each, and yields what became of them in the items' order. No lane is more than
 * `ahead` items a lane before what was yielded last, so whoever notes down what is yielded knows what may have been begun.
 * The first failure ends it, once nothing is under way any more.
 */
export async function* inOrder<T, Lane, R>(
  items: AsyncIterable<T>,
  lanes: readonly Lane[],
  ahead: number,
  work: (item: T, lane: Lane) => Promise<R> | R,
): AsyncGenerator<R> {
  const idle = [...lanes];
  const begun: Promise<R>[] = [];
  const running = new Set<Promise<unknown>>();
  try {
    for await (const item of items) {
      while (idle.length === 0) await Promise.race(running);
      const lane = idle.pop() as Lane;
      const one = Promise.resolve(work(item, lane)).finally(() => {
        running.delete(one);
        idle.push(lane);
      });
      one.catch(() => undefined);
      running.add(one);
      begun.push(one);
      while (begun.length >= lanes.length * ahead) yield await (begun.shift() as Promise<R>);
    }
    while (begun.length > 0) yield await (begun.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(running);
  }
}
