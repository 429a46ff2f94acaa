import { canonicalJson } from '../canonical-json.js';
import { PURPOSES, type Purpose } from '../vocabulary.js';
import { knownCodes } from './permits.js';
import type { Policy, Rule } from './policy.js';
import { wholePolicy, type WholePolicy } from './policy-document.js';

/**
 * Why one policy may share something that another does not, now or later: of people and entries that are yet to come no figure
 * speaks. Empty where it can be shown to withhold at least as much; what cannot be shown is taken for an opening.
 */
export function openingsOf(planned: Policy, inForce: Policy): readonly string[] {
  const openings = new Map<string, Purpose[]>();
  for (const purpose of PURPOSES) {
    for (const opening of openingRules(planned.rules, inForce.rules, purpose)) {
      openings.set(opening, [...(openings.get(opening) ?? []), purpose]);
    }
  }
  return [
    ...[...openings].map(([opening, purposes]) => `${opening} (${purposes.join(', ')})`),
    ...openingSections(wholePolicy(planned), wholePolicy(inForce)),
  ];
}

/** Each permission must be in force already, and every denial that comes before it there must come before it here. */
function openingRules(planned: readonly Rule[], inForce: readonly Rule[], purpose: Purpose): string[] {
  const rules = ofPurpose(planned, purpose);
  const current = ofPurpose(inForce, purpose);
  return rules.flatMap(({ rule, index }, place) => {
    if (rule.effect === 'deny') return [];
    const same = current.findIndex((one) => one.rule.effect === 'permit' && isWithin(rule, one.rule));
    if (same < 0) return [`rules[${index}] (${rule.id}) permits what no rule in force does`];
    const before = rules.slice(0, place).filter((one) => one.rule.effect === 'deny');
    return current
      .slice(0, same)
      .filter((one) => one.rule.effect === 'deny' && !before.some((denial) => isWithin(one.rule, denial.rule)))
      .map((one) => `rules[${index}] (${rule.id}) permits without asking ${one.rule.id}, which comes before it now`);
  });
}

const ofPurpose = (rules: readonly Rule[], purpose: Purpose) =>
  rules.map((rule, index) => ({ rule, index })).filter(({ rule }) => rule.purposes.includes(purpose));

/** Whether a rule applies only where the other one of the same effect does. */
function isWithin(rule: Rule, other: Rule): boolean {
  const { decision } = other.when;
  if (decision !== undefined && (rule.when.decision !== decision || rule.authority !== other.authority)) return false;
  return (['organisationKinds', 'resourceTypes', 'codes'] as const).every((condition) => {
    const [narrow, wide] = [rule.when[condition], other.when[condition]] as readonly (readonly string[] | undefined)[];
    return wide === undefined || (narrow !== undefined && narrow.every((one) => wide.includes(one)));
  });
}

/** Sections that say nothing of what is shared. */
const HARMLESS = ['name', 'rules'];

function openingSections(planned: WholePolicy, inForce: WholePolicy): string[] {
  const known = knownCodes(inForce);
  const learnt = [...knownCodes(planned)].filter((code) => !known.has(code));
  const openings =
    learnt.length === 0 ? [] : [`an objection that names a code may mean less once that is known: ${learnt.join(', ')}`];
  if (planned.ages.own < inForce.ages.own) openings.push('ages.own lets younger people permit for themselves');
  const sections = Object.keys({ ...inForce, ...planned }) as (keyof Policy)[];
  const others = sections.filter((section) => ![...HARMLESS, 'codes', 'ages'].includes(section));
  const changed = others.filter((section) => canonicalJson(planned[section]) !== canonicalJson(inForce[section]));
  return [...openings, ...changed.map((section) => `${section} is not as in force`)];
}
