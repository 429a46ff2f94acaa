import type { Coordinates, Resource } from '../vocabulary.js';
import type { RecordedCareEvent } from './care-event.js';
import { occurredAt } from './clinical-time.js';
import { saysTheSame } from './content.js';
import { isEarlierVersion, rankAfter, versionRank, type VersionRank } from './version.js';

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
  /** Digest of the version in force, where it is known: what says the same changes nothing. */
  digest: string | undefined;
  versions: number;
  /** Revision of the event that brought the version in force. */
  changedAt: number;
}

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

export function entryId(organisation: string, resource: Resource): string {
  return `${organisation}/${resource.resourceType}/${resource.id}`;
}

/** Whether an event merges numbers or undoes that: it brings no entry. */
export const isMerge = (type: string): boolean => type === 'patient-merged-1' || type === 'patient-unmerged-1';

/** Folds one event in, and gives the entry whose version in force it changed, or null where it changed none. */
export function evolveRecord(record: CareRecord, event: RecordedCareEvent): Entry | null {
  record.revision += 1;
  const key = eventKey(event);
  const known = record.accepted.get(key);
  // Two numbers of a merged person may each have an event of this id.
  if (known !== undefined && saysTheSame(known.digest, event.digest)) return null;
  record.accepted.set(key, { ...event.coordinates, digest: event.digest });
  if (isMerge(event.type)) return null;
  return evolveEntry(record, event);
}

function evolveEntry(record: CareRecord, event: RecordedCareEvent): Entry | null {
  const id = entryId(event.organisation, event.resource);
  const retracted = event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);
  const rank = versionRank(event.resource, event.time);
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
      digest: undefined,
      versions: 0,
      changedAt: record.revision,
    };
    record.entries.set(id, entry);
  }
  entry.versions += 1;
  if (entry.versions > 1 && isEarlierVersion(rank, entry.rank)) return null;
  if (event.digest !== undefined && event.digest === entry.digest) return null;
  entry.rank = rankAfter(entry.rank, rank, retracted);
  entry.digest = event.digest;
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
