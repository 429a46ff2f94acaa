import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random, Timers } from '@weft/processing';

/** The world as it is. */
export const world: { readonly clock: Clock; readonly timers: Timers; readonly random: Random } = {
  clock: { now: () => Date.now(), steady: () => performance.now() },
  timers: { sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined) },
  random: { uuid: randomUUID, fraction: Math.random },
};
