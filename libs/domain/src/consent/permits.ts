import type { Purpose, Resource } from '../vocabulary.js';
import type { Decision, Provision } from './decision.js';
import { decisionsInForce, isWithin } from './in-force.js';
import type { Policy, Rule } from './policy.js';

/** What a decision or a rule can see of an entry. */
export interface EntryFacts {
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  readonly resource: Resource;
}

/** Whether an entry may be used for a purpose, the rule that decided, and the decision it rests on, if any. */
export interface Ruling {
  readonly permitted: boolean;
  readonly rule: string;
  readonly decision: Decision | null;
  readonly plainEnglish: string;
}

const NO_RULE: Ruling = {
  permitted: false,
  rule: 'no-rule',
  decision: null,
  plainEnglish: 'No rule of the sharing policy allows this, so it is withheld.',
};

/** `permits` with all but the entry given: for judging many entries of one patient. */
export type Judge = (entry: EntryFacts) => Ruling;

/** May this entry be used for this purpose, at this instant (milliseconds since 1970)? Pure; the first applicable rule decides. */
export function permits(entry: EntryFacts, purpose: Purpose, decisions: readonly Decision[], policy: Policy, at: number): Ruling {
  return judge(purpose, decisions, policy, at)(entry);
}

export function judge(purpose: Purpose, decisions: readonly Decision[], policy: Policy, at: number): Judge {
  const standing = decisions.length === 0 ? [] : decisionsInForce(decisions, purpose, at);
  const rules = policy.rules
    .filter((rule) => rule.purposes.includes(purpose))
    .filter((rule) => rule.when.decision === undefined || standing.some((decision) => decision.authority === rule.authority))
    .map((rule) => ({
      rule,
      plain: {
        permitted: rule.effect === 'permit',
        rule: rule.id,
        decision: null,
        plainEnglish: rule.plainEnglish,
      } satisfies Ruling,
    }));
  return (entry) => {
    for (const { rule, plain } of rules) {
      if (!appliesTo(rule, entry, policy)) continue;
      if (rule.when.decision === undefined) return plain;
      const decision = decisionOf(rule, rule.when.decision, entry, purpose, standing, at);
      if (decision !== null) return { ...plain, decision };
    }
    return NO_RULE;
  };
}

function appliesTo(rule: Rule, entry: EntryFacts, policy: Policy): boolean {
  const { organisationKinds, resourceTypes, codes } = rule.when;
  if (resourceTypes !== undefined && !resourceTypes.includes(entry.resourceType)) return false;
  if (organisationKinds !== undefined) {
    const kind = policy.organisations[entry.organisation];
    // An organisation of unknown kind may be of the kind that a deny protects: an unclear case counts as deny.
    if (kind === undefined ? rule.effect === 'permit' : !organisationKinds.includes(kind)) return false;
  }
  return codes === undefined || codesOf(entry.resource).some((code) => codes.includes(code));
}

/** The latest standing decision that gives the rule its ground. A deny anywhere in scope outweighs a permit: unclear is deny. */
function decisionOf(
  rule: Rule,
  wanted: 'permit' | 'deny',
  entry: EntryFacts,
  purpose: Purpose,
  standing: readonly Decision[],
  at: number,
): Decision | null {
  const effects = standing
    .filter((decision) => decision.authority === rule.authority)
    .map((decision) => ({ decision, effect: effectOn(decision, entry, purpose, at) }))
    .filter(({ effect }) => effect !== null);
  if (wanted === 'permit' && effects.some(({ effect }) => effect === 'deny')) return null;
  return effects.filter(({ effect }) => effect === wanted).at(-1)?.decision ?? null;
}

function effectOn(decision: Decision, entry: EntryFacts, purpose: Purpose, at: number): 'permit' | 'deny' | null {
  if (!covers(decision.provision, entry)) return null;
  const exceptions = decision.exceptions.filter(
    (exception) => exception.purposes.includes(purpose) && isWithin(exception, at) && covers(exception, entry),
  );
  if (exceptions.length === 0) return decision.provision.effect;
  return exceptions.some(({ effect }) => effect === 'deny') ? 'deny' : 'permit';
}

function covers(provision: Provision, entry: EntryFacts): boolean {
  const { organisations, entries, categories } = provision;
  if (organisations !== undefined && !organisations.includes(entry.organisation)) return false;
  if (entries !== undefined && !entries.includes(entry.id) && !entries.includes(`${entry.resourceType}/${entry.resource.id}`))
    return false;
  return (
    categories === undefined ||
    categories.includes(entry.resourceType) ||
    codesOf(entry.resource).some((code) => categories.includes(code))
  );
}

const CODED_FIELDS = ['code', 'category', 'class', 'type', 'medicationCodeableConcept', 'vaccineCode'] as const;

/** Every code by which a resource says what it is about. */
export function codesOf(resource: Resource): string[] {
  const codes: string[] = [];
  for (const field of CODED_FIELDS) collectCodes(resource[field], codes);
  collectCodes(resource.meta?.['security'], codes);
  return codes;
}

function collectCodes(value: unknown, codes: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collectCodes(item, codes);
  } else if (value !== null && typeof value === 'object') {
    if ('code' in value && typeof value.code === 'string') codes.push(value.code);
    if ('coding' in value) collectCodes(value.coding, codes);
  }
}
