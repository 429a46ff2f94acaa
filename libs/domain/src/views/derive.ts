import type { CareRecord, Entry } from '../care-record/record.js';
import { heldOf, type Held } from '../consent/notices.js';
import type { Judge } from '../consent/permits.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { Projection } from './projection.js';
import type { ViewEntry } from './view.js';

/**
 * What becomes of one entry in one view: included, held back by decision or policy (`unsaid`: without a sign), or none of the
 * purpose's concern.
 */
export type Outcome = 'included' | 'withheld' | 'unsaid' | 'outside';

/** @param silent ids of the rules that withhold without a sign. */
export function outcomeOf(entry: Entry, projection: Projection, judge: Judge, silent: ReadonlySet<string>): Outcome {
  if (!isPresent(entry) || !projection.sees(entry.resource)) return 'outside';
  const { permitted, rule } = judge(entry);
  if (permitted) return 'included';
  return silent.has(rule) ? 'unsaid' : 'withheld';
}

export const isHeldBack = (outcome: Outcome): boolean => outcome === 'withheld' || outcome === 'unsaid';

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
  silent: ReadonlySet<string>,
): { readonly entries: Map<string, ViewEntry>; readonly held: Held } {
  const entries = new Map<string, ViewEntry>();
  let [withheld, unsaid] = [0, 0];
  for (const entry of record.entries.values()) {
    const outcome = outcomeOf(entry, projection, judge, silent);
    if (isHeldBack(outcome)) withheld += 1;
    if (outcome === 'unsaid') unsaid += 1;
    if (outcome !== 'included') continue;
    const seen = projection.project(entry as PresentEntry, pseudonyms);
    entries.set(seen.id, seen);
  }
  return { entries, held: heldOf(withheld, unsaid, silent) };
}
