import type { Problem } from '@weft/domain';

/** Where two validators differ, and why: `ours` is why we refuse what the other takes, `others` the reverse. */
interface Reason {
  readonly id: string;
  readonly ours?: (problem: Problem) => boolean;
  readonly others?: (field: string, resource: unknown) => boolean;
}

const says =
  (code: string, message: RegExp) =>
  (problem: Problem): boolean =>
    problem.code === code && message.test(problem.message);
const invariant = (...ids: string[]) => says('invariant', new RegExp(`\\((?:${ids.join('|')})\\)$`));
const isConsent = (resource: unknown): boolean => (resource as { resourceType?: unknown }).resourceType === 'Consent';

/** docs/validation.md has a row for each of these. */
export const REASONS: readonly Reason[] = [
  {
    id: 'json-types',
    ours: says('structure', /^must (?:be a (?:string|number|boolean|list)|be an object|not be a list|not be null)/),
  },
  { id: 'unknown-members', ours: says('structure', /^(?:is no element|has a member)/) },
  { id: 'choices', ours: says('structure', /^must have one value/) },
  { id: 'empty', ours: says('empty', /^must not be/) },
  { id: 'bindings', ours: says('code-invalid', /^must/) },
  { id: 'ids', ours: says('value', /^must (?:be 1 to 64 letters|have no white space)/) },
  { id: 'integers', ours: says('value', /^must be a whole number/) },
  { id: 'urns', ours: says('invariant', /behind urn:/) },
  { id: 'narratives', ours: says('value', /\(txt-[12]\)$/) },
  { id: 'targets', ours: says('invariant', /^must refer to/) },
  { id: 'contained', ours: invariant('ref-1', 'dom-3') },
  {
    id: 'invariants',
    ours: invariant('(?:age|att|cnt|cpt|dis|drq|drt|exp|per|qty|rat|rng|sqty|tim|trd|eld|csd)-\\d+', 'bdl-[34]'),
  },
  { id: 'text', ours: invariant('fullUrl', 'size') },
  { id: 'contained-id', ours: (problem) => problem.code === 'required' && problem.field.endsWith('.id') },
  { id: 'blank-strings', others: (field) => field.includes('String must contain non-whitespace content') },
  { id: 'base64', others: (field) => field.includes('Invalid base64Binary format') },
  { id: 'large-narratives', others: (field) => field.includes('String cannot be larger than 1 MB') },
  { id: 'probabilities', others: (field) => field.includes('Constraint ras-2 not met') },
  { id: 'consents', others: (field, resource) => isConsent(resource) && !/unsupported|Invalid type|additional/i.test(field) },
  { id: 'extensible', others: (field) => /(?:xpression|criteria|condition)\w*(?:\[\d+\])?\.language$/.test(field) },
  { id: 'evaluation', others: (field) => /Error evaluating invariant expression|Constraint eld-3 not met/.test(field) },
];

/** Why one refuses what the other takes; null where no reason is known, undefined where they agree. */
export function differenceOf(ours: readonly Problem[], others: readonly string[], resource: unknown): string | null | undefined {
  if (ours.length > 0 === others.length > 0) return undefined;
  const reasons = REASONS.filter((reason) =>
    ours.length > 0
      ? ours.every((problem) => isKnown(problem, ours)) && reason.ours?.(ours[0]!)
      : reason.others?.(others[0]!, resource),
  );
  return reasons[0]?.id ?? null;
}

const isKnown = (problem: Problem, all: readonly Problem[]): boolean =>
  REASONS.some(({ ours }) => ours?.(problem) === true) ||
  (problem.code === 'required' && all.some((other) => lacks(other, problem)));

/** What is empty lacks what is required, and so does what has only an extension in its place that nobody knows. */
function lacks(other: Problem, { field }: Problem): boolean {
  if (other.code === 'empty') return field.startsWith(`${other.field}.`);
  return other.message.startsWith('is no element') && other.field === field.replace(/\.(\w+)$/, '._$1');
}
