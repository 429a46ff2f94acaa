import type { Coordinates, NewDecision } from '@weft/domain';
import { unlessFenced } from './append.js';
import { appendWithEffect } from './derive-views.js';
import { encodeDecision } from './encoding.js';
import { applyToNumber, loadNumber, type NumberState } from './number.js';
import { timestamp, type Wiring } from './wiring.js';

/** A decision, and where the message stood that carried it. */
export interface ToRecord {
  readonly decision: NewDecision;
  readonly message: Coordinates;
}

/**
 * Appends decisions to a number's stream, at the revision at which they were chosen: whoever else writes meanwhile makes it choose again. Where
 * the number is a person of its own, what they change in every view is in the same append; otherwise that is for the caller to bring
 * about (`bringInLine`). Says whether there was any.
 */
export async function recordDecisions(
  wiring: Wiring,
  key: string,
  choose: (state: NumberState) => readonly ToRecord[],
): Promise<boolean> {
  for (;;) {
    const state = await loadNumber(wiring.store, key);
    const chosen = choose(state);
    if (chosen.length === 0) return false;
    if ((await unlessFenced(append(wiring, state, chosen).then(() => true))) !== null) return true;
  }
}

async function append(wiring: Wiring, state: NumberState, chosen: readonly ToRecord[]): Promise<void> {
  const recordedAt = timestamp(wiring.clock);
  const decisions = chosen.map(({ decision, message: { topic, partition, offset } }) => ({
    ...decision,
    recordedAt,
    coordinates: { topic, partition, offset },
  }));
  for (const event of decisions) applyToNumber(state, { kind: 'decision', event }, state.record.revision + 1);
  const events = decisions.map((decision) => encodeDecision(decision, wiring.random));
  return appendWithEffect(wiring, state, events);
}
