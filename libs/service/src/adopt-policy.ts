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
  type ReleasedCodes,
} from '@weft/domain';
import { NO_STREAM, POLICY_STREAM, sameCodes, samePolicy, unlessFenced, type Wiring } from '@weft/processing';
import type { Actor, AuditLog } from './audit-log.js';
import type { Service } from './service.js';
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
 * Gives an empty region its first policy, and gives the one in force. What is in force no start replaces: neither its rules nor the
 * kinds of organisations. Throws SettingsError.
 */
export async function adoptAtStart(wiring: Policies, audit: AuditLog, settings: Settings): Promise<AdoptedPolicy> {
  if ((await wiring.store.head(POLICY_STREAM)) === NO_STREAM) {
    // Of several that start at one time the first one adopts.
    await unlessFenced(adoptPolicy(wiring, audit, firstPolicy(settings), { by: 'settings' }, 0));
  }
  return wiring.policies.current();
}

/** The policy of an empty region: the one that the settings name, else the shipped one. Throws SettingsError. */
export function firstPolicy(settings: Settings): Policy {
  const organisations = kindsOf(settings);
  if (settings.policy === undefined) return policyFrom({ name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES }, organisations);
  const problems = adoptionProblems(settings.policy, organisations);
  if (problems.length === 0) return policyFrom(settings.policy as PolicyDocument, organisations);
  throw new SettingsError(problems.map(({ field, message }) => ({ setting: 'WEFT_POLICY', message: `${field} ${message}` })));
}

/** Whether the settings name another policy than the one in force, which they do not replace. */
export function settingsDiffer({ policy }: Pick<Settings, 'policy'>, inForce: Policy): boolean {
  if (policy === undefined) return false;
  const { organisations } = inForce;
  if (policyProblems(policy, organisations).length > 0) return true;
  return !samePolicy(policyFrom(policy as PolicyDocument, organisations), inForce);
}

/** ODS codes of which the settings and the policy in force do not say the same kind, or not both say one. */
export function organisationsDiffer(settings: Pick<Settings, 'organisations' | 'namesOrganisations'>, inForce: Policy): string[] {
  if (!settings.namesOrganisations) return [];
  const named = kindsOf(settings);
  const codes = new Set([...Object.keys(named), ...Object.keys(inForce.organisations)]);
  return [...codes].filter((ods) => named[ods] !== inForce.organisations[ods]).sort();
}

/** Whether the settings name other released codes than those in force, which they do not replace. */
export function codesDiffer({ namesReleasedCodes, releasedCodes }: Settings, inForce: ReleasedCodes): boolean {
  return namesReleasedCodes && !sameCodes(releasedCodes, inForce);
}

/** What is wrong with the policy in force, or with the settings beside it: it goes on, as care depends on it, and not in silence. */
export function warnAtStart(
  { log, settings, releasedCodes }: Pick<Service, 'log' | 'settings' | 'releasedCodes'>,
  { version, policy }: AdoptedPolicy,
): void {
  if (settingsDiffer(settings, policy)) {
    log.warn(
      { setting: 'WEFT_POLICY', version },
      'the policy in force stays: WEFT_POLICY names another one, which must be adopted with `weft policy adopt`',
    );
  }
  const organisations = organisationsDiffer(settings, policy);
  if (organisations.length > 0) {
    log.warn(
      { setting: 'WEFT_ORGANISATIONS', version, organisations },
      'the kinds of organisations in force stay: WEFT_ORGANISATIONS names other ones',
    );
  }
  if (codesDiffer(settings, releasedCodes)) {
    log.warn(
      { setting: 'WEFT_RELEASED_CODES' },
      'the released codes in force stay: WEFT_RELEASED_CODES names others, which `weft policy codes` proposes',
    );
  }
  // One of before there was a floor.
  for (const { field, code } of floorProblems(policy)) {
    log.warn({ field, rule: code }, 'the policy in force lies below the floor: adopt another one');
  }
}
