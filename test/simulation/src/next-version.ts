import type { Projection } from '@weft/domain';
import type { Prng } from '@weft/testing';

/** A next version of a projection: it words entries differently, and may name them differently or be concerned with fewer. */
export function nextVersion(before: Projection, prng: Prng): Projection {
  const renames = prng.chance(0.5);
  const dropped = prng.pick([undefined, 'Encounter', 'Observation', 'CarePlan']);
  const named = (id: string): string => (renames ? `again/${id}` : id);
  return {
    purpose: before.purpose,
    version: before.version + 1,
    identifies: before.identifies,
    withoutPseudonyms: before.withoutPseudonyms,
    concerns: (resourceType) => resourceType !== dropped && before.concerns(resourceType),
    sees: (resource) => resource.resourceType !== dropped && before.sees(resource),
    entryId: (id, pseudonyms) => before.entryId(named(id), pseudonyms),
    project: (entry, pseudonyms) => {
      const { person } = pseudonyms;
      // Whose an entry is, is known by its own id.
      const known = person === undefined ? {} : { person: { ...person, linksOf: () => person.linksOf(entry) } };
      const seen = before.project({ ...entry, id: named(entry.id) }, { ...pseudonyms, ...known });
      return { ...seen, resource: { ...seen.resource, language: 'en-GB' } };
    },
  };
}
