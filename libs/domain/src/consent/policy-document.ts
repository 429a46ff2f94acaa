import { AUTHORITIES, ORGANISATION_KINDS, PURPOSES, type Problem } from '../vocabulary.js';
import { authoritiesOf } from './authorities.js';
import { isObject } from '../is-object.js';
import { isOneOf, isText, listProblems, problem, unknownMembers } from './document-checks.js';
import { OWN_AGE_YEARS } from './giver.js';
import { identityRulesOf, type IdentityRules } from './identity-rules.js';
import { isResourceType } from '../resource-types.js';
import { noticesOf } from './notices.js';
import type { Policy } from './policy.js';
import { SECTION_CHECKS } from './policy-sections.js';
import { waitsOf } from './waits.js';

/** A locality's policy as it is written down: the kinds of organisations are the region's to say. */
export type PolicyDocument = Omit<Policy, 'organisations'>;

const SECTIONS = ['name', 'rules', ...Object.keys(SECTION_CHECKS)];
/** What a policy is shown with, and its document does not decide. */
const SHOWN = ['version', 'adoptedAt', 'settingsDiffer', 'organisationsDiffer', 'codesDiffer', 'organisations'];

/** The policy that a sound document says, in a region of these organisations. What it does not say is said as shipped. */
export function policyFrom(document: PolicyDocument, organisations: Policy['organisations']): Policy {
  const sections = Object.entries(document).filter(([section]) => SECTIONS.includes(section));
  return wholePolicy({ ...(Object.fromEntries(sections) as unknown as PolicyDocument), organisations });
}

/** A policy that leaves nothing to be said as shipped. */
export type WholePolicy = Required<Policy> & { readonly identity: IdentityRules };

/** The policy with every section that is in force under it, the shipped ones where it has none of its own. */
export function wholePolicy(policy: Policy): WholePolicy {
  return {
    ...policy,
    authorities: authoritiesOf(policy),
    identity: identityRulesOf(policy),
    ages: policy.ages ?? { own: OWN_AGE_YEARS },
    codes: policy.codes ?? [],
    notices: noticesOf(policy),
    waits: waitsOf(policy),
  };
}

/**
 * Everything that is wrong with a policy document; none means that it says something. Whether that may come into force
 * `floorProblems` says.
 * @param organisations of the region: a document may repeat them, and may not say others.
 */
export function policyProblems(document: unknown, organisations?: Policy['organisations']): Problem[] {
  if (!isObject(document)) return [problem('', 'is no object with name and rules')];
  return [
    ...unknownMembers(document, [...SECTIONS, ...SHOWN], ''),
    ...(isText(document['name']) ? [] : [problem('name', 'is missing')]),
    ...rulesProblems(document['rules']),
    ...Object.entries(SECTION_CHECKS).flatMap(([section, check]) =>
      document[section] === undefined ? [] : check(document[section], section),
    ),
    ...(organisations === undefined ? [] : organisationsProblems(document['organisations'], organisations)),
  ];
}

function organisationsProblems(said: unknown, organisations: Policy['organisations']): Problem[] {
  if (said === undefined) return [];
  if (!isObject(said)) return [problem('organisations', 'is no object')];
  return [...new Set([...Object.keys(said), ...Object.keys(organisations)])]
    .filter((ods) => said[ods] !== organisations[ods])
    .map((ods) => problem(`organisations.${ods}`, 'is not as the region’s settings have it: leave `organisations` out'));
}

function rulesProblems(rules: unknown): Problem[] {
  if (!Array.isArray(rules) || rules.length === 0) return [problem('rules', 'is no list of rules')];
  const ids = rules.map((rule: unknown) => (isObject(rule) ? rule['id'] : undefined));
  return rules.flatMap((rule: unknown, index) => [
    ...ruleProblems(rule, `rules[${index}]`),
    ...(ids[index] !== undefined && ids.indexOf(ids[index]) < index ? [problem(`rules[${index}].id`, 'is there twice')] : []),
  ]);
}

const RULE_MEMBERS = ['id', 'purposes', 'when', 'effect', 'authority', 'plainEnglish'];

function ruleProblems(rule: unknown, path: string): Problem[] {
  if (!isObject(rule)) return [problem(path, 'is no object')];
  const problems = unknownMembers(rule, RULE_MEMBERS, path);
  const check = (field: string, sound: boolean, message: string): void => {
    if (!sound) problems.push(problem(`${path}.${field}`, message));
  };
  const { id, plainEnglish, effect, purposes, authority, when } = rule;
  check('id', isText(id), 'is missing');
  check('plainEnglish', isText(plainEnglish), 'is missing: a patient reads it');
  check('effect', effect === 'permit' || effect === 'deny', 'is neither permit nor deny');
  check('purposes', isListOf(purposes, PURPOSES), `is no list of ${PURPOSES.join(', ')}`);
  check('authority', authority === undefined || isOneOf(authority, AUTHORITIES), `is none of ${AUTHORITIES.join(', ')}`);
  check('when', isObject(when), 'is missing; {} applies always');
  if (!isObject(when)) return problems;
  check('effect', !(effect === 'permit' && when['decision'] === 'deny'), 'would permit because somebody objected');
  return [...problems, ...conditionProblems(when, authority !== undefined, `${path}.when`)];
}

const CONDITIONS = ['decision', 'organisationKinds', 'resourceTypes', 'codes'];
const RESOURCE_TYPES = {
  isSound: (item: unknown) => typeof item === 'string' && isResourceType(item),
  are: 'the resource types of FHIR R4',
  least: 1,
} as const;
const CODES = { isSound: isText, are: 'codes, each a text', least: 1 } as const;

function conditionProblems(when: Record<string, unknown>, hasAuthority: boolean, path: string): Problem[] {
  const problems = unknownMembers(when, CONDITIONS, path);
  const { decision, organisationKinds, resourceTypes, codes } = when;
  if (decision !== undefined && decision !== 'permit' && decision !== 'deny') {
    problems.push(problem(`${path}.decision`, 'is neither permit nor deny'));
  }
  if ((decision !== undefined) !== hasAuthority)
    problems.push(problem(`${path}.decision`, 'goes with an authority, and an authority with it'));
  if (organisationKinds !== undefined && !isListOf(organisationKinds, ORGANISATION_KINDS)) {
    problems.push(problem(`${path}.organisationKinds`, `is no list of ${ORGANISATION_KINDS.join(', ')}`));
  }
  if (resourceTypes !== undefined) problems.push(...listProblems(resourceTypes, `${path}.resourceTypes`, RESOURCE_TYPES));
  if (codes !== undefined) problems.push(...listProblems(codes, `${path}.codes`, CODES));
  return problems;
}

function isListOf(value: unknown, allowed: readonly string[]): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isOneOf(item, allowed));
}
