import { ORGANISATION_KINDS, type Authority, type OrganisationKind, type Problem, type Purpose } from '../vocabulary.js';
import { BEYOND_INDIVIDUAL_CARE } from './default-policy.js';
import { OWN_AGE_YEARS } from './giver.js';
import type { AuthorityRule, Maker, Policy, Rule } from './policy.js';
import { policyFrom, policyProblems, wholePolicy, type PolicyDocument, type WholePolicy } from './policy-document.js';

/** What no locality's policy goes below, and the law that it rests on. */
export interface FloorRule {
  readonly id: string;
  readonly sentence: string;
  readonly law: string;
}

interface Finding {
  /** Path in the policy's document. */
  readonly field: string;
  readonly found: string;
}

/** A place of a policy that lies below the floor; `code` is the id of the floor's rule. */
export interface BelowFloor extends Problem {
  readonly found: string;
  readonly floor: FloorRule;
}

const SECTION_251 =
  'NHS Act 2006, section 251, with regulations 2 and 5; national data opt-out operational policy guidance, chapters 5 to 7';
const RIGHT_TO_OBJECT = 'UK GDPR, Article 21 (right to object)';

/** Each with how a policy is looked through for it. */
const FLOOR: readonly (FloorRule & { readonly findings: (policy: WholePolicy) => readonly Finding[] })[] = [
  {
    id: 'national-data-opt-out-asked',
    sentence:
      'A policy that permits a use beyond individual care checks the national data opt-out first, whichever organisation holds the entry.',
    law: `${SECTION_251}. Neither approval by the Confidentiality Advisory Group nor a pseudonym exempts.`,
    findings: ({ rules }) => unasked(rules, NATIONAL),
  },
  {
    id: 'national-data-opt-out-first',
    sentence: 'Only the person’s own explicit consent may permit such a use before the national data opt-out is checked.',
    law: `${SECTION_251}. Specific consent is exempt.`,
    findings: ({ rules }) => askedTooLate(rules, NATIONAL),
  },
  {
    id: 'type-1-asked',
    sentence: 'A policy that permits a use beyond individual care of what a GP practice holds checks type 1 objections first.',
    law: `${RIGHT_TO_OBJECT}.`,
    findings: ({ rules }) => unasked(rules, TYPE_1),
  },
  {
    id: 'type-1-first',
    sentence:
      'Nothing permits such a use before type 1 objections are checked, not even explicit consent: a person who wants to take part asks their practice to withdraw the objection.',
    law: `${RIGHT_TO_OBJECT}. Specific consent is an exemption of the national data opt-out alone.`,
    findings: ({ rules }) => askedTooLate(rules, TYPE_1),
  },
  {
    id: 'national-data-opt-out-lifted',
    sentence: 'Only the national answer (ndoo-import) and governance lift a national data opt-out; no organisation does.',
    law: 'National data opt-out operational policy guidance, chapter 3 and appendix 3: the person sets it, or a formal proxy.',
    findings: ({ authorities }) => lifters('national-data-opt-out', authorities, ['ndoo-import', 'governance']),
  },
  {
    id: 'type-1-lifted',
    sentence: 'Only a GP practice (kind:gp), whoever recorded it (same-source) and governance lift a type 1 objection.',
    law: `${RIGHT_TO_OBJECT}. Objection and withdrawal are codes in the GP record.`,
    findings: ({ authorities }) => lifters('type-1', authorities, ['kind:gp', 'same-source', 'governance']),
  },
  {
    id: 'lifted-by-a-maker',
    sentence: 'Only governance lifts an objection that it could not have recorded itself.',
    law: `${RIGHT_TO_OBJECT}; Caldicott principle 8 (no surprises).`,
    findings: ({ authorities }) =>
      (['local-dissent', 'withheld-item', 'explicit-consent'] as const).flatMap((authority) =>
        lifters(authority, authorities, makersOf(authorities[authority])),
      ),
  },
  {
    id: 'own-age',
    sentence: `A child under ${OWN_AGE_YEARS} gives no permission themselves.`,
    law: 'National data opt-out operational policy guidance, chapter 3: below 13 somebody with parental responsibility chooses.',
    findings: ({ ages: { own } }) =>
      own >= OWN_AGE_YEARS ? [] : [{ field: 'ages.own', found: `lets a child of ${own} give permission themselves` }],
  },
];

