import { EngineUnavailable } from '@weft/processing';
import type { Settings } from './settings.js';
import { systemClock, systemTimers } from './system.js';

/** Between two looks for engines that are not there yet. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Opens what needs the engines, and again while they are elsewhere and not there yet: whatever starts a whole machine starts them and
 * Weft together. Says once of each engine that it is waited for. Throws EngineUnavailable once `startPatienceMs` are over, and at
 * once where the engines are this machine's own files.
 */
export async function onceEnginesAnswer<T>(
  { kafka, eventStoreUrl, startPatienceMs }: Pick<Settings, 'kafka' | 'eventStoreUrl' | 'startPatienceMs'>,
  open: () => Promise<T>,
  say: (sentence: string) => void,
  { clock, timers } = { clock: systemClock, timers: systemTimers },
  signal?: AbortSignal,
): Promise<T> {
  const isElsewhere = kafka !== undefined || eventStoreUrl !== undefined;
  const deadline = clock.steady() + (isElsewhere ? startPatienceMs : 0);
  const awaited = new Set<string>();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      const left = deadline - clock.steady();
      if (left <= 0) throw error;
      if (!awaited.has(error.engine)) say(`waiting up to ${Math.ceil(left / 1_000)} s for an engine: ${error.message}`);
      awaited.add(error.engine);
      await timers.sleep(Math.min(LOOK_AGAIN_MS, left), signal);
      if (signal?.aborted === true) throw error;
    }
  }
}
