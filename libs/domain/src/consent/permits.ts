import type { Authority, Purpose } from '../vocabulary.js';
import { spellingsOf } from './code-spellings.js';
import { madeBetween, type Decision } from './decision.js';
import { effectOn, type Judging } from './effect.js';
import { giversBy } from './giver.js';
import { inForce, instantsIn } from './in-force.js';
import { Looking } from './limits.js';
import { momentAt, type Moment } from './moment.js';
import type { Policy, Rule } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';
import { Surroundings } from './surroundings.js';

/** Whether an entry may be used for a purpose, the rule that decided, and the decision it rests on, if any. */
export interface Ruling {
  readonly permitted: boolean;
  readonly rule: string;
  readonly decision: Decision | null;
  readonly plainEnglish: string;
  /** Of a document in whose place another one stands: that one's id. It joins the history, whoever may see it. */
  readonly replacedBy?: string;
}

const NO_RULE: Ruling = {
  permitted: false,
  rule: 'no-rule',
  decision: null,
  plainEnglish: 'No rule of the sharing policy allows this, so it is withheld.',
};

const UNREAD = {
  permitted: false,
  rule: 'decision-not-read',
  plainEnglish:
    'A choice about this record arrived and could not be read. Until somebody has looked at it, nothing it may be about is shared.',
} as const;

/** `permits` with all but the entry given: for judging many entries of one patient. */
export type Judge = (entry: JudgedEntry) => Ruling;

/**
 * May this entry be used for this purpose, at this instant (milliseconds since 1970), or at every one that it may be? Pure; the first applicable
 * rule decides.
 * `record`: all entries of the person, for decisions about a code, a kind of entry, or what hangs on an entry.
 */
export function permits(
  entry: JudgedEntry,
  purpose: Purpose,
  decisions: readonly Decision[],
  policy: Policy,
  at: number | Moment,
  record: Iterable<JudgedEntry> = [entry],
): Ruling {
  const around = new Surroundings(() => record);
  return throughout(momentOf(at), decisions, policy, (instant) => judge(purpose, decisions, policy, instant, around))(entry);
}

const momentOf = (at: number | Moment): Moment => (typeof at === 'number' ? momentAt(at) : at);

/**
 * Judges at every instant that it may be, and refuses what is refused at any. So a denial begins, and a permission ends, by the latest of them; a
 * denial ends, and a permission begins, by the earliest. Of several refusals the policy's first decides, as of one instant's.
 */
export function throughout(
  at: Moment,
  decisions: readonly Decision[],
  policy: Policy,
  judgeAt: (instant: number) => Judge,
): Judge {
  const [last, ...before] = instantsIn(decisions, at).map(judgeAt) as [Judge, ...Judge[]];
  if (before.length === 0) return last;
  return (entry) =>
    before.reduce((ruling, judge) => {
      const other = judge(entry);
      return !other.permitted && (ruling.permitted || comesFirst(other, ruling, policy)) ? other : ruling;
    }, last(entry));
}

export function judge(purpose: Purpose, decisions: readonly Decision[], policy: Policy, at: number, around: Surroundings): Judge {
  const current = decisions.length === 0 ? [] : inForce(decisions, purpose, policy, at, around).current;
  const judging = judgingBy(purpose, policy, at, around);
  const unread = current.filter((decision) => decision.unread === true);
  const read = new Map<Authority, Decision[]>();
  for (const decision of current) {
    if (decision.unread === true) continue;
    const under = read.get(decision.authority);
    if (under === undefined) read.set(decision.authority, [decision]);
    else under.push(decision);
  }
  const rules = policy.rules
    .filter((rule) => rule.purposes.includes(purpose))
    .map((rule) => ({ rule, plain: plainRuling(rule), decisions: read.get(rule.authority as Authority) ?? [] }))
    .filter(({ rule, decisions: under }) => rule.when.decision === undefined || under.length > 0);
  const alone: Judge = (entry) => {
    const closing = unread.find((decision) => effectOn(decision, entry, judging) === 'deny');
    if (closing !== undefined) return { ...UNREAD, decision: closing };
    for (const { rule, plain, decisions: under } of rules) {
      if (!appliesTo(rule, entry, policy, around)) continue;
      if (rule.when.decision === undefined) return plain;
      const decision = latestOf(rule.when.decision, entry, under, judging);
      if (decision !== null) return { ...plain, decision };
    }
    return NO_RULE;
  };
  const decides = (one: Ruling, other: Ruling): boolean =>
    comesFirst(one, other, policy) || (one.rule === other.rule && madeOf(current, one) > madeOf(current, other));
  return (entry) => (entry.resourceType === 'DocumentReference' ? inItsPlace(entry, alone, around, decides) : alone(entry));
}

