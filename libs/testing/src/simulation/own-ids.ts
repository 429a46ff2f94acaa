import type { Focus } from './focus.js';
import { DOCUMENT, SMALL_RESOURCE_TYPES } from './resources.js';
import type { SmallRegion } from './small-region.js';

/** Every way in which an entry is named: by type and id, by an identifier, by an id alone. */
const NAMES = new RegExp(`((?:${[...SMALL_RESOURCE_TYPES, DOCUMENT].join('|')})[/-]|urn:uuid:|"id":")([a-d])(?=["/])`, 'g');

/** What is said of a person's entries, under the ids that these have where people have ids of their own. */
export function underOwnIds<T>(said: T, person: string, { patients }: SmallRegion, { ownIds }: Focus): T {
  if (!ownIds) return said;
  return JSON.parse(JSON.stringify(said).replace(NAMES, `$1$2${patients.indexOf(person)}`)) as T;
}
