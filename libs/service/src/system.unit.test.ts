import { systemTimers } from './system.js';

describe('system timers', () => {
  it('wakes at once when the signal is aborted, before or during the sleep', async () => {
    const abort = new AbortController();
    const asleep = systemTimers.sleep(3_600_000, abort.signal);
    abort.abort();
    await asleep;
    await systemTimers.sleep(3_600_000, abort.signal);
    expect(abort.signal.aborted).toBe(true);
  });

  it('sleeps as long as it is told', async () => {
    const started = performance.now();
    await systemTimers.sleep(20);
    expect(performance.now() - started).toBeGreaterThan(15);
  });
});
