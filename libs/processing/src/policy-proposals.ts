import {
  opens,
  sameFigures,
  type AdoptedPolicy,
  type Adoption,
  type Person,
  type Policy,
  type PolicyPlan,
  type Proposal,
} from '@weft/domain';
import { decodeProposal, encode, type PolicyProposed, type ProposalEvent, type ProposalOvertaken } from './encoding.js';
import { eventsOf } from './number.js';
import { planPolicy, type PlanOptions } from './plan-policy.js';
import { samePolicy } from './policy-book.js';
import { POLICY_PROPOSALS_STREAM } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { appendAtEnd, unlessFenced } from './append.js';

/** A proposal, and what became of it: a version of the policy, or nothing as another policy came in between. */
export interface ProposalState extends Proposal {
  readonly state: 'waiting' | 'adopted' | 'overtaken';
  readonly opens: boolean;
  /** The version it was adopted as, or that overtook it. */
  readonly version: number | null;
  readonly authorisedBy: Person | null;
}

export interface Proposed {
  readonly id: string;
  readonly policy: Policy;
  readonly reason: string;
  readonly by: Person;
}

/** Brings a policy into force while `after` is the version in force; throws WrongExpectedRevision when it is not any more. */
export type Adopt = (policy: Policy, adoption: Adoption, after: number) => Promise<AdoptedPolicy>;

/** Why a proposal may not be authorised. */
export class NotAuthorised extends Error {
  override readonly name = 'NotAuthorised';
  constructor(
    readonly why: 'unknown' | 'same-person' | 'adopted' | 'overtaken',
    readonly proposal: ProposalState | null,
  ) {
    super(`the proposal may not be authorised: ${why}`);
  }
}

/** Every proposal, the first one first. */
export async function policyProposals(wiring: Pick<Wiring, 'store' | 'policies'>): Promise<ProposalState[]> {
  const proposed: PolicyProposed[] = [];
  const overtaken = new Map<string, ProposalOvertaken>();
  for await (const page of eventsOf(wiring.store, POLICY_PROPOSALS_STREAM)) {
    for (const event of page.map(decodeProposal)) {
      if (event.type === 'policy-proposed-1') proposed.push(event);
      else overtaken.set(event.id, event);
    }
  }
  // After the proposals: one that is adopted meanwhile must not seem to wait.
  const adopted = await wiring.policies.all();
  return proposed.map((event) => stateOf(event, adopted, overtaken.get(event.id)));
}

function stateOf(
  { type: _, ...proposal }: PolicyProposed,
  adopted: readonly AdoptedPolicy[],
  overtaken: ProposalOvertaken | undefined,
): ProposalState {
  const found = adopted.find((one) => isFrom(one, proposal.id));
  const state = found !== undefined ? 'adopted' : overtaken !== undefined ? 'overtaken' : 'waiting';
  const authorisedBy = found?.adoption?.by === 'governance' ? found.adoption.authorisedBy : null;
  return { ...proposal, state, opens: opens(proposal.plan), version: found?.version ?? overtaken?.by ?? null, authorisedBy };
}

/** Null where there is no such proposal. */
export async function policyProposal(wiring: Pick<Wiring, 'store' | 'policies'>, id: string): Promise<ProposalState | null> {
  return (await policyProposals(wiring)).find((proposal) => proposal.id === id) ?? null;
}

/**
 * Plans and records a proposal. One that only closes is adopted at once; what opens anything waits for somebody else. Null where
 * the policy is in force already.
 */
export async function proposePolicy(
  wiring: Wiring,
  { by, ...proposed }: Proposed,
  adopt: Adopt,
  options: PlanOptions = {},
): Promise<ProposalState | null> {
  if (samePolicy((await wiring.policies.current()).policy, proposed.policy)) return null;
  const plan = await planPolicy(wiring, proposed.policy, options);
  const proposal: Proposal = { ...proposed, proposedBy: by, proposedAt: timestamp(wiring.clock), plan };
  await append(wiring, { type: 'policy-proposed-1', ...proposal });
  if (opens(plan)) return policyProposal(wiring, proposal.id);
  return settled(wiring, proposal.id, { authorisedBy: null, adopt, options, plan });
}

/**
 * Adopts a proposal on the word of a second person. It is planned again: where another policy came in between and changed what it
 * opens and closes, nobody has agreed to that. Throws NotAuthorised.
 */
export async function authorisePolicy(
  wiring: Wiring,
  id: string,
  by: Person,
  adopt: Adopt,
  options: PlanOptions = {},
): Promise<ProposalState> {
  const proposal = await policyProposal(wiring, id);
  if (proposal === null) throw new NotAuthorised('unknown', null);
  if (proposal.proposedBy.subject === by.subject) throw new NotAuthorised('same-person', proposal);
  const outcome = await settled(wiring, id, { authorisedBy: by, adopt, options });
  // The second person may have lost the answer, and asks again.
  if (outcome.state === 'adopted' && outcome.authorisedBy?.subject === by.subject) return outcome;
  throw new NotAuthorised(outcome.state === 'adopted' ? 'adopted' : 'overtaken', outcome);
}

interface Settling {
  readonly authorisedBy: Person | null;
  readonly adopt: Adopt;
  readonly options: PlanOptions;
  /** One that was made just now. */
  readonly plan?: PolicyPlan;
}

/** Carries a proposal out until it waits no longer: a policy that is adopted meanwhile has it planned again. */
async function settled(wiring: Wiring, id: string, settling: Settling): Promise<ProposalState> {
  for (let { plan } = settling; ; plan = undefined) {
    const proposal = (await policyProposal(wiring, id)) as ProposalState;
    if (proposal.state !== 'waiting') return proposal;
    await carryOut(wiring, proposal, plan ?? (await planPolicy(wiring, proposal.policy, settling.options)), settling);
  }
}

/** Adopts what was proposed, unless another policy made something else of it. */
async function carryOut(
  wiring: Wiring,
  { id, policy, reason, proposedBy, proposedAt, plan: proposed }: Proposal,
  plan: PolicyPlan,
  { authorisedBy, adopt }: Settling,
): Promise<void> {
  const isAsProposed = plan.inForce === proposed.inForce || sameFigures(plan, proposed);
  const adoption: Adoption = { by: 'governance', id, reason, proposedBy, proposedAt, authorisedBy, plan };
  const adopted = isAsProposed ? await unlessFenced(adopt(policy, adoption, plan.inForce)) : await wiring.policies.current();
  if (adopted === null || isFrom(adopted, id)) return;
  await append(wiring, { type: 'policy-proposal-overtaken-1', id, by: adopted.version, at: timestamp(wiring.clock) });
}

const isFrom = ({ adoption }: AdoptedPolicy, id: string): boolean => adoption?.by === 'governance' && adoption.id === id;

const append = ({ store, random }: Wiring, event: ProposalEvent): Promise<number> =>
  appendAtEnd(store, POLICY_PROPOSALS_STREAM, [encode(event, random)]);
