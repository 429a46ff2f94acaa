import type { CareEventType, Problem } from '../vocabulary.js';

/**
 * Who may say who somebody is. `demographics`: the demographics services that the policy lists; `recorded`: an organisation that has
 * recorded something about each number named; `same-source`: the organisation whose word is taken back.
 */
export type Identifier = 'demographics' | 'recorded' | 'same-source';

export interface IdentityRules {
  /** ODS codes of the region's demographics services. */
  readonly demographics: readonly string[];
  readonly merges: readonly Identifier[];
  readonly unmerges: readonly Identifier[];
  readonly deaths: readonly Identifier[];
  readonly deathRetractions: readonly Identifier[];
}

export const DEFAULT_IDENTITY_RULES: IdentityRules = {
  demographics: [],
  merges: ['demographics', 'recorded'],
  unmerges: ['demographics', 'same-source'],
  deaths: ['demographics', 'recorded'],
  deathRetractions: ['demographics', 'same-source'],
};

/** What is known of somebody who merges numbers, undoes a merge, says that a person died, or takes that back. */
export interface Claim {
  readonly organisation: string;
  /** Whether the organisation has recorded something about each number named. */
  readonly hasRecorded: boolean;
  /** Whether the organisation said what it takes back. */
  readonly isSameSource: boolean;
}

/** What is said of such an event where it is not its sender's to send. */
const IDENTITY_EVENTS = {
  'patient-merged-1': { rules: 'merges', what: 'a merge', code: 'not-yours-to-merge' },
  'patient-unmerged-1': { rules: 'unmerges', what: 'an unmerge', code: 'not-yours-to-unmerge' },
  'patient-died-1': { rules: 'deaths', what: 'a death', code: 'not-yours-to-record-a-death' },
  'patient-death-retracted-1': {
    rules: 'deathRetractions',
    what: 'the retraction of a death',
    code: 'not-yours-to-retract-a-death',
  },
} as const;

export type IdentityEventType = keyof typeof IDENTITY_EVENTS;

export const isIdentityEvent = (type: CareEventType): type is IdentityEventType => type in IDENTITY_EVENTS;

/** A policy, of which nothing else matters here. It may say no more than who the demographics services are. */
interface IdentityPolicy {
  readonly identity?: Partial<IdentityRules>;
}

export function identityRulesOf({ identity }: IdentityPolicy): IdentityRules {
  return { ...DEFAULT_IDENTITY_RULES, ...identity };
}

export function isDemographicsService(organisation: string, policy: IdentityPolicy): boolean {
  return identityRulesOf(policy).demographics.includes(organisation);
}

export function mayIdentify(type: IdentityEventType, claim: Claim, policy: IdentityPolicy): boolean {
  const rules = identityRulesOf(policy);
  return rules[IDENTITY_EVENTS[type].rules].some((identifier) => {
    if (identifier === 'demographics') return rules.demographics.includes(claim.organisation);
    return identifier === 'recorded' ? claim.hasRecorded : claim.isSameSource;
  });
}

/** What is wrong with the event from somebody who may not send it, with all that would make it acceptable. */
export function notYours(type: IdentityEventType, policy: IdentityPolicy): Problem {
  const rules = identityRulesOf(policy);
  const { rules: which, what, code } = IDENTITY_EVENTS[type];
  const from: Record<Identifier, string> = {
    demographics: `from the region’s demographics service (${rules.demographics.join(', ') || 'the policy names none'})`,
    recorded: 'from an organisation that has recorded something about each number named: record that, then redrive this',
    'same-source': 'from the organisation that said what it takes back',
  };
  const grounds = rules[which].map((identifier) => from[identifier]);
  const message = `${what} counts ${grounds.join(', or ') || 'from nobody by this policy'}`;
  return { field: 'source', code, message };
}
