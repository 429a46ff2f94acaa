import type { Coordinates, Resource } from '../vocabulary.js';
import type { RecordedCareEvent } from './care-event.js';
import { occurredAt } from './clinical-time.js';
import { isEarlierVersion, versionRank, type VersionRank } from './version.js';

/** One clinical fact: an organisation's resource with its versions. `id` is `<ODS code>/<resource type>/<resource id>`. */
export interface Entry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  rank: VersionRank;
  /** True when the version in force says that the fact is none: entered in error, or retracted. */
  retracted: boolean;
  recordedAt: string;
  occurredAt: string | null;
  /** Patient.birthDate of the version in force, where it is a Patient that says one. */
  birthDate: string | null;
  /** The version in force; undefined once the caller has let go of it to save memory. */
  resource: Resource | undefined;
  versions: number;
  /** Revision of the event that brought the version in force. */
  changedAt: number;
}

/**
 * Everything accepted about one patient, folded: `careRecord-<key>` from its first event to `revision`.
 * Evolves in place, because a replay folds hundreds of millions of events.
 */
export interface CareRecord {
  /** Revision of the last event folded, -1 for none. */
  revision: number;
  /** The events accepted, as `<source> <id>`, with where in the bus the accepted one stood. */
  readonly accepted: Map<string, Coordinates>;
  readonly entries: Map<string, Entry>;
}

export function emptyRecord(): CareRecord {
  return { revision: -1, accepted: new Map(), entries: new Map() };
}

export function eventKey(event: { readonly source: string; readonly id: string }): string {
  return `${event.source} ${event.id}`;
}

export function entryId(organisation: string, resource: Resource): string {
  return `${organisation}/${resource.resourceType}/${resource.id}`;
}

/** Whether the event is in the record already: the same (source, id) is one event, whenever the second comes. */
export function hasAccepted(record: CareRecord, event: { readonly source: string; readonly id: string }): boolean {
  return record.accepted.has(eventKey(event));
}

/** Whether an event merges numbers or undoes that: it brings no entry. */
export const isMerge = (type: string): boolean => type === 'patient-merged-1' || type === 'patient-unmerged-1';

/** Folds one event in, and gives the entry whose version in force it changed, or null where it changed none. */
export function evolveRecord(record: CareRecord, event: RecordedCareEvent): Entry | null {
  record.revision += 1;
  const key = eventKey(event);
  if (record.accepted.has(key)) return null;
  record.accepted.set(key, event.coordinates);
  if (isMerge(event.type)) return null;
  return evolveEntry(record, event);
}

function evolveEntry(record: CareRecord, event: RecordedCareEvent): Entry | null {
  const id = entryId(event.organisation, event.resource);
  const retracted = event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);
  const rank = versionRank(event.resource, event.time, event.type === 'care-event-retracted-1');
  let entry = record.entries.get(id);
  if (entry === undefined) {
    entry = {
      id,
      organisation: event.organisation,
      resourceType: event.resource.resourceType,
      rank,
      retracted,
      recordedAt: event.recordedAt,
      occurredAt: null,
      birthDate: null,
      resource: undefined,
      versions: 0,
      changedAt: record.revision,
    };
    record.entries.set(id, entry);
  }
  entry.versions += 1;
  if (entry.versions > 1 && isEarlierVersion(rank, entry.rank)) return null;
  entry.rank = rank;
  entry.retracted = retracted;
  entry.recordedAt = event.recordedAt;
  entry.occurredAt = occurredAt(event.resource);
  entry.birthDate = retracted ? null : birthDateOf(event.resource);
  entry.resource = event.resource;
  entry.changedAt = record.revision;
  return entry;
}

function birthDateOf({ resourceType, birthDate }: Resource): string | null {
  return resourceType === 'Patient' && typeof birthDate === 'string' ? birthDate : null;
}

/** FHIR R4: `entered-in-error` stands in status, or for Condition and AllergyIntolerance in verificationStatus. */
export function isEnteredInError(resource: Resource): boolean {
  if (resource['status'] === 'entered-in-error') return true;
  const verification = resource['verificationStatus'] as { coding?: readonly { code?: string }[] } | undefined;
  return Array.isArray(verification?.coding) && verification.coding.some((coding) => coding?.code === 'entered-in-error');
}
