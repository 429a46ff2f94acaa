import type { Body, EntryName, Fact } from './facts.js';
import { nameKey } from './entry-names.js';
import { type Folded, laidOver } from './folded.js';
import { refersTo } from './references.js';

/** One of a report's results, as one message has it. */
export interface ReportResult {
  readonly entry: EntryName;
  readonly gone: boolean;
}

/** A report after one more message: the results of all of them, without those that were taken back. */
export function evolveReport(state: Folded, { members }: Fact): Folded {
  const { results, ...others } = members;
  const all = new Map(((state.members['results'] ?? []) as readonly EntryName[]).map((entry) => [nameKey(entry), entry]));
  for (const { entry, gone } of (results ?? []) as readonly ReportResult[]) {
    if (gone) all.delete(nameKey(entry));
    else if (!all.has(nameKey(entry))) all.set(nameKey(entry), entry);
  }
  return { known: true, retracted: false, members: { ...laidOver(state.members, others), results: [...all.values()] } };
}

export function reportOf({ members }: Folded): Body {
  const { results, status, ...others } = members;
  return {
    resourceType: 'DiagnosticReport',
    ...others,
    status: status ?? 'unknown',
    result: ((results ?? []) as readonly EntryName[]).map(refersTo),
  };
}