/** Where a policy lies below the floor. None means that it may come into force. */
export function floorProblems(policy: Policy): BelowFloor[] {
  const whole = wholePolicy(policy);
  return FLOOR.flatMap(({ findings, ...floor }) =>
    findings(whole).map(({ field, found }) => ({
      field,
      code: floor.id,
      message: `${found}. Floor rule ${floor.id}: ${floor.sentence} Law: ${floor.law}`,
      found,
      floor,
    })),
  );
}

/** Everything for which a document may not come into force, in a region of these organisations where they are known. */
export function adoptionProblems(document: unknown, organisations?: Policy['organisations']): readonly (Problem | BelowFloor)[] {
  const problems = policyProblems(document, organisations);
  return problems.length > 0 ? problems : floorProblems(policyFrom(document as PolicyDocument, organisations ?? {}));
}

/** An objection that has to be asked, of what these kinds of organisations hold. */
interface Objection {
  readonly authority: Authority;
  readonly named: string;
  readonly kinds: readonly OrganisationKind[];
  /** Whether a permission may come before it. */
  exempts(rule: Rule): boolean;
}

const NATIONAL: Objection = {
  authority: 'national-data-opt-out',
  named: 'the national data opt-out',
  kinds: ORGANISATION_KINDS,
  exempts: ({ authority, when }) => authority === 'explicit-consent' && when.decision === 'permit',
};
const TYPE_1: Objection = {
  authority: 'type-1',
  named: 'type 1 objections',
  kinds: ['gp'],
  exempts: () => false,
};

/** Permissions of a purpose for which the objection is asked nowhere. */
function unasked(rules: readonly Rule[], objection: Objection): Finding[] {
  const isUnasked = (purpose: Purpose): boolean => !rules.some((rule) => asks(rule, objection, purpose));
  return permissions(rules, objection, (purpose) => isUnasked(purpose), ` though no rule checks ${objection.named}`);
}

/** Permissions that come before the objection is asked. */
function askedTooLate(rules: readonly Rule[], objection: Objection): Finding[] {
  const isLate = (purpose: Purpose, index: number): boolean =>
    rules.findIndex((rule) => asks(rule, objection, purpose)) > index && !objection.exempts(rules[index] as Rule);
  return permissions(rules, objection, isLate, ` before a rule checks ${objection.named}`);
}

function permissions(
  rules: readonly Rule[],
  { kinds }: Objection,
  isFound: (purpose: Purpose, index: number) => boolean,
  what: string,
): Finding[] {
  return rules.flatMap((rule, index) => {
    if (rule.effect !== 'permit' || !kindsOf(rule).some((kind) => kinds.includes(kind))) return [];
    const purposes = BEYOND_INDIVIDUAL_CARE.filter((purpose) => rule.purposes.includes(purpose) && isFound(purpose, index));
    if (purposes.length === 0) return [];
    return [{ field: `rules[${index}]`, found: `(${rule.id}) permits ${purposes.join(' and ')}${what}` }];
  });
}

/** Whether a rule denies every entry to a person who objected: a further condition would leave some out. */
function asks(rule: Rule, { authority, kinds }: Objection, purpose: Purpose): boolean {
  const { decision, resourceTypes, codes } = rule.when;
  if (rule.effect !== 'deny' || rule.authority !== authority || decision !== 'deny') return false;
  if (!rule.purposes.includes(purpose) || resourceTypes !== undefined || codes !== undefined) return false;
  return kinds.every((kind) => kindsOf(rule).includes(kind));
}

const kindsOf = ({ when }: Rule): readonly OrganisationKind[] => when.organisationKinds ?? ORGANISATION_KINDS;

function lifters(
  authority: Authority,
  authorities: WholePolicy['authorities'],
  allowed: readonly Maker[] | 'anybody',
): Finding[] {
  return authorities[authority].liftedBy.flatMap((maker, index) => {
    if (allowed === 'anybody' || allowed.includes(maker)) return [];
    const field = `authorities.${authority}.liftedBy[${index}]`;
    return [{ field, found: `(${maker}) may not lift this objection` }];
  });
}

/** Who may lift an objection because they may record one; an `entry-organisation` is any that holds something. */
function makersOf({ recordedBy, denialRecordedBy = recordedBy }: AuthorityRule): readonly Maker[] | 'anybody' {
  const isAnybody = denialRecordedBy.includes('any') || denialRecordedBy.includes('entry-organisation');
  return isAnybody ? 'anybody' : [...denialRecordedBy, 'same-source', 'governance'];
}
