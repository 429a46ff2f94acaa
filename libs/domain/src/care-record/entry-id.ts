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

/**
 * The id of an entry of one of a person's numbers where another number of theirs has an entry of that id too. A resource's id has no
 * tilde, so the two are told apart, and what names the one by its resource means both.
 */
export const markedId = (id: string, number: string): string => `${id}~${number.slice(0, 12)}`;

export const withoutMark = (id: string): string => id.replace(/~[^~/]*$/, '');

/** The source within an entry's id, as it stands there. A system's name may have slashes of its own. */
export const sourceIn = (id: string): string => {
  const name = withoutMark(id);
  return name.slice(0, Math.max(0, name.length - withoutSource(name).length - 1));
};

/** `<type>/<id>`. */
export const withoutSource = (id: string): string => withoutMark(id).split('/').slice(-2).join('/');

/** Named by the organisation, whichever of its systems sent it: so it was called when its system was no part of its id. */
export const withoutSystem = (id: string): string => `${/^[^:/]*/.exec(id)?.[0]}/${withoutSource(id)}`;

/** One spelling of a name: an organisation's code and a system's name may be written in capitals or not, a type and an id may not. */
export function spelt(named: string): string {
  const name = withoutMark(named);
  const bare = withoutSource(name);
  return `${name.slice(0, -bare.length).toLowerCase()}${bare}`;
}

/** All that may be meant to name the entry, each in its one spelling. */
export const namesOfEntry = (id: string): readonly string[] => [spelt(id), spelt(withoutSystem(id)), withoutSource(id)];
