import { randomUUID } from 'node:crypto';
import type { Clock, Random, Timers } from '@weft/processing';

export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };

/** Who sleeps on which signal. */
const sleepers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Many answers wait for the one signal that this process stops. It gets one listener for all of them: Node takes more than ten for
 * a leak, and says so.
 */
function sleepersOn(signal: AbortSignal): Set<() => void> {
  const known = sleepers.get(signal);
  if (known !== undefined) return known;
  const asleep = new Set<() => void>();
  sleepers.set(signal, asleep);
  signal.addEventListener('abort', () => [...asleep].forEach((wake) => wake()), { once: true });
  return asleep;
}

export const systemTimers: Timers = {
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const asleep = signal && sleepersOn(signal);
      const wake = (): void => {
        clearTimeout(timer);
        asleep?.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      asleep?.add(wake);
    });
  },
};

export const systemRandom: Random = { uuid: () => randomUUID(), fraction: () => Math.random() };
