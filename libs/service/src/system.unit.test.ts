import { getEventListeners } from 'node:events';
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

  it('wakes all who sleep on one signal, however many: it has one listener for them, where Node takes eleven for a leak', async () => {
    const abort = new AbortController();
    const asleep = Array.from({ length: 100 }, () => systemTimers.sleep(3_600_000, abort.signal));
    await systemTimers.sleep(1, abort.signal);
    const listeners = getEventListeners(abort.signal, 'abort');
    abort.abort();
    await Promise.all(asleep);
    expect(listeners).toHaveLength(1);
  });

  it('sleeps as long as it is told', async () => {
    const started = performance.now();
    await systemTimers.sleep(20);
    expect(performance.now() - started).toBeGreaterThan(15);
  });
});
