import type { JudgedEntry } from './judged-entry.js';

/** Entries by the names that each is given. */
export function indexed(
  entries: Iterable<JudgedEntry>,
  namesOf: (entry: JudgedEntry) => Iterable<string>,
): ReadonlyMap<string, readonly JudgedEntry[]> {
  const index = new Map<string, JudgedEntry[]>();
  for (const entry of entries) for (const name of namesOf(entry)) add(index, name, entry);
  return index;
}

export function add<K>(map: Map<K, JudgedEntry[]>, key: K, entry: JudgedEntry): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [entry]);
  else known.push(entry);
}
