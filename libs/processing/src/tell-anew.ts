import { forEachConcurrently } from './concurrency.js';
import { deriveViews } from './derive-views.js';
import { loadEpoch, noteEpoch } from './epochs.js';
import { isOfEngine, unreadableBy } from './failures.js';
import { chunksOf, patientKeys } from './patient-keys.js';
import { EPOCH_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

interface Telling {
  readonly isOver: () => boolean;
  /** Whether everything up to a position of the one order is published. */
  readonly isPublished: (position: string) => Promise<boolean>;
  readonly onFailure: (error: unknown) => void;
}

/** People a step. */
const PEOPLE = 128;
const WIDTH = 8;
/** How often it is looked whether a step is published. */
const LOOK_MS = 50;

/**
 * Has everything of everybody published once more, as it stands, withdrawals too, where the epoch asks for it: topics lost it, or hold what a store that
 * was put back does not know. It goes on where it was interrupted, a step at a time, so that what is decided meanwhile waits for one step at most.
 */
export async function tellAnew(wiring: Wiring, { isOver, isPublished, onFailure }: Telling): Promise<void> {
  let now = await loadEpoch(wiring.store);
  if (now.state !== 'telling') return;
  for await (const keys of chunksOf(patientKeys(wiring), now.done, PEOPLE)) {
    await forEachConcurrently(keys, WIDTH, (key) => tellWhole(wiring, key, onFailure));
    const next = isOver() ? null : await noteEpoch(wiring, { ...now, done: now.done + keys.length });
    if (next === null) return;
    now = next;
    const [noted] = await wiring.store.read(EPOCH_STREAM, { backwards: true, maxCount: 1 });
    while (noted !== undefined && !(await isPublished(noted.position))) {
      if (isOver()) return;
      await wiring.timers.sleep(LOOK_MS);
    }
  }
  await noteEpoch(wiring, { ...now, state: 'told' });
}

/** Whose record cannot be read is told of once it can. */
async function tellWhole(wiring: Wiring, key: string, onFailure: (error: unknown) => void): Promise<void> {
  try {
    await deriveViews(wiring, key, { tellAll: true, evenWhatIsGone: true });
  } catch (error) {
    if (isOfEngine(error)) throw error;
    if (unreadableBy(error) === null) onFailure(error);
  }
}
