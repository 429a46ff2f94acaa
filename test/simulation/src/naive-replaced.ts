import type { Resource } from '@weft/domain';
import { idOf, nameOf, namedBy, ownIdOf, type Facts } from './naive-limits.js';

/** Which documents stand in the place of which, by all that was ever said of them. */
export interface Documents {
  /** Whether another one stands in its place: it joins the history. */
  isReplaced(entry: Facts): boolean;
  /** In whose place it ever stood, through others too: what is denied of those is denied of it. */
  inPlaceOf(entry: Facts): readonly Facts[];
}

const NONE: Documents = { isReplaced: () => false, inPlaceOf: () => [] };

const isDocument = ({ resource }: Facts): boolean => resource.resourceType === 'DocumentReference';

/** `present`: entries that are there; `gone`: those that are no more; `said`: every version of any of them, in whatever order. */
export function documentsOf(present: readonly Facts[], gone: readonly Facts[], said: readonly Facts[]): Documents {
  const versions = said.filter(isDocument);
  if (!versions.some(({ resource }) => namesReplaced(resource).length > 0)) return NONE;
  const here = present.filter(isDocument);
  const ever = [...here, ...gone.filter(isDocument).map(unlinked)];
  const versionsOf = (one: Facts): Facts[] =>
    versions.filter((other) => other.key === one.key && ownIdOf(other) === ownIdOf(one));
  /** What one of them says that it replaces now: an address or an identifier of its own source. */
  const replacedBy = (one: Facts): Facts[] =>
    here.filter((other) => other.source === one.source && idOf(other) !== idOf(one) && names(one, other));
  /** What any version of one said that it replaces, by what any version of the other was called. */
  const everReplacedBy = (one: Facts): Facts[] =>
    ever.filter((other) => versionsOf(one).some((as) => versionsOf(other).some((called) => names(as, called))));
  const gaveWay = new Set(
    here.flatMap((one) =>
      replacedBy(one)
        .filter((other) => !leadsTo(other, one, replacedBy))
        .map(idOf),
    ),
  );
  const found = new Map<string, readonly Facts[]>();
  return {
    isReplaced: (entry) => isDocument(entry) && gaveWay.has(idOf(entry)),
    inPlaceOf: (entry) => {
      const known = found.get(idOf(entry)) ?? (isDocument(entry) ? allFrom(entry, everReplacedBy) : []);
      found.set(idOf(entry), known);
      return known;
    },
  };
}

/** In a ring none gives way. */
const leadsTo = (from: Facts, to: Facts, next: (one: Facts) => readonly Facts[]): boolean =>
  allFrom(from, next).some((one) => idOf(one) === idOf(to));

/** Step by step from one on, itself left out. */
function allFrom(start: Facts, next: (one: Facts) => readonly Facts[]): Facts[] {
  const found = [start];
  for (let nth = 0; nth < found.length; nth += 1) {
    for (const one of next(found[nth] as Facts)) if (!found.some((other) => idOf(other) === idOf(one))) found.push(one);
  }
  return found.slice(1);
}

const names = (one: Facts, other: Facts): boolean => {
  const called = namedBy(other, one);
  return namesReplaced(one.resource).some((name) => called.includes(name));
};

interface RelatesTo {
  readonly code: string;
  readonly target: { readonly reference?: string; readonly identifier?: { readonly system: string; readonly value: string } };
}

function namesReplaced({ resourceType, relatesTo = [] }: Resource & { readonly relatesTo?: unknown }): string[] {
  if (resourceType !== 'DocumentReference') return [];
  return (relatesTo as readonly RelatesTo[]).flatMap(({ code, target: { reference, identifier } }) => {
    if (code !== 'replaces') return [];
    const address = reference === undefined ? [] : [nameOf(reference)];
    return identifier === undefined ? address : [...address, `${identifier.system}|${identifier.value}`];
  });
}

/** Of what is no more what it still says counts, but nothing that it hung on. */
function unlinked(entry: Facts): Facts {
  const { context: _, relatesTo: __, ...resource } = entry.resource as Resource & Record<string, unknown>;
  return { ...entry, resource: resource as Resource };
}
