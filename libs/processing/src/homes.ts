import { digestSent, eventKey, evolveRecord, type EntriesClaimed, type NotePlacing, type RecordedCareEvent } from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect } from './append.js';
import { encode } from './encoding.js';
import { loadNumber, type NumberState } from './number.js';
import type { OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import { CONFLICT, isOther, recorded, type Arrival } from './sift-care-events.js';
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
    const events = arrivals.map(({ event, message }) => ({ message, event: { ...recorded(wiring, event, message), saidOf } }));
    const knownAs = ({ event }: { event: RecordedCareEvent }) => accepted.get(eventKey(event));
    const refused = events.filter((one) => {
      const known = knownAs(one);
      return known !== undefined && isOther(known, one.message, digestSent(one.event));
    });
    const fresh = events.filter((one) => knownAs(one) === undefined).map(({ event }) => event);
    const encoded = fresh.map((event) => encode(event, wiring.random));
    const appended = await unlessFenced(appendToNumber(wiring, state, withoutEffect(encoded)).then(() => true));
    if (appended === null) continue;
    for (const event of fresh) evolveRecord(state.record, event, note);
    return refused.flatMap(({ message }) => quarantine(wiring, message, [CONFLICT]));
  }
}
