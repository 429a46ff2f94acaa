import {
  digestSent,
  eventKey,
  evolveRecord,
  isSamePlace,
  type EntriesClaimed,
  type NotePlacing,
  type NumberRecord,
  type RecordedCareEvent,
} from '@weft/domain';
import { encode } from './encoding.js';
import { followUp, settleHomes } from './entry-homes.js';
import { loadMembers, loadRecord } from './load.js';
import type { OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import type { Untold } from './rebuild-views.js';
import { CONFLICT, isOther, recorded, type Arrival } from './sift-care-events.js';
import { careRecordStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { appendAll, unlessFenced } from './write-view.js';

/**
 * Says in the surviving number's record which entries another number of the person has for its own from now on, before it has them: of two who
 * record the same entry under two numbers at one time the later fails, and finds whose it is.
 */
export async function claimEntries(
  wiring: Wiring,
  home: string,
  survivor: NumberRecord,
  entries: ReadonlySet<string>,
): Promise<void> {
  if (entries.size === 0) return;
  const claim: EntriesClaimed = { type: 'entries-claimed-1', entries: [...entries], home, recordedAt: timestamp(wiring.clock) };
  await wiring.store.append(careRecordStream(survivor.key), survivor.record.revision, [encode(claim, wiring.random)]);
}

/** What became of events that another number of the person is to have. */
export interface Carried {
  readonly untold: Untold | null;
  readonly refused: readonly OutgoingMessage[];
  /** Keys of other people's numbers that the events' entries had to do with. */
  readonly others: readonly string[];
}

/** Records events, sent under `saidOf`, of the number that they live with, each once: a crash, or another projector, may have come in between. */
export async function recordAtHome(
  wiring: Wiring,
  home: string,
  saidOf: string,
  arrivals: readonly Arrival[],
  note: NotePlacing,
): Promise<Carried> {
  for (;;) {
    const record = await loadRecord(wiring.store, home);
    const { accepted, revision } = record;
    const events = arrivals.map(({ event, message }) => ({ message, event: { ...recorded(wiring, event, message), saidOf } }));
    const knownAs = ({ event }: { event: RecordedCareEvent }) => accepted.get(eventKey(event));
    const refused = events.filter((one) => {
      const known = knownAs(one);
      return known !== undefined && isOther(known, one.message, digestSent(one.event));
    });
    const isTaken = events.some((one) => {
      const known = knownAs(one);
      return known !== undefined && isSamePlace(known, one.message);
    });
    const fresh = events.filter((one) => knownAs(one) === undefined);
    const said = fresh.map(({ event }) => event);
    // It may have gone on to somebody else since it was said where it lives.
    if (await settleHomes(wiring, { key: home, record }, said, () => loadMembers(wiring.store, { key: home, record }))) continue;
    const encoded = said.map((event) => encode(event, wiring.random));
    const appended = await unlessFenced(appendAll(wiring.store, careRecordStream(home), revision, encoded));
    if (appended === null) continue;
    const others = await followUp(wiring, { key: home, record }, arrivals, isTaken);
    for (const event of said) evolveRecord(record, event, note);
    const untold = isTaken ? { key: home, from: 0 } : fresh.length > 0 ? { key: home, from: revision + 1 } : null;
    return { untold, others, refused: refused.flatMap(({ message }) => quarantine(wiring, message, [CONFLICT])) };
  }
}
