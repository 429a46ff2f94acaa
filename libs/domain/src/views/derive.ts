import type { CareRecord, Entry } from '../care-record/record.js';
import { heldOf, type Held } from '../consent/notices.js';
import type { Judge } from '../consent/permits.js';
import { Withheld, type Refusal } from './masking.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { Projection } from './projection.js';
import type { ViewEntry } from './view.js';

/**
 * What becomes of one entry in one view: included, held back, or none of the purpose's concern. Of what it does not look at a purpose
 * may be refused too what other entries say of it.
 */
export type Outcome = 'included' | Refusal | 'outside' | `outside, ${Refusal}`;

/** @param silent ids of the rules that withhold without a sign. */
export function outcomeOf(entry: Entry, projection: Projection, judge: Judge, silent: ReadonlySet<string>): Outcome {
  if (!isPresent(entry)) return 'outside';
  const { permitted, rule, replacedBy } = judge(entry);
  const isSeen = replacedBy === undefined && projection.sees(entry.resource);
  if (permitted) return isSeen ? 'included' : 'outside';
  const refusal: Refusal = silent.has(rule) ? 'unsaid' : 'withheld';
  return isSeen ? refusal : `outside, ${refusal}`;
}

export const isHeldBack = (outcome: Outcome): outcome is Refusal => outcome === 'withheld' || outcome === 'unsaid';

/** How the purpose is refused an entry, whether or not it would look at it; null where it is not. */
export function refusalIn(outcome: Outcome): Refusal | null {
  if (outcome === 'included' || outcome === 'outside') return null;
  return outcome === 'unsaid' || outcome === 'outside, unsaid' ? 'unsaid' : 'withheld';
}

/** Notes an entry among what the purpose is refused, where it is. */
export function refuse(withheld: Withheld, entry: Entry, outcome: Outcome): void {
  const refusal = refusalIn(outcome);
  if (refusal !== null && isPresent(entry)) withheld.add(entry, refusal);
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
  silent: ReadonlySet<string>,
): { readonly entries: Map<string, ViewEntry>; readonly held: Held } {
  const included: PresentEntry[] = [];
  const refused = new Withheld();
  let [withheld, unsaid] = [0, 0];
  for (const entry of record.entries.values()) {
    const outcome = outcomeOf(entry, projection, judge, silent);
    if (isHeldBack(outcome)) withheld += 1;
    if (outcome === 'unsaid') unsaid += 1;
    if (outcome === 'included') included.push(entry as PresentEntry);
    refuse(refused, entry, outcome);
  }
  const entries = new Map<string, ViewEntry>();
  for (const entry of included) {
    const seen = projection.project(refused.masked(entry), pseudonyms);
    entries.set(seen.id, seen);
  }
  return { entries, held: heldOf(withheld, unsaid, silent) };
}
