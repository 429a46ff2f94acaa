import { AUTHORITIES, ORGANISATION_KINDS, PURPOSES, type Problem } from '../vocabulary.js';
import type { Policy } from './policy.js';

/** A locality's policy as it is written down: the kinds of organisations are the region's to say. */
export type PolicyDocument = Omit<Policy, 'organisations'>;

/** Everything that is wrong with a policy document; none means that it may be adopted. */
export function policyProblems(document: unknown): Problem[] {
  if (!isObject(document)) return [problem('', 'is no object with name and rules')];
  const problems: Problem[] = [];
  if (!isText(document['name'])) problems.push(problem('name', 'is missing'));
  const rules = document['rules'];
  if (!Array.isArray(rules) || rules.length === 0) return [...problems, problem('rules', 'is no list of rules')];
  const seen = new Set<unknown>();
  for (const [index, rule] of rules.entries()) {
    problems.push(...ruleProblems(rule, `rules[${index}]`));
    const id: unknown = isObject(rule) ? rule['id'] : undefined;
    if (id !== undefined && seen.has(id)) problems.push(problem(`rules[${index}].id`, 'is there twice'));
    seen.add(id);
  }
  return problems;
}

function ruleProblems(rule: unknown, path: string): Problem[] {
  if (!isObject(rule)) return [problem(path, 'is no object')];
  const problems: Problem[] = [];
  const check = (field: string, sound: boolean, message: string): void => {
    if (!sound) problems.push(problem(`${path}.${field}`, message));
  };
  check('id', isText(rule['id']), 'is missing');
  check('plainEnglish', isText(rule['plainEnglish']), 'is missing: a patient reads it');
  check('effect', rule['effect'] === 'permit' || rule['effect'] === 'deny', 'is neither permit nor deny');
  check('purposes', isListOf(rule['purposes'], PURPOSES), `is no list of ${PURPOSES.join(', ')}`);
  check(
    'authority',
    rule['authority'] === undefined || isOneOf(rule['authority'], AUTHORITIES),
    `is none of ${AUTHORITIES.join(', ')}`,
  );
  check('when', isObject(rule['when']), 'is missing; {} applies always');
  if (isObject(rule['when'])) problems.push(...conditionProblems(rule['when'], rule['authority'] !== undefined, `${path}.when`));
  return problems;
}

const CONDITIONS = ['decision', 'organisationKinds', 'resourceTypes', 'codes'];

function conditionProblems(when: Record<string, unknown>, hasAuthority: boolean, path: string): Problem[] {
  // A misspelt condition would make a rule apply always.
  const problems = Object.keys(when)
    .filter((field) => !CONDITIONS.includes(field))
    .map((field) => problem(`${path}.${field}`, `is no condition; ${CONDITIONS.join(', ')} are`));
  const { decision, organisationKinds, resourceTypes, codes } = when;
  if (decision !== undefined && decision !== 'permit' && decision !== 'deny') {
    problems.push(problem(`${path}.decision`, 'is neither permit nor deny'));
  }
  if ((decision !== undefined) !== hasAuthority)
    problems.push(problem(`${path}.decision`, 'goes with an authority, and an authority with it'));
  if (organisationKinds !== undefined && !isListOf(organisationKinds, ORGANISATION_KINDS)) {
    problems.push(problem(`${path}.organisationKinds`, `is no list of ${ORGANISATION_KINDS.join(', ')}`));
  }
  for (const [field, list] of Object.entries({ resourceTypes, codes })) {
    if (list !== undefined && !(Array.isArray(list) && list.length > 0 && list.every(isText))) {
      problems.push(problem(`${path}.${field}`, 'is no list of texts'));
    }
  }
  return problems;
}

function problem(field: string, message: string): Problem {
  return { field, code: 'invalid-policy', message };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function isOneOf(value: unknown, allowed: readonly string[]): boolean {
  return typeof value === 'string' && allowed.includes(value);
}

function isListOf(value: unknown, allowed: readonly string[]): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isOneOf(item, allowed));
}
