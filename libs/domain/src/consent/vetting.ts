import type { Problem } from '../vocabulary.js';
import { mayLiftAny, mayMake } from './authorities.js';
import { denies, grants, onlyDenying, type NewDecision } from './decision.js';
import { lacksGiver } from './giver.js';
import type { Policy } from './policy.js';

export interface Vetted {
  /** What of the decisions may be made; none where nothing may. */
  readonly decisions: readonly NewDecision[];
  /** What may not, and why. */
  readonly problems: readonly Problem[];
}

/**
 * What of a Consent's decisions its recorder may make, by the policy. The answer rests on who asks and on the authority, never on
 * what is current. A Consent of which a part may be made is accepted with that part.
 */
export function vetted(decisions: readonly NewDecision[], policy: Policy): Vetted {
  const problems: Problem[] = [];
  return { decisions: decisions.flatMap((decision) => mayBeMade(decision, policy, problems)), problems };
}

function mayBeMade(decision: NewDecision, policy: Policy, problems: Problem[]): NewDecision[] {
  const { recorder, authority, provision, status } = decision;
  // A withdrawal reaches only what the same source recorded.
  if (status === 'withdrawn') return [decision];
  const forbidden = grants(provision) ? permissionProblem(decision, policy) : null;
  if (forbidden !== null) problems.push(forbidden);
  if (!denies(provision)) return forbidden === null ? [decision] : [];
  if (!mayMake(recorder, authority, 'deny', policy)) {
    problems.push(
      problem('Consent.policy', 'not-yours-to-make', `who publishes here may not record an objection under ${authority}`),
    );
    return [];
  }
  return [forbidden === null ? decision : onlyDenying(decision)];
}

function permissionProblem(decision: NewDecision, policy: Policy): Problem | null {
  const { recorder, authority } = decision;
  if (!mayLiftAny(recorder, authority, policy)) {
    return problem('Consent.policy', 'not-yours-to-lift', `who publishes here may not lift an objection under ${authority}`);
  }
  if (!mayMake(recorder, authority, 'permit', policy)) {
    return problem('Consent.policy', 'not-yours-to-make', `who publishes here may not record a permission under ${authority}`);
  }
  if (!lacksGiver(decision, policy)) return null;
  return problem(
    'Consent.performer',
    'performer-required',
    `a permission under ${authority} names who gave it: the person, or a proxy`,
  );
}

const problem = (field: string, code: string, message: string): Problem => ({ field, code, message });
