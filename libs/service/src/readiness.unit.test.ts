import { Readiness } from './readiness.js';

/** Sleeps end when the test says so, or when they are aborted. */
function heldTimers() {
  const wake: (() => void)[] = [];
  let aborted = 0;
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      wake.push(resolve);
      signal?.addEventListener('abort', () => {
        aborted += 1;
        resolve();
      });
    });
  return { timers: { sleep }, passTime: () => wake.forEach((resolve) => resolve()), aborted: () => aborted };
}

describe('readiness', () => {
  it('is the readiness of every part, each named', async () => {
    const failures: unknown[] = [];
    const { timers } = heldTimers();
    const readiness = new Readiness(timers, (name, error) => failures.push([name, error]));
    readiness.register('bus', async () => {});
    expect(await readiness.check()).toEqual({ status: 'ready', checks: { bus: 'ok' } });
    const reason = new Error('away');
    readiness.register('store', async () => Promise.reject(reason));
    expect(await readiness.check()).toEqual({ status: 'not-ready', checks: { bus: 'ok', store: 'failed' } });
    expect(failures).toEqual([['store', reason]]);
  });

  it('does not wait for a part that never answers', async () => {
    const { timers, passTime } = heldTimers();
    const readiness = new Readiness(timers, () => {});
    readiness.register('store', () => new Promise(() => {}));
    const report = readiness.check();
    passTime();
    expect(await report).toEqual({ status: 'not-ready', checks: { store: 'timed-out' } });
  });

  it('leaves no timer behind once a part has answered', async () => {
    const { timers, aborted } = heldTimers();
    const readiness = new Readiness(timers, () => {});
    readiness.register('bus', async () => {});
    await readiness.check();
    expect(aborted()).toBe(1);
  });
});
