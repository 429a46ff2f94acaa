import type { Coordinates, Resource } from '../vocabulary.js';
import type { RecordedCareEvent } from './care-event.js';
import { occurredAt } from './clinical-time.js';
import { digestSent, saysTheSame } from './content.js';
import { deathIdOf, evolveDeaths, isOfDeath } from './death.js';
import { entryId } from './entry-id.js';
import type { Entry } from './entry.js';
import { isEnteredInError } from './error-states.js';
import { namesReplaced } from './replaced.js';
import { ageOf, isInForce, millisecondsOf, placeVersion, withAge, withReplaced, type Placing } from './version.js';

export type { Entry } from './entry.js';

/** Where in the bus an accepted event stood, and what it said; no digest of one that was accepted before there were digests. */
export interface Accepted extends Coordinates {
  readonly digest?: string | undefined;
}

/**
 * Everything accepted about one patient, folded: `careRecord-<key>` from its first event to `revision`.
 * Evolves in place, because a replay folds hundreds of millions of events.
 */
export interface CareRecord {
  /** Revision of the last event folded, -1 for none. */
  revision: number;
  /** The events accepted, as `<source> <id>`. */
  readonly accepted: Map<string, Accepted>;
  readonly entries: Map<string, Entry>;
}

export function emptyRecord(): CareRecord {
  return { revision: -1, accepted: new Map(), entries: new Map() };
}

export function eventKey(event: { readonly source: string; readonly id: string }): string {
  return `${event.source} ${event.id}`;
}

/** Whether an event merges numbers or undoes that: it brings no entry. */
export const isMerge = (type: string): boolean => type === 'patient-merged-1' || type === 'patient-unmerged-1';

/** Is given what becomes of a version that an event brings, where more is to be said of it than that it stands. */
export type NotePlacing = (entry: Entry, placing: Exclude<Placing, 'stands'>) => void;

/** Folds one event in, and gives the entry whose version in force it changed, or null where it changed none. */
export function evolveRecord(record: CareRecord, event: RecordedCareEvent, note?: NotePlacing): Entry | null {
  record.revision += 1;
  const key = eventKey(event);
  const known = record.accepted.get(key);
  // Two numbers of a merged person may each have an event of this id.
  if (known !== undefined && saysTheSame(known.digest, digestSent(event))) return null;
  record.accepted.set(key, { ...event.coordinates, digest: digestSent(event) });
  if (isMerge(event.type)) return null;
  if (isOfDeath(event.type)) {
    const id = deathIdOf(entryId(event.organisation, event.resource));
    return evolveDeaths(record.entries, event, { id, revision: record.revision });
  }
  return evolveEntry(record, event, note);
}

function evolveEntry(record: CareRecord, event: RecordedCareEvent, note: NotePlacing = () => {}): Entry | null {
  const entry = entryOf(record, event);
  const retracted = event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);
  const next = { ...ageOf(event.resource), digest: event.digest };
  const placing = placeVersion(next, entry);
  entry.versions += 1;
  entry.seen = withAge(entry.seen, next);
  const replaced = namesReplaced(event.resource);
  if (replaced.length > 0) entry.replaces = [...new Set([...(entry.replaces ?? []), ...replaced])];
  if (!isInForce(placing)) {
    entry.setAside += 1;
    note(entry, placing);
  }
  if (!isInForce(placing) || (event.digest !== undefined && event.digest === entry.last?.digest)) return null;
  if (placing === 'stands-by-arrival') {
    entry.disagreeing += 1;
    note(entry, placing);
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
function entryOf(record: CareRecord, { source, organisation, resource, recordedAt }: RecordedCareEvent): Entry {
  const id = entryId(source, resource);
  const known = record.entries.get(id);
  if (known !== undefined) return known;
  const entry: Entry = {
    ...{ id, organisation, resourceType: resource.resourceType, recordedAt },
    ...{ seen: [], last: null, eventTime: 0, retracted: false, occurredAt: null, birthDate: null },
    ...{ resource: undefined, versions: 0, setAside: 0, disagreeing: 0, changedAt: record.revision },
  };
  record.entries.set(id, entry);
  return entry;
}

function birthDateOf({ resourceType, birthDate }: Resource): string | null {
  return resourceType === 'Patient' && typeof birthDate === 'string' ? birthDate : null;
}
