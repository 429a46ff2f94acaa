import type { Purpose, Resource } from '../vocabulary.js';
import { coarsened, isListed, isToldTruly } from './beyond-individual-care.js';
import { isAhead, isCoordinated } from './care-coordination.js';
import { entryPseudonym, type Coarseness } from './forms.js';
import type { PatientLink, PresentEntry, Pseudonyms } from './present-entry.js';
import { DEFAULT_RELEASE, type Release } from './release.js';
import type { ViewEntry } from './view-entry.js';
import { withoutPseudonyms } from './without-pseudonyms.js';

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
  /** A whole view for a reader who knows the person's number: it must not join number and pseudonyms. */
  withoutPseudonyms(entries: readonly ViewEntry[]): readonly ViewEntry[];
}

/** Raised where an entry is called otherwise, or another version of it stands, than before. */
const VERSION_OF_CARE = 2;

const directCare: Projection = {
  purpose: 'direct-care',
  version: VERSION_OF_CARE,
  identifies: true,
  concerns: () => true,
  sees: () => true,
  entryId: (id) => id,
  project: whole,
  withoutPseudonyms: (entries) => entries,
};

const careCoordination: Projection = {
  purpose: 'care-coordination',
  version: VERSION_OF_CARE,
  identifies: true,
  concerns: isCoordinated,
  sees: isAhead,
  entryId: (id) => id,
  project: whole,
  withoutPseudonyms: (entries) => entries,
};

/** As it was sent, with who the person is now: it may have been sent under another number of theirs. */
function whole(entry: PresentEntry, { person }: Pseudonyms): ViewEntry {
  const { id, organisation, resourceType, occurredAt, recordedAt, resource } = entry;
  const links = resourceType === 'Patient' ? (person?.linksOf(entry) ?? []) : [];
  return {
    ...{ id, organisation, resourceType, occurredAt, recordedAt },
    ...(person?.nhsNumber != null && { nhsNumber: person.nhsNumber }),
    resource: links.length === 0 ? resource : { ...resource, link: [...unlinked(resource, links), ...links] },
  };
}

/** The links that its sender gave a Patient, without those to whom it is linked anyway. */
function unlinked({ link }: Resource, links: readonly PatientLink[]): readonly unknown[] {
  const all: readonly unknown[] = Array.isArray(link) ? link : [];
  return all.filter((one) => !links.some(({ other: { identifier } }) => JSON.stringify(one).includes(`"${identifier.value}"`)));
}

/** Raised with each change of what is told beyond individual care, that of the release's data included. */
const VERSION_BEYOND = 2;

function beyond(purpose: Purpose, release: Release, coarseness: Coarseness): Projection {
  return {
    purpose,
    version: VERSION_BEYOND,
    identifies: false,
    concerns: isListed,
    sees: (resource) => isToldTruly(resource, release, coarseness),
    entryId: entryPseudonym,
    project: (entry, pseudonyms) => coarsened(entry, pseudonyms, release, coarseness),
    withoutPseudonyms: (entries) => withoutPseudonyms(entries, coarseness.organisation),
  };
}

/** The four purposes' projections, by what a region releases. */
export function projectionsOf(release: Release): readonly Projection[] {
  return [
    directCare,
    careCoordination,
    beyond('population-health', release, { dateDigits: 7, birthYears: 1, organisation: true }),
    beyond('research', release, { dateDigits: 4, birthYears: 5, organisation: false }),
  ];
}

/** The same, as shipped. */
export const PROJECTIONS = projectionsOf(DEFAULT_RELEASE);
