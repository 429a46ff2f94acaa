import { denialsThatFollow, emptyRecord, evolveRecord, isPresent, withoutMark, type Entry } from '@weft/domain';
import { setBoundaries } from './boundaries.js';
import { decodeNumberEvent, type RecordedDecision } from './encoding.js';
import { surroundingsOf } from './judges.js';
import { eventsOfNumber, type NumberState } from './number.js';
import { loadPerson, type Person } from './person.js';
import type { EventStore } from './ports.js';
import { recordDecisions, type ToRecord } from './record-decisions.js';
import { momentNow } from './region-time.js';
import type { Wiring } from './wiring.js';

/**
 * Leaves with a number what denies an entry of another person, as denials of that entry alone. Each is named after the denial that it was at
 * first, so that an entry that goes to and fro, or a crash, brings it once. A denial that came from this number is here already.
 */
export async function letDenialsFollow(wiring: Wiring, id: string, from: NumberState, to: string): Promise<void> {
  const person = await loadPerson(wiring.store, from.key, { known: [from] });
  const entry = await asItStoodLast(wiring.store, person, from, id);
  if (entry === undefined) return;
  const { policy } = await wiring.policies.current();
  const entries = new Map([...person.record.entries, [entry.id, entry]]);
  const { earliest } = await momentNow(wiring);
  const following = person.numbers.flatMap((decisions) =>
    denialsThatFollow(entry, decisions, policy, earliest, surroundingsOf(entries)),
  );
  const copies = new Map(
    following
      .filter(({ of }) => of.follows?.from !== to)
      .map(({ of, provision }) => copyOf(wiring, { ...of, provision }, { id, from: from.key, to }))
      .map((copy) => [copy.decision.id, copy]),
  );
  await recordDecisions(wiring, to, ({ decisions }) => {
    const known = new Set(decisions.map((one) => one.id));
    return [...copies.values()].filter(({ decision }) => !known.has(decision.id));
  });
  await setBoundaries(
    wiring,
    to,
    [...copies.values()].map(({ decision }) => decision),
  );
}

/** An entry as its person's record calls it; what was taken back before as it was, since what it said is what was denied. */
async function asItStoodLast(
  store: EventStore,
  person: Person,
  { key, record }: NumberState,
  id: string,
): Promise<Entry | undefined> {
  const { homes, members } = person;
  const place = members.findIndex((member) => member.key === key);
  const called = [...person.record.entries.values()].find(
    (one) => withoutMark(one.id) === id && (homes.get(one.id) ?? 0) === place,
  );
  if (called !== undefined && isPresent(called)) return called;
  const past = emptyRecord();
  let last = record.entries.get(id);
  for await (const page of eventsOfNumber(store, key)) {
    for (const { kind, event } of page.map(decodeNumberEvent)) {
      if (kind !== 'record') continue;
      evolveRecord(past, event);
      const now = past.entries.get(id);
      if (now !== undefined && isPresent(now)) last = { ...now, id: called?.id ?? id };
    }
  }
  return last;
}

interface Going {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** What could not be read is read as far as the entry goes: the mending of its message does not reach it any more. */
function copyOf({ keys }: Wiring, decision: RecordedDecision, { id: entry, from, to }: Going): ToRecord {
  const { coordinates, source, authority, consentId, id, follows, recordedAt: _, ...rest } = decision;
  const { version: __, alsoOf: ___, unread: ____, mends: _____, saidOf: ______, ...kept } = rest;
  const origin = follows ?? { entry, from, denial: keys.uuid('denial', from, source, id, consentId, authority) };
  const name = keys.uuid('follows', origin.denial, entry, to);
  return {
    decision: { ...kept, id: name, consentId: name, source, authority, liftsNothing: true, follows: { ...origin, entry } },
    message: coordinates,
  };
}
