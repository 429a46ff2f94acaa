import {
  digestSent,
  emptyRecord,
  eventKey,
  evolveRecord,
  isMerge,
  isSamePlace,
  placeOf,
  saysTheSame,
  type Coordinates,
} from '@weft/domain';
import { decodeNumberEvent } from './encoding.js';
import { eventsOfNumber } from './number.js';
import type { EventStore } from './ports.js';

/**
 * What became of a care event.
 * - `new`: it is in the record, and said something new when it came.
 * - `unchanged`: it is in the record, and changed nothing: its entry said the same, or something later.
 * - `duplicate`: it had been recorded before it was sent this time.
 * - `quarantined`: it could not be recorded, and waits to be mended.
 */
export type Became = 'new' | 'unchanged' | 'duplicate' | 'quarantined';

/** A care event whose message the record-projector has passed. */
export interface Passed {
  readonly source: string;
  readonly id: string;
  readonly at: Coordinates;
  /** Of what its sender sent. */
  readonly digest: string;
}

/** What became of events about one number, in the order given: by that number's own stream, and of one that lives with another number by that one's. */
export async function whatBecame(store: EventStore, key: string, events: readonly Passed[]): Promise<Became[]> {
  const wanted = new Set(events.map(eventKey));
  const found = new Map<string, { readonly at: Coordinates; readonly digest: string | undefined; readonly isNew: boolean }>();
  /** Of those that live with another number, by their names, which one. */
  const elsewhere = new Map<string, string>();
  const record = emptyRecord();
  for await (const page of eventsOfNumber(store, key)) {
    for (const stored of page) {
      const { kind, event } = decodeNumberEvent(stored);
      if (kind !== 'record') continue;
      const entry = evolveRecord(record, event);
      if (event.type === 'entries-claimed-1') continue;
      const name = eventKey(event);
      if (!wanted.has(name) || found.has(name)) continue;
      found.set(name, { at: event.coordinates, digest: digestSent(event), isNew: entry !== null || isMerge(event.type) });
      if (event.type === 'care-event-homed-1') elsewhere.set(name, event.homes[0] as string);
    }
  }
  const became = new Map<string, Became>();
  for (const home of new Set(elsewhere.values())) {
    const there = events.filter((event) => elsewhere.get(eventKey(event)) === home);
    for (const [nth, one] of (await whatBecame(store, home, there)).entries())
      became.set(placeOf((there[nth] as Passed).at), one);
  }
  return events.map((event) => {
    const atHome = became.get(placeOf(event.at));
    if (atHome !== undefined) return atHome;
    const known = found.get(eventKey(event));
    if (known === undefined) return 'quarantined';
    if (isSamePlace(known.at, event.at)) return known.isNew ? 'new' : 'unchanged';
    return saysTheSame(known.digest, event.digest) ? 'duplicate' : 'quarantined';
  });
}
