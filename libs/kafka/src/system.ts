import { randomUUID } from 'node:crypto';
import type { Clock, Random, Timers } from '@weft/processing';

/** This machine's own clock, timers and chance: what the bus runs on unless it is given others. */
export const systemClock: Clock = { now: () => Date.now(), steady: () => performance.now() };

export const systemRandom: Random = { uuid: () => randomUUID(), fraction: () => Math.random() };

export const systemTimers: Timers = {
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener('abort', wake);
    }),
};
