import { GP, type Entry, type Purpose } from './entries.js';
import type { Act, Matter, Scope, Wish } from './decisions.js';

/** Some while, in milliseconds since 1970, both ends included. */
export interface While {
  readonly since: number;
  readonly until: number;
}

/** `either`: a decision about it is under way, or begins or ends in this while. */
export type Verdict = 'shown' | 'hidden' | 'either';

/** A process may read its clock a little before or after it is asked. */
const CLOCK_MS = 5;

/**
 * Whether an entry may be seen for a purpose in a while, by what was sent and answered alone. It says once more, as simply as
 * can be, what the shipped policy says; it shares nothing with the code under test.
 */
export function verdictOn(entry: Entry, purpose: Purpose, matters: readonly Matter[], during: While): Verdict {
  const own = matters.filter(({ person, scope }) => person === entry.person && covers(scope, entry));
  const effects = (matter: Matter): ReadonlySet<Wish['effect']> => effectsIn(matter, purpose, during);
  const isBeyondCare = purpose === 'population-health' || purpose === 'research';
  const closing = own.filter(({ authority }) => {
    if (authority === 'national-data-opt-out') return false;
    return authority !== 'type-1' || (isBeyondCare && entry.organisation === GP);
  });
  if (closing.some((matter) => isOnly(effects(matter), 'deny'))) return 'hidden';
  const national = effectsOfAll(own, 'national-data-opt-out', effects);
  const consent = effectsOfAll(own, 'explicit-consent', effects);
  const isOptedOut = isBeyondCare && isOnly(national, 'deny');
  if (isOptedOut && !consent.has('permit')) return 'hidden';
  if (closing.some((matter) => effects(matter).has('deny'))) return 'either';
  return isBeyondCare && national.has('deny') && !isOnly(consent, 'permit') ? 'either' : 'shown';
}

function covers({ organisations, category, entry: named }: Scope, entry: Entry): boolean {
  if (organisations !== undefined && !organisations.includes(entry.organisation)) return false;
  if (category !== undefined && category !== entry.category) return false;
  return named === undefined || named === entry;
}

/** Everything that a matter may say for a purpose at some instant of a while. */
function effectsIn({ acts }: Matter, purpose: Purpose, during: While): ReadonlySet<Wish['effect']> {
  const lastBefore = acts.findLastIndex(({ obeyedAt }) => obeyedAt !== null && obeyedAt < during.since);
  const possible = acts.filter((act, index) => index >= lastBefore && act.sentAt <= during.until + CLOCK_MS);
  const effects = possible.flatMap((act) => (act.purposes.includes(purpose) ? effectsOfAct(act, during) : ['none' as const]));
  return new Set(lastBefore < 0 ? ['none', ...effects] : effects);
}

function effectsOfAct({ effect, from = -Infinity, until = Infinity }: Act, during: While): Wish['effect'][] {
  if (from <= during.since - CLOCK_MS && during.until + CLOCK_MS < until) return [effect];
  if (during.until + CLOCK_MS < from || until <= during.since - CLOCK_MS) return ['none'];
  return [effect, 'none'];
}

function effectsOfAll(
  matters: readonly Matter[],
  authority: Matter['authority'],
  effects: (matter: Matter) => ReadonlySet<Wish['effect']>,
): ReadonlySet<Wish['effect']> {
  const matter = matters.find((one) => one.authority === authority);
  return matter === undefined ? new Set() : effects(matter);
}

const isOnly = (effects: ReadonlySet<Wish['effect']>, effect: Wish['effect']): boolean =>
  effects.size === 1 && effects.has(effect);
