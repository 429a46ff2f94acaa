import { eventKey, isTakenBackBy, placeOfEvent, type CareEvent, type Coordinates, type Problem } from '@weft/domain';
import { claimProblem } from './claims.js';
import { decodeDeathJudged, encode, type DeathJudged } from './encoding.js';
import { eventsOf, loadRecord } from './load.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { keysOfPerson } from './read-record.js';
import { deathsStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

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
    const { revision, judged } = await loadJudged(wiring.store, key);
    // Recorded already: it is a redelivery, or a duplicate, as the record itself will find.
    if ((await loadRecord(wiring.store, key)).accepted.has(cause)) return [];
    const before = judged.get(placeOfEvent(cause, coordinates));
    if (before !== undefined) return before;
    const problem = await claimProblem(wiring, event, await makerOf(wiring, key, event));
    const problems = problem === null ? [] : [problem];
    const type = problem === null ? 'death-accepted-1' : 'death-refused-1';
    const judgement: DeathJudged = { type, cause, coordinates, problems, recordedAt: timestamp(wiring.clock) };
    const written = wiring.store.append(deathsStream(key), revision, [encode(judgement, wiring.random)]);
    if ((await unlessFenced(written)) !== null) return problems;
  }
}

/** The organisation whose word is taken back, where it is the sender: it told a death of the person that stands. */
async function makerOf(wiring: Wiring, key: string, { type, organisation }: CareEvent): Promise<string | null> {
  if (type !== 'patient-death-retracted-1') return null;
  for (const member of await keysOfPerson(wiring, key)) {
    const { entries } = await loadRecord(wiring.store, member);
    for (const entry of entries.values()) if (isTakenBackBy(entry, { organisation })) return organisation;
  }
  return null;
}

async function loadJudged(store: EventStore, key: string) {
  const judged = new Map<string, readonly Problem[]>();
  let revision = NO_STREAM;
  for await (const page of eventsOf(store, deathsStream(key))) {
    for (const stored of page) {
      const { cause, coordinates, problems } = decodeDeathJudged(stored);
      judged.set(placeOfEvent(cause, coordinates), problems);
      revision = stored.revision;
    }
  }
  return { revision, judged };
}
