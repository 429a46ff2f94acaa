import { loadNumber } from './number.js';
import { loadPerson } from './person.js';
import type { Wiring } from './wiring.js';

/** The ids of the entries that a person's numbers had at an instant (RFC 3339), whatever became of them since, without marks. */
export async function entriesByThen({ store }: Wiring, key: string, then: string): Promise<ReadonlySet<string>> {
  const now = await loadPerson(store, key);
  const ids = new Set<string>();
  for (const member of now.members) {
    const { record } = await loadNumber(store, member.key, { until: Date.parse(then) });
    for (const id of record.entries.keys()) ids.add(id);
  }
  return ids;
}
