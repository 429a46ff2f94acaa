import { DEFAULT_RULES, type Organisation, type Policy } from '@weft/domain';
import type { Prng } from './prng.js';

/** A region small enough for everything in it to collide. */
export interface SmallRegion {
  readonly organisations: readonly Organisation[];
  /** NHS numbers, of the range kept for tests. */
  readonly patients: readonly string[];
  readonly policy: Policy;
}

const ORGANISATIONS: readonly Organisation[] = [
  { ods: 'B86001', name: 'A practice', kind: 'gp' },
  { ods: 'RR8', name: 'A hospital', kind: 'acute' },
  { ods: 'RGD', name: 'A mental health trust', kind: 'mental-health' },
  { ods: 'RY6', name: 'A community trust', kind: 'community' },
];

/** How often a region has more patients: then some are new while everything else is under way. */
const CROWDED = 0.2;

/** Three to six patients, or twice as many, two to four organisations, one of them always a practice. */
export function smallRegion(prng: Prng): SmallRegion {
  const organisations = ORGANISATIONS.slice(0, prng.between(2, ORGANISATIONS.length));
  const first = prng.below(90_000) * 10;
  const count = prng.between(3, 6) * (prng.chance(CROWDED) ? 2 : 1);
  const patients: string[] = [];
  for (let nine = 999_000_000 + first; patients.length < count; nine++) {
    const number = withCheckDigit(String(nine));
    if (number !== null) patients.push(number);
  }
  return { organisations, patients, policy: policyOf(organisations) };
}

export function policyOf(organisations: readonly Organisation[], name = 'Sharing policy of a small region'): Policy {
  return { name, rules: DEFAULT_RULES, organisations: Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind])) };
}

/** NHS Data Dictionary: weights 10 to 2; 11 counts as 0; nine digits whose check digit would be 10 are never issued. */
function withCheckDigit(nine: string): string | null {
  const sum = [...nine].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? null : `${nine}${check}`;
}
