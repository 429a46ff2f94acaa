import type { Resource } from '../vocabulary.js';

const SOURCES = 'urn:ods:';

/**
 * An entry's id: its source, the type and the id of its resource, with slashes between. Of an organisation `RX901/Observation/1`, of
 * one of its systems, which numbers its resources for itself, `RX901:lab/Observation/1`.
 */
export function entryId(source: string, { resourceType, id }: Pick<Resource, 'resourceType' | 'id'>): string {
  const name = source.startsWith(SOURCES) ? source.slice(SOURCES.length) : source;
  return `${name}/${resourceType}/${id}`;
}

/** The source within an entry's id, as it stands there. A system's name may have slashes of its own. */
export const sourceIn = (id: string): string => id.slice(0, Math.max(0, id.length - withoutSource(id).length - 1));

/** `<type>/<id>`. */
export const withoutSource = (id: string): string => id.split('/').slice(-2).join('/');

/** Named by the organisation, whichever of its systems sent it: so it was called when its system was no part of its id. */
export const withoutSystem = (id: string): string => `${/^[^:/]*/.exec(id)?.[0]}/${withoutSource(id)}`;

/** One spelling of a name: an organisation's code and a system's name may be written in capitals or not, a type and an id may not. */
export function spelt(name: string): string {
  const bare = withoutSource(name);
  return `${name.slice(0, -bare.length).toLowerCase()}${bare}`;
}

/** All that may be meant to name the entry, each in its one spelling. */
export const namesOfEntry = (id: string): readonly string[] => [spelt(id), spelt(withoutSystem(id)), withoutSource(id)];
