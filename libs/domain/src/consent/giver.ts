import { intervalOf, type Interval } from '../fhir-time.js';
import { authoritiesOf } from './authorities.js';
import { allOf, type Coverage } from './coverage.js';
import { madeBetween, type Decision } from './decision.js';
import type { Policy } from './policy.js';

/** From this age on a person permits for themselves, unless the locality's policy says otherwise. */
export const OWN_AGE_YEARS = 13;

/** When a person was born and died, by everything that their record says of it; asked only where it matters. */
export interface Lifetime {
  birthDates(): readonly string[];
  deaths(): readonly Interval[];
}

/** Whether a permission has a giver who may give it. A denial needs none: one by or for a child counts, or for who has died. */
export function giverCovers(decision: Decision, lifetime: Lifetime, policy: Policy): Coverage {
  if (lacksGiver(decision, policy)) return 'does-not-cover';
  return allOf([isAlive(decision, lifetime), isOldEnough(decision, () => lifetime.birthDates(), policy)]);
}

/** `giverCovers`, asked once of each decision. */
export function giversBy(lifetime: Lifetime, policy: Policy): (decision: Decision) => Coverage {
  const known = new Map<Decision, Coverage>();
  return (decision) => {
    const coverage = known.get(decision) ?? giverCovers(decision, lifetime, policy);
    known.set(decision, coverage);
    return coverage;
  };
}

/** What governance records is vouched for; of an organisation's permission somebody must be named. */
export function lacksGiver(
  { authority, recorder, decidedBy }: Pick<Decision, 'authority' | 'recorder' | 'decidedBy'>,
  policy: Policy,
): boolean {
  if (recorder.as !== 'organisation' || !(authoritiesOf(policy)[authority].needs ?? []).includes('performer')) return false;
  return decidedBy !== 'patient' && decidedBy !== 'proxy';
}

/** Nobody permits after their death, nor does anybody for them where it is the person's own consent that is asked for. */
export function isAlive(decision: Decision, lifetime: Lifetime): Coverage {
  if (decision.decidedBy !== 'patient' && decision.authority !== 'explicit-consent') return 'covers';
  const { earliest, latest } = madeBetween(decision);
  return allOf(
    lifetime.deaths().map(({ from, until }) => {
      if (latest < from) return 'covers';
      return earliest < until ? 'cannot-tell' : 'does-not-cover';
    }),
  );
}

/** By every birth date in the record. Governance vouches for an age that the record does not say. */
export function isOldEnough(decision: Decision, birthDates: () => readonly string[], policy: Policy): Coverage {
  if (decision.decidedBy !== 'patient') return 'covers';
  const births = birthDates();
  if (births.length === 0) return decision.recorder.as === 'governance' ? 'covers' : 'cannot-tell';
  const { earliest } = madeBetween(decision);
  return allOf(births.map((birthDate) => isOfAge(birthDate, earliest, policy.ages?.own ?? OWN_AGE_YEARS)));
}

function isOfAge(birthDate: string, at: number, years: number): Coverage {
  const birthday = (date: string): string => date.replace(/^\d{4}/, (year) => String(Number(year) + years).padStart(4, '0'));
  if (intervalOf(birthDate) === null) return 'cannot-tell';
  // The 29th of February comes of age on the 1st of March.
  const reached = intervalOf(birthday(birthDate)) ?? intervalOf(birthday(birthDate).replace('-02-29', '-03-01'));
  if (reached === null) return 'cannot-tell';
  if (at < reached.from) return 'does-not-cover';
  // A birth date that is a year or a month may mean its last day.
  const isWholeDay = /^\d{4}-\d\d-\d\d$/.test(birthDate);
  return isWholeDay || at >= reached.until - 1 ? 'covers' : 'cannot-tell';
}
