import { intervalOf, type Interval } from '../fhir-time.js';
import type { RecordedCareEvent } from './care-event.js';
import type { Entry } from './entry.js';
import { millisecondsOf, NO_AGE, type Version } from './version.js';

/** Whether an event tells a death, or takes it back: a fact about the person, and no version of a Patient. */
export const isOfDeath = (type: string): boolean => type === 'patient-died-1' || type === 'patient-death-retracted-1';

/** Of the Patient's id the id of what was said of its death: an entry of its own, which no version of the Patient hides. */
export const deathIdOf = (patientId: string): string => patientId.replace(/\/Patient\/(?=[^/]*$)/, '/death/');

export const isDeathId = (entryId: string): boolean => /\/death\/[^/]+$/.test(entryId);

/** The Patient of whose death it was said: who names a Patient means that too. Any other entry is itself. */
export const withoutDeath = (entryId: string): string => entryId.replace(/\/death\/(?=[^/]*$)/, '/Patient/');

/**
 * Folds in a death, or what takes it back, by arrival. An organisation takes back every death that it told; the region's
 * demographics service everybody's. Gives the entry that a death changed, or null.
 */
export function evolveDeaths(
  entries: Map<string, Entry>,
  event: RecordedCareEvent,
  { id, revision }: { readonly id: string; readonly revision: number },
): Entry | null {
  if (event.type === 'patient-death-retracted-1') {
    takeBack(entries, event, revision);
    return null;
  }
  const known = entries.get(id);
  if (known !== undefined && !known.retracted && event.digest !== undefined && known.last?.digest === event.digest) {
    known.versions += 1;
    return null;
  }
  const { organisation, resource, recordedAt, digest } = event;
  const entry: Entry = {
    id,
    organisation,
    resourceType: resource.resourceType,
    retracted: false,
    recordedAt,
    resource,
    changedAt: revision,
    place: known?.place ?? entries.size,
    seen: [],
    first: NO_AGE,
    last: said(digest),
    versions: (known?.versions ?? 0) + 1,
    setAside: 0,
    disagreeing: 0,
    eventTime: millisecondsOf(event.time) ?? 0,
    occurredAt: typeof resource['deceasedDateTime'] === 'string' ? resource['deceasedDateTime'] : null,
    birthDate: typeof resource['birthDate'] === 'string' ? resource['birthDate'] : null,
    died: diedWithin(event),
  };
  // What is remembered of an entry is remembered of this very object.
  if (known === undefined) entries.set(id, entry);
  return known === undefined ? entry : Object.assign(known, entry);
}

/** Arrival alone orders what is said of a death. */
const said = (digest: string | undefined): Version => ({ ...NO_AGE, digest });

function takeBack(entries: ReadonlyMap<string, Entry>, event: RecordedCareEvent, revision: number): void {
  for (const entry of entries.values()) {
    if (!isTakenBackBy(entry, event)) continue;
    entry.retracted = true;
    entry.versions += 1;
    entry.recordedAt = event.recordedAt;
    entry.last = said(event.digest);
    entry.birthDate = null;
    entry.changedAt = revision;
  }
}

/** Whether an entry is a death that stands, and that the event takes back. */
export function isTakenBackBy(
  { id, retracted, organisation }: Pick<Entry, 'id' | 'retracted' | 'organisation'>,
  event: Pick<RecordedCareEvent, 'organisation' | 'takesBack'>,
): boolean {
  return isDeathId(id) && !retracted && (event.takesBack === 'every-death' || organisation === event.organisation);
}

/** A death without a date came before it was told: what was decided before that somebody alive decided. */
function diedWithin({ resource, time }: RecordedCareEvent): Interval {
  const at = Date.parse(time);
  return intervalOf(resource['deceasedDateTime']) ?? { from: at, until: at };
}