/**
 * What was denied of a document is denied of what takes its place. Of several refusals the policy's first decides, and of one
 * rule's the latest decision, as of one entry's: the order in which documents came says nothing of what a reader is told.
 */
function inItsPlace(
  entry: JudgedEntry,
  alone: Judge,
  around: Surroundings,
  decides: (one: Ruling, other: Ruling) => boolean,
): Ruling {
  const replacements = around.replacements();
  let ruling = alone(entry);
  for (const other of replacements.everReplacedBy(entry)) {
    const before = alone(other);
    if (before.permitted || before.decision === null) continue;
    if (ruling.permitted || decides(before, ruling)) ruling = before;
  }
  const by = replacements.replacedBy(entry);
  return by === undefined ? ruling : { ...ruling, replacedBy: by.id };
}

const madeOf = (current: readonly Decision[], { decision }: Ruling): number =>
  decision === null ? -1 : current.indexOf(decision);

/** Whether a purpose may be refused an entry though nobody decided anything. */
export function refusesUnasked({ rules }: Policy, purpose: Purpose): boolean {
  const first = rules.find(({ purposes, when }) => purposes.includes(purpose) && when.decision === undefined);
  return first === undefined || first.effect === 'deny' || Object.keys(first.when).length > 0;
}

/** Whether of two refusals of one entry the policy has the first one's rule first: the unread closes before all rules, none after them. */
export function comesFirst(one: Ruling, other: Ruling, policy: Policy): boolean {
  return placeIn(policy, one) < placeIn(policy, other);
}

function placeIn({ rules }: Policy, { rule }: Ruling): number {
  if (rule === UNREAD.rule) return -1;
  const place = rules.findIndex(({ id }) => id === rule);
  return place < 0 ? rules.length : place;
}

/** What decisions are judged under in one record. */
export function judgingBy(purpose: Purpose, policy: Policy, at: number, around: Surroundings): Judging {
  const giver = giversBy(around, policy);
  return { purpose, policy, at, giver, looking: new Looking(around, knownCodes(policy)) };
}

function plainRuling({ effect, id, plainEnglish }: Rule): Ruling {
  return { permitted: effect === 'permit', rule: id, decision: null, plainEnglish };
}

/** Codes that decisions may name though no entry carries them: those of the policy's rules and of its own list. */
export function knownCodes({ rules, codes = [] }: Policy): ReadonlySet<string> {
  return new Set([...codes, ...rules.flatMap(({ when }) => when.codes ?? [])]);
}

function appliesTo(rule: Rule, entry: JudgedEntry, policy: Policy, around: Surroundings): boolean {
  const { organisationKinds, resourceTypes, codes } = rule.when;
  if (resourceTypes !== undefined && !resourceTypes.includes(entry.resourceType)) return false;
  if (organisationKinds !== undefined) {
    const kind = policy.organisations[entry.organisation];
    // An organisation of unknown kind may be of the kind that a deny protects: an unclear case counts as deny.
    if (kind === undefined ? rule.effect === 'permit' : !organisationKinds.includes(kind)) return false;
  }
  if (codes === undefined) return true;
  if (rule.effect === 'permit') return codes.some((code) => around.factsOf(entry).texts.has(code));
  return codes.some((code) => spellingsOf(code).some((one) => around.spellingsIn(entry).has(one)));
}

/** The latest current decision that gives a rule its ground. A deny anywhere in scope outweighs a permit: unclear is deny. */
function latestOf(
  wanted: 'permit' | 'deny',
  entry: JudgedEntry,
  current: readonly Decision[],
  judging: Judging,
): Decision | null {
  let permits: Decision | null = null;
  for (let at = current.length - 1; at >= 0; at -= 1) {
    const decision = current[at] as Decision;
    const effect = effectOn(decision, entry, judging);
    if (effect === 'deny') return wanted === 'deny' ? decision : null;
    if (effect === 'permit' && wanted === 'permit') permits ??= decision;
  }
  return permits;
}

/** When a decision was made, as it is shown: as the Consent writes it, else when Weft received it. */
export function decidedAtOf(decision: Decision): string {
  return decision.decidedAt ?? new Date(madeBetween(decision).latest).toISOString();
}
