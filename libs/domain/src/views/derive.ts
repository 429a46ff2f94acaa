import type { CareRecord, Entry } from '../care-record/record.js';
import type { Judge } from '../consent/permits.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { Projection } from './projection.js';
import type { ViewEntry } from './view.js';

/** What becomes of one entry in one view: included, held back by decision or policy, or none of the purpose's concern. */
export type Outcome = 'included' | 'withheld' | 'outside';

export function outcomeOf(entry: Entry, projection: Projection, judge: Judge): Outcome {
  if (!isPresent(entry) || !projection.sees(entry.resource)) return 'outside';
  return judge(entry).permitted ? 'included' : 'withheld';
}

/** An entry is there to be seen when its version in force is no retraction. */
export function isPresent(entry: Entry): entry is Entry & PresentEntry {
  return !entry.retracted && entry.resource !== undefined;
}

/** A whole view, from nothing but record, rules and decisions. */
export function deriveView(
  record: Pick<CareRecord, 'entries'>,
  projection: Projection,
  judge: Judge,
  pseudonyms: Pseudonyms,
): { readonly entries: Map<string, ViewEntry>; readonly withheld: number } {
  const entries = new Map<string, ViewEntry>();
  let withheld = 0;
  for (const entry of record.entries.values()) {
    const outcome = outcomeOf(entry, projection, judge);
    if (outcome === 'withheld') withheld += 1;
    if (outcome !== 'included') continue;
    const seen = projection.project(entry as PresentEntry, pseudonyms);
    entries.set(seen.id, seen);
  }
  return { entries, withheld };
}
