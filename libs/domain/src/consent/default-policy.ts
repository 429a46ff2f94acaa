import { PURPOSES, type Purpose } from '../vocabulary.js';
import type { Rule } from './policy.js';

export const BEYOND_INDIVIDUAL_CARE = ['population-health', 'research'] as const satisfies readonly Purpose[];
export const INDIVIDUAL_CARE: readonly Purpose[] = ['direct-care', 'care-coordination'];

/**
 * The shipped rules. The national data opt-out and type 1 objections never touch individual care; local dissent does, as
 * the person chose it; a locality that wants it otherwise adopts its own policy.
 */
export const DEFAULT_RULES: readonly Rule[] = [
  {
    id: 'withheld-item',
    purposes: PURPOSES,
    when: { decision: 'deny' },
    effect: 'deny',
    authority: 'withheld-item',
    plainEnglish: 'You asked for this item not to be shared, so it is not.',
  },
  {
    id: 'explicit-consent-refused',
    purposes: PURPOSES,
    when: { decision: 'deny' },
    effect: 'deny',
    authority: 'explicit-consent',
    plainEnglish: 'You were asked whether this may be shared for this purpose, and said no.',
  },
  {
    id: 'local-dissent',
    purposes: PURPOSES,
    when: { decision: 'deny' },
    effect: 'deny',
    authority: 'local-dissent',
    plainEnglish: 'You told your local services not to share your record for this purpose.',
  },
  {
    id: 'type-1-objection',
    purposes: BEYOND_INDIVIDUAL_CARE,
    when: { decision: 'deny', organisationKinds: ['gp'] },
    effect: 'deny',
    authority: 'type-1',
    plainEnglish: 'You told your GP practice that what it holds about you may be used for your own care only.',
  },
  {
    id: 'explicit-consent',
    purposes: BEYOND_INDIVIDUAL_CARE,
    when: { decision: 'permit' },
    effect: 'permit',
    authority: 'explicit-consent',
    plainEnglish: 'You agreed to this use yourself. A national data opt-out does not stop what you agreed to.',
  },
  {
    id: 'national-data-opt-out',
    purposes: BEYOND_INDIVIDUAL_CARE,
    when: { decision: 'deny' },
    effect: 'deny',
    authority: 'national-data-opt-out',
    plainEnglish: 'You set a national data opt-out, so your information is not used for research and planning.',
  },
  {
    id: 'individual-care',
    purposes: INDIVIDUAL_CARE,
    when: {},
    effect: 'permit',
    plainEnglish: 'The people who care for you can see this, because your care depends on it and you have not objected.',
  },
  {
    id: 'research-and-planning',
    purposes: BEYOND_INDIVIDUAL_CARE,
    when: {},
    effect: 'permit',
    plainEnglish:
      'This may be used without your name or number to plan services and for approved research, as you have not opted out.',
  },
];

export const DEFAULT_POLICY_NAME = 'Default sharing policy';
