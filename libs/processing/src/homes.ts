import {
  digestSent,
  eventKey,
  evolveRecord,
  isSamePlace,
  type Accepted,
  type EntriesClaimed,
  type NotePlacing,
  type NumberRecord,
  type RecordedCareEvent,
} from '@weft/domain';
import { encode } from './encoding.js';
import { loadRecord } from './load.js';
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
    const fresh: RecordedCareEvent[] = [];
    const refused: OutgoingMessage[] = [];
    // Two copies may come in one batch: the second is judged by the first.
    const seen = new Map<string, Accepted>();
    let isTaken = false;
    for (const { event, message } of arrivals) {
      const key = eventKey(event);
      const sent = { ...recorded(wiring, event, message), saidOf };
      const known = accepted.get(key) ?? seen.get(key);
      if (known === undefined) {
        fresh.push(sent);
        seen.set(key, { ...sent.coordinates, digest: digestSent(sent) });
      } else if (isSamePlace(known, message)) {
        isTaken = true;
      } else if (isOther(known, message, digestSent(sent))) refused.push(...quarantine(wiring, message, [CONFLICT]));
    }
    const encoded = fresh.map((event) => encode(event, wiring.random));
    const appended = await unlessFenced(appendAll(wiring.store, careRecordStream(home), revision, encoded));
    if (appended === null) continue;
    for (const event of fresh) evolveRecord(record, event, note);
    const untold = isTaken ? { key: home, from: 0 } : fresh.length > 0 ? { key: home, from: revision + 1 } : null;
    return { untold, refused };
  }
}
