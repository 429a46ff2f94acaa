import { Worker } from 'node:worker_threads';
import type { Violation } from './oracle.js';

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly violations: readonly Violation[];
}

/** Nearly all that a seed makes is garbage soon: with so much room hardly any of it is still used when it is looked for. */
export const YOUNG_MB = 192;

/** Simulates seeds on so many threads; `onResult` may say false to begin no further one. */
export async function runSeeds(
  from: number,
  count: number,
  threads: number,
  onResult: (result: SeedResult) => boolean,
): Promise<void> {
  let next = from;
  let goesOn = true;
  const lane = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./seeds.worker.js', import.meta.url), {
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      });
      const give = (): void => {
        if (goesOn && next < from + count) worker.postMessage(next++);
        else void worker.terminate().then(() => resolve(), reject);
      };
      worker.on('message', (result: SeedResult) => {
        if (!onResult(result)) goesOn = false;
        give();
      });
      worker.once('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(threads, count) }, lane));
}
