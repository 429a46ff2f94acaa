import { floorProblems, type AdoptedPolicy, type Adoption, type Policy } from '@weft/domain';
import { POLICY_STREAM, type Wiring } from '@weft/processing';
import type { Actor, AuditLog } from './audit-log.js';
import type { Logger } from './log.js';

/**
 * The one way for a policy into force, for the settings and for governance's proposals. The audit says on whose word. With `after`
 * only while that version is in force.
 */
export async function adoptPolicy(
  { policies, store }: Pick<Wiring, 'policies' | 'store'>,
  audit: AuditLog,
  policy: Policy,
  adoption: Adoption,
  after?: number,
): Promise<AdoptedPolicy> {
  const head = await store.head(POLICY_STREAM);
  const adopted = await policies.adopt(policy, adoption, after);
  const isNew = adopted.version > head + 1;
  if (isNew) {
    await audit.note(actorOf(adoption), 'adopt-policy', { outcome: 'accepted', about: `version ${adopted.version}` });
  }
  return adopted;
}

function actorOf(adoption: Adoption): Actor {
  if (adoption.by === 'settings') return { subject: 'the settings', roles: [] };
  const { subject, organisation } = adoption.authorisedBy ?? adoption.proposedBy;
  return { subject, roles: ['governance'], ...(organisation !== null && { organisation }) };
}

/** A policy of before there was a floor goes on, as care depends on it, and is not passed over in silence. */
export function warnBelowFloor(log: Logger, policy: Policy): void {
  for (const { field, code } of floorProblems(policy)) {
    log.warn({ field, rule: code }, 'the policy in force lies below the floor: adopt another one');
  }
}
