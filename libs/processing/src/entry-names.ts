import type { Entry, Projection, Pseudonyms } from '@weft/domain';
import type { Wiring } from './wiring.js';

/**
 * What an entry is called in every version of a purpose's view that is written: before the one that serves now another one
 * may have been told, under another name. Of versions that are not concerned with it there is no name.
 */
export function namesOf({ projections }: Wiring, { purpose }: Projection, pseudonyms: Pseudonyms, entry: Entry): string[] {
  const names = new Set<string>();
  for (const version of projections) {
    if (version.purpose === purpose && version.concerns(entry.resourceType)) names.add(version.entryId(entry.id, pseudonyms));
  }
  return [...names];
}
