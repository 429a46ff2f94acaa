import {
  adoptionProblems,
  DEFAULT_POLICY_NAME,
  DEFAULT_RULES,
  floorProblems,
  policyFrom,
  policyProblems,
  type AdoptedPolicy,
  type Adoption,
  type Policy,
  type PolicyDocument,
} from '@weft/domain';
import { NO_STREAM, POLICY_STREAM, samePolicy, unlessFenced, type Wiring } from '@weft/processing';
import type { Actor, AuditLog } from './audit-log.js';
import type { Logger } from './log.js';
import { type Settings, SettingsError } from './settings.js';
import { kindsOf } from './wiring.js';

type Policies = Pick<Wiring, 'policies' | 'store'>;

/**
 * The one way for a policy into force, for the settings and for governance's proposals. The audit says on whose word. With `after`
 * only while that version is in force: throws WrongExpectedRevision otherwise.
 */
export async function adoptPolicy(
  { policies, store }: Policies,
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

/**
 * Gives an empty region its first policy, and a region that has one the kinds of organisations that the settings say. Nothing
 * that people adopted is replaced, be it adopted while this runs. Throws SettingsError.
 */
export async function adoptAtStart(wiring: Policies, audit: AuditLog, settings: Settings): Promise<AdoptedPolicy> {
  for (;;) {
    const after = (await wiring.store.head(POLICY_STREAM)) + 1;
    const policy = await policyAtStart(wiring, settings);
    const adopted = await unlessFenced(adoptPolicy(wiring, audit, policy, { by: 'settings' }, after));
    if (adopted !== null) return adopted;
  }
}

/**
 * The policy in force; in an empty region the one that the settings name, else the shipped one. In each case with the kinds of
 * organisations that the settings say. Throws SettingsError.
 */
export async function policyAtStart({ policies, store }: Policies, settings: Settings): Promise<Policy> {
  const organisations = kindsOf(settings);
  if ((await store.head(POLICY_STREAM)) !== NO_STREAM) return { ...(await policies.current()).policy, organisations };
  if (settings.policy === undefined) return policyFrom({ name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES }, organisations);
  const problems = adoptionProblems(settings.policy, organisations);
  if (problems.length === 0) return policyFrom(settings.policy as PolicyDocument, organisations);
  throw new SettingsError(problems.map(({ field, message }) => ({ setting: 'WEFT_POLICY', message: `${field} ${message}` })));
}

/** Whether the settings name another policy than the one in force, which they do not replace. */
export function settingsDiffer(settings: Settings, inForce: Policy): boolean {
  if (settings.policy === undefined) return false;
  const organisations = kindsOf(settings);
  if (policyProblems(settings.policy, organisations).length > 0) return true;
  return !samePolicy(policyFrom(settings.policy as PolicyDocument, organisations), { ...inForce, organisations });
}

/** What is wrong with the policy in force, or with the settings beside it: it goes on, as care depends on it, and not in silence. */
export function warnAtStart(log: Logger, settings: Settings, { version, policy }: AdoptedPolicy): void {
  if (settingsDiffer(settings, policy)) {
    log.warn(
      { setting: 'WEFT_POLICY', version },
      'the policy in force stays: WEFT_POLICY names another one, which must be adopted with `weft policy adopt`',
    );
  }
  // One of before there was a floor.
  for (const { field, code } of floorProblems(policy)) {
    log.warn({ field, rule: code }, 'the policy in force lies below the floor: adopt another one');
  }
}
