import { canonicalJson } from '../canonical-json.js';
import { isObject } from '../is-object.js';
import type { Resource } from '../vocabulary.js';
import type { ViewEntry } from './view-entry.js';

/**
 * A view beyond individual care for somebody who knows whose it is: the content as the purpose has it, and none of the names by which
 * the purpose knows the person, the entries or the organisations. Entries are numbered in an order that their content alone makes.
 */
export function withoutPseudonyms(entries: readonly ViewEntry[], namesOrganisations: boolean): ViewEntry[] {
  const ordered = entries
    .map((entry) => ({ entry, at: entry.occurredAt ?? '', content: canonicalJson(contentOf(entry)) }))
    .sort((a, b) => compare(a.at, b.at) || compare(a.content, b.content) || compare(a.entry.id, b.entry.id))
    .map(({ entry }) => entry);
  const ids = new Numbered(
    'entry',
    ordered.map(({ id }) => id),
  );
  const organisations = new Numbered(
    'organisation',
    ordered.map(({ organisation }) => organisation),
  );
  const referred = new Numbered('not-shown', []);
  const named = (reference: string): string => {
    const [type, id = ''] = reference.split('/') as [string, string?];
    if (type === 'Patient') return 'Patient/patient';
    return `${type}/${ids.has(id) ? ids.of(id) : referred.of(id)}`;
  };
  return ordered.map((entry) => ({
    ...entry,
    id: ids.of(entry.id),
    organisation: namesOrganisations ? entry.organisation : organisations.of(entry.organisation),
    resource: { ...(withReferences(entry.resource, named) as Resource), id: ids.of(entry.id) },
  }));
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function contentOf({ resource, ...entry }: ViewEntry): unknown {
  return { ...entry, id: '', organisation: '', resource: { ...(withReferences(resource, () => '') as Resource), id: '' } };
}

function withReferences(value: unknown, named: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, named));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === 'reference' && typeof one === 'string' ? named(one) : withReferences(one, named),
    ]),
  );
}

/** Names in the order in which they are first met. */
class Numbered {
  private readonly numbers = new Map<string, number>();

  constructor(
    private readonly word: string,
    names: readonly string[],
  ) {
    for (const name of names) this.of(name);
  }

  has(name: string): boolean {
    return this.numbers.has(name);
  }

  of(name: string): string {
    const number = this.numbers.get(name) ?? this.numbers.size + 1;
    this.numbers.set(name, number);
    return `${this.word}-${number}`;
  }
}
