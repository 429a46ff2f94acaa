import {
  digestSent,
  eventKey,
  evolveRecord,
  type Accepted,
  type EntriesClaimed,
  type NotePlacing,
  type RecordedCareEvent,
} from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect } from './append.js';
import { encode, encodeRecordEvent } from './encoding.js';
import { loadNumber, type NumberState } from './number.js';
import type { OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import { CONFLICT, isAgainstItsCondition, isOther, OTHER_VERSION, recorded, type Arrival } from './sift-care-events.js';
import { timestamp, type Wiring } from './wiring.js';

/**
 * Says in the surviving number's record which entries another number of the person has for its own from now on, before it has them: of two who
 * record the same entry under two numbers at one time the later fails, and finds whose it is.
 */
export async function claimEntries(
  wiring: Wiring,
  home: string,
  survivor: NumberState,
  entries: ReadonlySet<string>,
): Promise<void> {
  if (entries.size === 0) return;
  const claim: EntriesClaimed = { type: 'entries-claimed-1', entries: [...entries], home, recordedAt: timestamp(wiring.clock) };
  await appendToNumber(wiring, survivor, withoutEffect([encode(claim, wiring.random)]));
}

/**
 * Records events, sent under `saidOf`, of the number that they live with, each once: a crash, or another projector, may have come in between.
 * Gives what goes to quarantine.
 */
export async function recordAtHome(
  wiring: Wiring,
  home: string,
  saidOf: string,
  arrivals: readonly Arrival[],
  note: NotePlacing,
): Promise<readonly OutgoingMessage[]> {
  for (;;) {
    const state = await loadNumber(wiring.store, home);
    const { accepted } = state.record;
    const fresh: RecordedCareEvent[] = [];
    const refused: OutgoingMessage[] = [];
    // Two copies may come in one batch: the second is judged by the first.
    const seen = new Map<string, Accepted>();
    for (const arrival of arrivals) {
      const { event, message, awaits } = arrival;
      const key = eventKey(event);
      const sent = { ...recorded(wiring, event, message, awaits), saidOf };
      const known = accepted.get(key) ?? seen.get(key);
      if (known === undefined && isAgainstItsCondition(state.record, arrival)) {
        refused.push(...quarantine(wiring, message, [OTHER_VERSION]));
      } else if (known === undefined) {
        fresh.push(sent);
        seen.set(key, { ...sent.coordinates, digest: digestSent(sent) });
      } else if (isOther(known, message, digestSent(sent))) refused.push(...quarantine(wiring, message, [CONFLICT]));
    }
    const encoded = fresh.map((event) => encodeRecordEvent(event, wiring.random));
    const appended = await unlessFenced(appendToNumber(wiring, state, withoutEffect(encoded)).then(() => true));
    if (appended === null) continue;
    for (const event of fresh) evolveRecord(state.record, event, note);
    return refused;
  }
}
