import { opensOnly } from './authorities.js';
import { allOf, takesEffect, type Coverage } from './coverage.js';
import type { Decision, Provision } from './decision.js';
import { isWithin } from './in-force.js';
import { coverageOf, type Looking } from './limits.js';
import type { Policy } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';
import type { Purpose } from '../vocabulary.js';

/** Everything that a decision is judged under, save for the entry. */
export interface Judging {
  readonly purpose: Purpose;
  readonly policy: Policy;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly looking: Looking;
  /** Whether the one who made a decision may permit. */
  readonly giver: (decision: Decision) => Coverage;
}

/** What a decision says of an entry for a purpose; null where it says nothing. */
export function effectOn(decision: Decision, entry: JudgedEntry, judging: Judging): Provision['effect'] | null {
  const own = opensOnly(decision, judging.policy);
  const mayPermit = (): boolean => (own === null || entry.organisation === own) && takesEffect('permit', judging.giver(decision));
  return effectOfProvision(decision.provision, entry, judging, { source: decision.source, mayPermit });
}

/** Of the decision that is judged. */
interface Made {
  readonly source: string;
  readonly mayPermit: () => boolean;
}

/**
 * A denial among the exceptions counts everywhere, a permission where the provision around it covers: where that cannot be told,
 * what is excepted is neither denied by it nor permitted. A permission counts only if its giver may give it.
 */
function effectOfProvision(provision: Provision, entry: JudgedEntry, judging: Judging, made: Made): Provision['effect'] | null {
  const exceptions = provision.provisions.map((one) => effectOfProvision(one, entry, judging, made));
  if (exceptions.includes('deny')) return 'deny';
  const coverage = coverageIn(provision, entry, judging, made);
  if (!takesEffect(provision.effect, coverage)) return null;
  if (provision.effect === 'permit') return made.mayPermit() ? 'permit' : null;
  if (!exceptions.includes('permit')) return 'deny';
  return coverage === 'covers' ? 'permit' : null;
}

function coverageIn(
  { purposes, limits, effect, ...span }: Provision,
  entry: JudgedEntry,
  judging: Judging,
  { source }: Made,
): Coverage {
  const { purpose, at, looking } = judging;
  if (!purposes.includes(purpose) || !isWithin(span, at)) return 'does-not-cover';
  return allOf(limits.map((limit) => coverageOf(limit, entry, effect, looking, source)));
}
