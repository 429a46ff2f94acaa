import { eventKey, isTakenBackBy, placeOfEvent, type CareEvent, type Coordinates, type Problem } from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect } from './append.js';
import { claimProblem } from './claims.js';
import { encode, type DeathJudged } from './encoding.js';
import { loadNumber } from './number.js';
import { loadPerson } from './person.js';
import { timestamp, type Wiring } from './wiring.js';

/**
 * What is wrong with a death, or with its retraction, as its organisation's to say. It is judged once at its place in the bus, and the judgement written
 * down before anything is made of it: a redelivered death that was refused stays refused, though it would be accepted by then.
 */
export async function judgeDeath(
  wiring: Wiring,
  key: string,
  event: CareEvent,
  { topic, partition, offset }: Coordinates,
): Promise<readonly Problem[]> {
  const coordinates = { topic, partition, offset };
  const cause = eventKey(event);
  for (;;) {
    const state = await loadNumber(wiring.store, key);
    // Recorded already: it is a redelivery, or a duplicate, as the record itself will find.
    if (state.record.accepted.has(cause)) return [];
    const before = state.deaths.get(placeOfEvent(cause, coordinates));
    if (before !== undefined) return before;
    const problem = await claimProblem(wiring, event, await makerOf(wiring, key, event));
    const problems = problem === null ? [] : [problem];
    const type = problem === null ? 'death-accepted-1' : 'death-refused-1';
    const judgement: DeathJudged = { type, cause, coordinates, problems, recordedAt: timestamp(wiring.clock) };
    const written = appendToNumber(wiring, state, withoutEffect([encode(judgement, wiring.random)]));
    if ((await unlessFenced(written.then(() => true))) !== null) return problems;
  }
}

/** The organisation whose word is taken back, where it is the sender: it told a death of the person that stands. */
async function makerOf(wiring: Wiring, key: string, { type, organisation }: CareEvent): Promise<string | null> {
  if (type !== 'patient-death-retracted-1') return null;
  for (const { record } of (await loadPerson(wiring.store, key)).members) {
    for (const entry of record.entries.values()) if (isTakenBackBy(entry, { organisation })) return organisation;
  }
  return null;
}
