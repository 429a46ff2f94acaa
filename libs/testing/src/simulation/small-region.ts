import { AUTHORITIES, DEFAULT_RULES, type Authorities, type AuthorityRule, type Organisation, type Policy } from '@weft/domain';
import type { Prng } from './prng.js';
import { LISTED_CODE } from './resources.js';

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
  return { organisations, patients, policy: { ...policyOf(organisations), ...localChoices(prng) } };
}

/** All organisations but the last may merge any numbers, so that merges abound; the last must have recorded something about each. */
export function policyOf(organisations: readonly Organisation[], name = 'Sharing policy of a small region'): Policy {
  const kinds = Object.fromEntries(organisations.map(({ ods, kind }) => [ods, kind]));
  const demographics = organisations.slice(0, -1).map(({ ods }) => ods);
  return { name, rules: DEFAULT_RULES, organisations: kinds, identity: { demographics } };
}

/** What a locality may choose beside its rules: mostly nothing. Governance may always lift, so that what was opted out of can be taken back. */
export function localChoices(prng: Prng): Pick<Policy, 'authorities' | 'ages' | 'codes'> {
  return {
    ...(prng.chance(0.4) && { authorities: someAuthorities(prng) }),
    ...(prng.chance(0.2) && { ages: { own: prng.pick([0, 12, 16]) } }),
    ...(prng.chance(0.3) && { codes: [LISTED_CODE] }),
  };
}

function someAuthorities(prng: Prng): Authorities {
  const rule = (): AuthorityRule => ({
    recordedBy: ['governance', prng.pick(['any', 'entry-organisation', 'kind:gp', 'kind:acute', 'ndoo-import'])],
    liftedBy: ['governance', prng.pick(['any', 'same-source', 'kind:gp', 'entry-organisation', 'ndoo-import'])],
    ...(prng.chance(0.4) && { denialRecordedBy: [prng.pick(['any', 'kind:gp', 'governance'] as const)] }),
    ...(prng.chance(0.4) && { needs: ['performer' as const] }),
  });
  return Object.fromEntries(AUTHORITIES.map((authority) => [authority, rule()])) as unknown as Authorities;
}

/** NHS Data Dictionary: weights 10 to 2; 11 counts as 0; nine digits whose check digit would be 10 are never issued. */
function withCheckDigit(nine: string): string | null {
  const sum = [...nine].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? null : `${nine}${check}`;
}
