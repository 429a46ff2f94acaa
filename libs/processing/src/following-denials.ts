import {
  agesToLearn,
  decidedAbout,
  denialsThatFollow,
  emptyRecord,
  evolveRecord,
  isPresent,
  together,
  withoutMark,
  type CareRecord,
  type Entry,
  type SeenAge,
} from '@weft/domain';
import { setBoundaries } from './boundaries.js';
import { decodeRecordEvent, type RecordedDecision } from './encoding.js';
import { surroundingsOf } from './judges.js';
import { eventsOf, loadConsent, loadMembers } from './load.js';
import type { EventStore } from './ports.js';
import { recordDecisions, type ToRecord } from './record-decisions.js';
import { careRecordStream } from './streams.js';
import type { Wiring } from './wiring.js';

/** The record of a number as it was when an entry last left it, and what it knew of that; an entry that was retracted there as it stood last. */
export async function recordBeforeItLeft(
  store: EventStore,
  key: string,
  id: string,
): Promise<{ readonly record: CareRecord; readonly entry: Entry | undefined; readonly seen: readonly SeenAge[] }> {
  const events = [];
  for await (const page of eventsOf(store, careRecordStream(key))) events.push(...page.map(decodeRecordEvent));
  const left = events.findLastIndex((event) => event.type === 'entry-moved-away-1' && event.entry === id);
  const record = emptyRecord();
  let present: Entry | undefined;
  for (const event of left < 0 ? events : events.slice(0, left)) {
    evolveRecord(record, event);
    const now = record.entries.get(id);
    if (now !== undefined && isPresent(now)) present = { ...now };
  }
  const known = record.entries.get(id);
  if (present !== undefined) record.entries.set(id, present);
  return { record, entry: present ?? known, seen: known === undefined ? [] : agesToLearn(known) };
}

/**
 * Leaves with a number what denied an entry where it came from, as denials of that entry alone. They are told apart by the denial that they
 * were at first, so that an entry that goes to and fro brings each once.
 */
export async function letDenialsFollow(wiring: Wiring, id: string, from: string, to: string): Promise<void> {
  const { store, clock, policies } = wiring;
  const left = await recordBeforeItLeft(store, from, id);
  if (left.entry === undefined) return;
  const members = await loadMembers(store, { key: from, record: left.record });
  const { record, homes } = together(members);
  const place = members.findIndex(({ key }) => key === from);
  const isIt = (one: Entry): boolean => withoutMark(one.id) === id && (homes.get(one.id) ?? 0) === place;
  const entry = [...record.entries.values()].find(isIt) ?? left.entry;
  const consents = await Promise.all(members.map(async ({ key }) => ({ key, ...(await loadConsent(store, key)) })));
  const around = surroundingsOf(record.entries);
  const { policy } = await policies.current();
  const following = decidedAbout(consents, homes).numbers.flatMap((decisions) =>
    denialsThatFollow(entry, decisions, policy, clock.now(), around),
  );
  const copies = following.map(({ of, provision }) => copyOf(wiring, of, { id, from, to, provision }));
  await recordDecisions(wiring, to, ({ decisions }) => {
    const known = new Set(decisions.map((one) => one.id));
    return copies.filter(({ decision }) => !known.has(decision.id));
  });
  await setBoundaries(
    wiring,
    to,
    copies.map(({ decision }) => decision),
  );
}

interface Going {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly provision: RecordedDecision['provision'];
}

/** What could not be read is read as far as the entry goes: its number's own mending does not reach it any more. */
function copyOf({ keys }: Wiring, decision: RecordedDecision, { id: entry, from, to, provision }: Going): ToRecord {
  const { coordinates, source, authority, consentId, id, follows, recordedAt: _, ...rest } = decision;
  const { version: __, alsoOf: ___, unread: ____, mends: _____, ...kept } = rest;
  const denial = follows?.denial ?? keys.uuid('denial', from, source, id, consentId, authority);
  const name = keys.uuid('follows', denial, entry, to);
  return {
    decision: {
      ...kept,
      ...{ id: name, consentId: name, source, authority, provision, saidOf: from, liftsNothing: true },
      follows: { entry, denial },
    },
    message: coordinates,
  };
}
