import type { Coordinates, NewDecision } from '@weft/domain';
import { chained } from './chain.js';
import { encodeDecision } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { loadConsent, type Consent } from './load.js';
import { consentStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { appendAll } from './write-view.js';

export interface ToRecord {
  readonly decision: NewDecision;
  /** Where the message stood that carried it. */
  readonly message: Coordinates;
}

/**
 * Appends decisions to a number's consent stream, at the revision at which they were chosen: whoever else records meanwhile makes
 * it choose again. Gives the revision of the first one appended, null where there was none.
 */
export async function recordDecisions(
  wiring: Wiring,
  key: string,
  choose: (consent: Consent) => readonly ToRecord[],
): Promise<number | null> {
  for (;;) {
    const consent = await loadConsent(wiring.store, key);
    const chosen = choose(consent);
    if (chosen.length === 0) return null;
    const recordedAt = timestamp(wiring.clock);
    const events = chosen.map(({ decision, message: { topic, partition, offset } }) =>
      encodeDecision({ ...decision, recordedAt, coordinates: { topic, partition, offset } }, wiring.random),
    );
    try {
      const stream = consentStream(key);
      await appendAll(wiring.store, stream, consent.revision, chained(wiring.keys, stream, consent, events).events);
      return consent.revision + 1;
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
  }
}
