import { judgeMany, type Many } from '@weft/care-events';
import type { Timers } from '@weft/processing';
import { type Judge, JudgePool } from './judging.js';

/** A thread that answers when the test says so. */
class Thread {
  readonly given: Many[] = [];
  isEnded = false;
  private readonly listeners: Record<string, (about: never) => void> = {};

  postMessage(many: Many): void {
    this.given.push(many);
  }
  on(event: string, listener: (about: never) => void): void {
    this.listeners[event] = listener;
  }
  terminate(): Promise<void> {
    this.isEnded = true;
    return Promise.resolve();
  }
  answers(answer: unknown): void {
    this.listeners['message']?.(answer as never);
  }
  fails(error: Error): void {
    this.listeners['error']?.(error as never);
  }
}

/** Timers that ring when the test says so. */
function handTimers() {
  const waiting = new Set<{ readonly ms: number; readonly wake: () => void }>();
  const timers: Timers = {
    sleep: (ms, signal) =>
      new Promise((wake) => {
        const one = { ms, wake };
        waiting.add(one);
        signal?.addEventListener('abort', () => (waiting.delete(one), wake()), { once: true });
      }),
  };
  return { timers, waiting, ring: () => [...waiting].forEach(({ wake }) => wake()) };
}

const bundle = (sender = 'RX901'): Many => ({
  kind: 'bundle',
  bytes: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: [] })),
  ...{ limitBytes: 1_000, entriesMax: 10, keys: { fresh: 'request' } },
  rules: { organisations: new Map(), now: 0, sender, recorder: { as: 'organisation', organisation: sender, subject: null } },
});
const nothing = { ok: true, items: [], kept: [], wanted: [], bytes: new Uint8Array() };
const judgedNothing = { ok: true, event: { items: [], kept: [], wanted: [] } };

function opened(size = 2) {
  const threads: Thread[] = [];
  const { timers, waiting, ring } = handTimers();
  const start = () => threads[threads.push(new Thread()) - 1] as unknown as Judge;
  return { threads, waiting, ring, pool: new JudgePool(timers, 60_000, start, size) };
}

describe('the pool of judges', () => {
  it('has as many threads as it may, uses them again, and lets none be timed that is done', async () => {
    const { pool, threads, waiting } = opened();
    const judged = [pool.judge(bundle('A')), pool.judge(bundle('B')), pool.judge(bundle('C'))];
    expect(threads.map(({ given }) => given.length)).toEqual([1, 1]);
    threads[1]!.answers(nothing);
    expect(await judged[1]).toEqual(judgedNothing);
    expect(threads.map(({ given }) => given.length)).toEqual([1, 2]);
    for (const thread of threads) thread.answers(nothing);
    await Promise.all(judged);
    expect([threads.length, waiting.size]).toEqual([2, 0]);
  });

  it('keeps a thread that has nothing to do for the next body', async () => {
    const { pool, threads } = opened();
    for (const sender of ['A', 'B', 'C']) {
      const judged = pool.judge(bundle(sender));
      threads[0]!.answers(nothing);
      await judged;
      await new Promise(setImmediate);
    }
    expect(threads.map(({ given }) => given.length)).toEqual([3]);
  });

  it('ends the thread of one that takes too long, says the limit, and goes on with a new thread', async () => {
    const { pool, threads, waiting, ring } = opened(1);
    const slow = pool.judge(bundle());
    const next = pool.judge(bundle());
    expect([...waiting].map(({ ms }) => ms)).toEqual([60_000]);
    ring();
    expect(await slow).toEqual({
      ok: false,
      problems: [
        { field: 'body', code: 'too-costly', message: 'takes longer than 60 seconds to judge; send it in several parts' },
      ],
    });
    expect(threads.map(({ isEnded }) => isEnded)).toEqual([true, false]);
    // What it still says is nobody's.
    threads[0]!.answers({ ok: false, problems: [] });
    threads[1]!.answers(nothing);
    expect(await next).toEqual(judgedNothing);
  });

  it('refuses one that takes too much memory, and fails with another fault of a thread', async () => {
    const { pool, threads } = opened(1);
    const large = pool.judge(bundle());
    threads[0]!.fails(Object.assign(new Error('heap'), { code: 'ERR_WORKER_OUT_OF_MEMORY' }));
    expect(await large).toMatchObject({
      ok: false,
      problems: [{ code: 'too-costly', message: expect.stringContaining('memory') }],
    });
    const broken = pool.judge(bundle());
    threads[1]!.fails(new Error('broken'));
    await expect(broken).rejects.toThrow('broken');
  });

  it('gives nothing to a thread that failed while it had nothing to do', async () => {
    const { pool, threads } = opened(1);
    const first = pool.judge(bundle());
    threads[0]!.answers(nothing);
    await first;
    threads[0]!.fails(new Error('later'));
    void pool.judge(bundle());
    expect(threads.map(({ given }) => given.length)).toEqual([1, 1]);
  });

  it('lets an organisation that sends much not go before one that waits', () => {
    const { pool, threads } = opened();
    for (const sender of ['A', 'A', 'A', 'B']) void pool.judge(bundle(sender));
    threads[0]!.answers(nothing);
    threads[0]!.answers(nothing);
    const order = threads.flatMap(({ given }) => given.map(({ rules }) => rules.sender));
    expect(order.sort()).toEqual(['A', 'A', 'A', 'B']);
    const fair = opened();
    for (const sender of ['A', 'A', 'A', 'B']) void fair.pool.judge(bundle(sender));
    fair.threads[0]!.answers(nothing);
    expect(fair.threads[0]!.given.map(({ rules }) => rules.sender)).toEqual(['A', 'B']);
  });

  it('ends its threads, and those who wait, when the app stops', async () => {
    const { pool, threads } = opened(1);
    const waiting = [pool.judge(bundle()), pool.judge(bundle())].map((one) => one.catch((error: Error) => error.message));
    await pool.close();
    expect(await Promise.all(waiting)).toEqual(['this Weft is stopping', 'this Weft is stopping']);
    expect(threads.map(({ isEnded }) => isEnded)).toEqual([true]);
  });

  it('is given what can be judged in any thread', () => {
    expect(judgeMany(structuredClone(bundle()))).toMatchObject(judgedNothing);
  });
});
