import type { Purpose, Resource } from '../vocabulary.js';
import { coarsened, isListed, type Coarseness } from './beyond-individual-care.js';
import { isAhead, isCoordinated } from './care-coordination.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { ViewEntry } from './view.js';

/** How a purpose sees an entry. A change of what it gives needs a new version. */
export interface Projection {
  readonly purpose: Purpose;
  readonly version: number;
  /** Whether its entries carry what identifies people: true for individual care only. */
  readonly identifies: boolean;
  /** Whether any resource of the type can be of the purpose's concern. */
  concerns(resourceType: string): boolean;
  /** Whether this resource, as it stands, is of the purpose's concern. */
  sees(resource: Resource): boolean;
  /** What the entry is called in the view. */
  entryId(id: string, pseudonyms: Pseudonyms): string;
  /** What the purpose sees of an entry that it sees at all. */
  project(entry: PresentEntry, pseudonyms: Pseudonyms): ViewEntry;
}

const directCare: Projection = {
  purpose: 'direct-care',
  version: 1,
  identifies: true,
  concerns: () => true,
  sees: () => true,
  entryId: (id) => id,
  project: whole,
};

const careCoordination: Projection = {
  purpose: 'care-coordination',
  version: 1,
  identifies: true,
  concerns: isCoordinated,
  sees: isAhead,
  entryId: (id) => id,
  project: whole,
};

function whole({ id, organisation, resourceType, occurredAt, recordedAt, resource }: PresentEntry): ViewEntry {
  return { id, organisation, resourceType, occurredAt, recordedAt, resource };
}

function beyond(purpose: Purpose, coarseness: Coarseness): Projection {
  return {
    purpose,
    version: 1,
    identifies: false,
    concerns: isListed,
    sees: (resource) => isListed(resource.resourceType),
    entryId: (id, pseudonyms) => pseudonyms.of(id),
    project: (entry, pseudonyms) => coarsened(entry, pseudonyms, coarseness),
  };
}

/** The four purposes' projections, the shipped versions. */
export const PROJECTIONS: readonly Projection[] = [
  directCare,
  careCoordination,
  beyond('population-health', { dateDigits: 7, birthYears: 1, organisation: true }),
  beyond('research', { dateDigits: 4, birthYears: 5, organisation: false }),
];
