import type { Resource } from '../vocabulary.js';

/** An entry as a purpose sees it. For the two purposes beyond individual care `id` and the ids within are pseudonyms. */
export interface ViewEntry {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  /** When the fact happened, as precisely as the purpose may know. */
  readonly occurredAt: string | null;
  /** For individual care alone: the person's NHS number now, under whichever one the entry was sent. Absent where it is not known. */
  readonly nhsNumber?: string;
  /** When Weft accepted the version in force; RFC 3339, or as precisely as the purpose may know. Not part of the digest: a delay changes it. */
  readonly recordedAt: string;
  readonly resource: Resource;
}

/** The entries in the order in which a view is compared: by id. */
export function sortedEntries(entries: Iterable<ViewEntry>): ViewEntry[] {
  return [...entries].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** What of an entry decides whether two views are the same: all but the time of its arrival. */
export function withoutArrival(entry: ViewEntry): Omit<ViewEntry, 'recordedAt'> {
  const { recordedAt: _, ...rest } = entry;
  return rest;
}
