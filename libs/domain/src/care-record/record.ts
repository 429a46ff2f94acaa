import { afterWaiting, type Awaiting, type Awaits } from '../consent/marks.js';
import type { Coordinates, Resource } from '../vocabulary.js';
import type { CareEvent, RecordedCareEvent, RecordEvent } from './care-event.js';
import { occurredAt } from './clinical-time.js';
import { digestSent } from './content.js';
import { deathIdOf, evolveDeaths, isOfDeath } from './death.js';
import { entryId } from './entry-id.js';
import type { Entry } from './entry.js';
import { isEnteredInError } from './error-states.js';
import { noteNames } from './replaced.js';
import {
  ageOf,
  isInForce,
  leastOf,
  millisecondsOf,
  NO_AGE,
  placeVersion,
  withAge,
  withReplaced,
  type Placing,
} from './version.js';

export type { Entry } from './entry.js';

/** Where in the bus an accepted event stood, and what it said; no digest of one that was accepted before there were digests. */
export interface Accepted extends Coordinates {
  readonly digest?: string | undefined;
  /** The other numbers of the person, by key, in whose records it is. */
  readonly homes?: readonly string[] | undefined;
}

/**
 * Everything accepted about one number, folded: the care events of `careRecord-<key>` from its first event to `revision`.
 * Evolves in place, because a replay folds hundreds of millions of events.
 */
export interface CareRecord {
  /** Revision of the last event folded, -1 for none. */
  revision: number;
  /** The NHS number; null until an event says it. */
  nhsNumber: string | null;
  /** The events accepted, as `<source> <id>`. */
  readonly accepted: Map<string, Accepted>;
  readonly entries: Map<string, Entry>;
  /** Ids of the entries, by their places. */
  readonly order: string[];
  /** The organisations that something was accepted from, other than a merge. */
  readonly heardFrom: Set<string>;
  /** Entries that are to be those of numbers merged into this one, by their ids the number's key. */
  readonly claims: Map<string, string>;
  /** Entries whose version in force came behind decisions that were not read then, by their ids. */
  readonly awaiting: Map<string, Awaiting>;
}

export function emptyRecord(): CareRecord {
  return {
    revision: -1,
    nhsNumber: null,
    accepted: new Map(),
    entries: new Map(),
    order: [],
    heardFrom: new Set(),
    claims: new Map(),
    awaiting: new Map(),
  };
}

export function eventKey(event: { readonly source: string; readonly id: string }): string {
  return `${event.source} ${event.id}`;
}

/** Whether an event merges numbers or undoes that: it brings no entry. */
export const isMerge = (type: string): boolean => type === 'patient-merged-1' || type === 'patient-unmerged-1';

/** The id of the entry that an event is about. */
export function entryIdOf({ type, source, resource }: Omit<CareEvent, 'subject' | 'id' | 'time'>): string {
  const id = entryId(source, resource);
  return isOfDeath(type) ? deathIdOf(id) : id;
}

/** Is given what becomes of a version that an event brings, where more is to be said of it than that it stands. */
export type NotePlacing = (entry: Entry, placing: Exclude<Placing, 'stands'>, event: RecordedCareEvent) => void;

/** Folds one event in, and gives the entry whose version in force it changed, or null where it changed none. */
export function evolveRecord(record: CareRecord, event: RecordEvent, note?: NotePlacing): Entry | null {
  record.revision += 1;
  if (event.type === 'entries-claimed-1') {
    for (const id of event.entries) record.claims.set(id, event.home);
    return null;
  }
  const key = eventKey(event);
  if (record.accepted.has(key)) return null;
  if (event.type !== 'care-event-homed-1' && event.saidOf === undefined) record.nhsNumber ??= event.subject ?? null;
  if (!isMerge(event.type)) record.heardFrom.add(event.organisation);
  const { topic, partition, offset } = event.coordinates;
  record.accepted.set(key, { topic, partition, offset, digest: digestSent(event), homes: event.homes });
  if (event.type === 'care-event-homed-1' || isMerge(event.type)) return null;
  const changed = isOfDeath(event.type)
    ? evolveDeaths(record.entries, event, { id: entryIdOf(event), revision: record.revision })
    : evolveEntry(record, event, note);
  if (record.entries.size > record.order.length) record.order.push(entryIdOf(event));
  if (changed !== null) noteAwaiting(record, changed, event);
  return changed;
}

/** In individual care what was noted up to there waits no longer. */
export function endWaiting({ awaiting }: CareRecord, until: Awaits): void {
  for (const [id, one] of awaiting) awaiting.set(id, afterWaiting(one, until));
}

function noteAwaiting({ awaiting }: CareRecord, { id }: Entry, { awaits }: RecordedCareEvent): void {
  if (awaits !== undefined) awaiting.set(id, { ...awaits, isWaited: false });
  else if (awaiting.size > 0) awaiting.delete(id);
}

function evolveEntry(record: CareRecord, event: RecordedCareEvent, note: NotePlacing = () => {}): Entry | null {
  const entry = entryOf(record, event);
  const retracted = event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);
  const next = { ...ageOf(event.resource), digest: event.digest, sentDigest: event.sentDigest };
  const placing = placeVersion(next, entry);
  entry.versions += 1;
  entry.seen = withAge(entry.seen, next);
  if (entry.resourceType === 'DocumentReference') noteNames(entry, event.resource);
  if (!isInForce(placing)) {
    entry.setAside += 1;
    note(entry, placing, event);
  } else entry.first = leastOf(entry.first, next);
  if (!isInForce(placing) || (event.digest !== undefined && event.digest === entry.last?.digest)) return null;
  if (placing === 'stands-by-arrival') {
    entry.disagreeing += 1;
    note(entry, placing, event);
  }
  if (entry.last !== null) entry.seen = withReplaced(entry.seen, entry.last);
  entry.last = next;
  entry.eventTime = millisecondsOf(event.time) ?? 0;
  entry.retracted = retracted;
  entry.recordedAt = event.recordedAt;
  entry.occurredAt = occurredAt(event.resource);
  entry.birthDate = retracted ? null : birthDateOf(event.resource);
  entry.resource = event.resource;
  entry.changedAt = record.revision;
  return entry;
}

/** The entry that an event is about, as it was before it. */
function entryOf(record: CareRecord, event: RecordedCareEvent): Entry {
  const { organisation, resource, recordedAt } = event;
  const id = entryIdOf(event);
  const known = record.entries.get(id);
  if (known !== undefined) return known;
  // Written out: put together of several it takes a hundred times as long, and a replay makes hundreds of millions.
  const entry: Entry = {
    id,
    organisation,
    resourceType: resource.resourceType,
    place: record.entries.size,
    recordedAt,
    seen: [],
    first: NO_AGE,
    last: null,
    eventTime: 0,
    retracted: false,
    occurredAt: null,
    birthDate: null,
    resource: undefined,
    versions: 0,
    setAside: 0,
    disagreeing: 0,
    changedAt: record.revision,
  };
  record.entries.set(id, entry);
  return entry;
}

function birthDateOf({ resourceType, birthDate }: Resource): string | null {
  return resourceType === 'Patient' && typeof birthDate === 'string' ? birthDate : null;
}
