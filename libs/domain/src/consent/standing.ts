import { PURPOSES, type Purpose } from '../vocabulary.js';
import type { Decision } from './decision.js';
import type { Lifetime } from './giver.js';
import { inForce } from './in-force.js';
import type { Policy } from './policy.js';

/**
 * For which purposes each decision stands at an instant: nothing later is current in its place, it has not ended, and a rule of
 * the policy asks for its authority. One that begins later stands already, as the answer to it says; one that is withdrawn, over
 * or replaced stands for none.
 */
export function purposesStanding(
  decisions: readonly Decision[],
  policy: Policy,
  at: number,
  lifetime: Lifetime,
): ReadonlyMap<Decision, readonly Purpose[]> {
  const standing = new Map<Decision, Purpose[]>(decisions.map((decision) => [decision, []]));
  for (const purpose of PURPOSES) {
    const { current, replacedBy } = inForce(decisions, purpose, policy, at, lifetime);
    const now = new Set(current);
    const asked = new Set(policy.rules.flatMap((rule) => (rule.purposes.includes(purpose) ? [rule.authority] : [])));
    for (const decision of decisions) {
      const { from = at, purposes } = decision.provision;
      const stands = from > at ? decision.status === 'active' && !replacedBy.has(decision) : now.has(decision);
      const counts = decision.unread === true || asked.has(decision.authority);
      if (stands && counts && purposes.includes(purpose)) standing.get(decision)?.push(purpose);
    }
  }
  return standing;
}
