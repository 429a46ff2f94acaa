import { randomUUID } from 'node:crypto';
import type { Clock, Random, Timers } from '@weft/processing';

export const systemClock: Clock = { now: () => Date.now() };

export const systemTimers: Timers = {
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake, { once: true });
    });
  },
};

export const systemRandom: Random = { uuid: () => randomUUID(), fraction: () => Math.random() };
