import { loadRecord } from './load.js';
import { keysOfPerson } from './read-record.js';
import type { Wiring } from './wiring.js';

/** The ids of the entries that a person's numbers had at an instant (RFC 3339), whatever became of them since, without marks. */
export async function entriesByThen(wiring: Wiring, key: string, then: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const member of await keysOfPerson(wiring, key)) {
    for (const id of (await loadRecord(wiring.store, member, Date.parse(then))).entries.keys()) ids.add(id);
  }
  return ids;
}
