import fc from 'fast-check';
import { AUTHORITIES, PURPOSES, type Purpose } from '../vocabulary.js';
import type { Decision, Provision } from './decision.js';
import { DEFAULT_RULES } from './default-policy.js';
import { decisionsInForce, holdsAt, nextBoundary, spanAt } from './in-force.js';
import { permits, type EntryFacts } from './permits.js';
import type { Policy } from './policy.js';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const DAY = 86_400_000;
const POLICY: Policy = { name: 'test', rules: DEFAULT_RULES, organisations: { Y90001: 'gp', RX901: 'acute' } };
const BEYOND: readonly Purpose[] = ['population-health', 'research'];

function entry(organisation = 'RX901', id = 'o1', code = 'bp'): EntryFacts {
  const resource = { resourceType: 'Observation', id, code: { coding: [{ system: 's', code }] } };
  return { id: `${organisation}/Observation/${id}`, organisation, resourceType: 'Observation', resource };
}

let decided = 0;
type Given = Partial<Omit<Decision, 'provision'>> & Partial<Provision>;
function decision(given: Given): Decision {
  decided += 1;
  const { effect = 'deny', purposes = PURPOSES, organisations, entries, categories, from, until, ...rest } = given;
  const limits = Object.entries({ organisations, entries, categories, from, until }).filter(([, value]) => value !== undefined);
  return {
    id: `d${decided}`,
    source: 'urn:ods:Y90001',
    consentId: `c${decided}`,
    authority: 'local-dissent',
    status: 'active',
    decidedAt: new Date(NOW - 100 * DAY + decided).toISOString(),
    decidedBy: 'patient',
    provision: { effect, purposes, ...Object.fromEntries(limits) },
    exceptions: [],
    recordedAt: new Date(NOW).toISOString(),
    ...rest,
  };
}

const permitted = (decisions: readonly Decision[], purpose: Purpose, facts = entry(), at = NOW): boolean =>
  permits(facts, purpose, decisions, POLICY, at).permitted;

describe('the shipped policy', () => {
  it('shares for every purpose where nobody objected', () => {
    for (const purpose of PURPOSES) expect(permitted([], purpose)).toBe(true);
  });

  it.each(['national-data-opt-out', 'type-1'] as const)('never lets %s touch individual care', (authority) => {
    const optOut = decision({ authority });
    for (const purpose of ['direct-care', 'care-coordination'] as const)
      expect(permitted([optOut], purpose, entry('Y90001'))).toBe(true);
  });

  it('withholds everything beyond individual care under a national data opt-out, save what the person agreed to', () => {
    const optOut = decision({ authority: 'national-data-opt-out' });
    for (const purpose of BEYOND) expect(permitted([optOut], purpose)).toBe(false);
    const agreed = decision({ authority: 'explicit-consent', effect: 'permit', purposes: ['research'] });
    expect(permitted([optOut, agreed], 'research')).toBe(true);
    expect(permitted([optOut, agreed], 'population-health')).toBe(false);
  });

  it('withholds under a type 1 objection what a GP practice holds, and only that', () => {
    const objection = decision({ authority: 'type-1' });
    expect(permitted([objection], 'research', entry('Y90001'))).toBe(false);
    expect(permitted([objection], 'research', entry('RX901'))).toBe(true);
  });

  it('withholds under a type 1 objection what comes from an organisation of unknown kind: unclear counts as deny', () => {
    expect(permitted([decision({ authority: 'type-1' })], 'research', entry('ZZ9'))).toBe(false);
  });

  it('withholds a single item, a category, an organisation as the person said', () => {
    expect(permitted([decision({ authority: 'withheld-item', entries: ['Observation/o1'] })], 'direct-care')).toBe(false);
    expect(permitted([decision({ authority: 'withheld-item', entries: ['Observation/o2'] })], 'direct-care')).toBe(true);
    expect(permitted([decision({ categories: ['bp'] })], 'direct-care')).toBe(false);
    expect(permitted([decision({ categories: ['hiv'] })], 'direct-care')).toBe(true);
    expect(permitted([decision({ organisations: ['Y90001'] })], 'direct-care')).toBe(true);
  });

  it('names the rule and the decision that decided', () => {
    const dissent = decision({});
    expect(permits(entry(), 'direct-care', [dissent], POLICY, NOW)).toMatchObject({ rule: 'local-dissent', decision: dissent });
    expect(permits(entry(), 'direct-care', [], POLICY, NOW)).toMatchObject({ rule: 'individual-care', decision: null });
  });

  it('withholds where no rule says anything', () => {
    expect(permits(entry(), 'research', [], { ...POLICY, rules: [] }, NOW)).toMatchObject({ permitted: false, rule: 'no-rule' });
  });
});

describe('decisions', () => {
  it('are replaced by a later one of the same scope and authority, whichever arrives first', () => {
    const out = decision({ decidedAt: '2026-01-01T00:00:00Z' });
    const backIn = decision({ effect: 'permit', decidedAt: '2026-02-01T00:00:00Z' });
    expect(permitted([out, backIn], 'research')).toBe(true);
    expect(permitted([backIn, out], 'research')).toBe(true);
  });

  it('of one scope are not replaced by those of another', () => {
    const gp = decision({ organisations: ['Y90001'] });
    const everywhere = decision({ effect: 'permit' });
    expect(permitted([gp, everywhere], 'research', entry('Y90001'))).toBe(false);
  });

  it('opted back in equal never opted out, for any purposes and authority', () => {
    fc.assert(
      fc.property(fc.subarray([...PURPOSES], { minLength: 1 }), fc.constantFrom(...AUTHORITIES), (purposes, authority) => {
        const out = decision({ purposes, authority });
        const backIn = decision({ purposes, authority, effect: 'permit' });
        for (const purpose of PURPOSES) expect(permitted([out, backIn], purpose)).toBe(permitted([], purpose));
      }),
    );
  });

  it('take effect and expire when their time comes, to the millisecond', () => {
    const future = decision({ from: NOW + DAY, until: NOW + 2 * DAY });
    const allowed = [NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY - 1, NOW + 2 * DAY].map((at) =>
      permitted([future], 'research', entry(), at),
    );
    expect(allowed).toEqual([true, false, false, true]);
    expect(nextBoundary([future], NOW)).toBe(NOW + DAY);
    expect(nextBoundary([future], NOW + DAY)).toBe(NOW + 2 * DAY);
    expect(nextBoundary([future], NOW + 2 * DAY)).toBeNull();
  });

  it('stand unchanged for exactly the span between two boundaries, on either side', () => {
    const future = decision({ from: NOW + DAY, until: NOW + 2 * DAY });
    const span = spanAt([future], NOW + DAY);
    expect(span).toEqual({ since: NOW + DAY, until: NOW + 2 * DAY });
    expect([NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY].map((at) => holdsAt(span, at))).toEqual([false, true, false]);
    expect(spanAt([], NOW)).toEqual({ since: null, until: null });
  });

  it('let an earlier one stand until a later, future-dated one takes effect, and again once it has expired', () => {
    const out = decision({});
    const pause = decision({ effect: 'permit', from: NOW + DAY, until: NOW + 2 * DAY });
    const allowed = [NOW, NOW + DAY, NOW + 2 * DAY].map((at) => permitted([out, pause], 'research', entry(), at));
    expect(allowed).toEqual([false, true, false]);
  });

  it('are taken away whole when their Consent is entered in error', () => {
    const out = decision({ consentId: 'c' });
    const inError = decision({ consentId: 'c', status: 'withdrawn' });
    expect(permitted([out, inError], 'research')).toBe(true);
    expect(permitted([out, { ...inError, source: 'urn:ods:RX901' }], 'research')).toBe(false);
  });

  it('are replaced by a later version of the same Consent though its scope is another', () => {
    const first = decision({ consentId: 'c', organisations: ['RX901'] });
    const second = decision({ consentId: 'c', organisations: ['Y90001'] });
    expect(decisionsInForce([first, second], 'research', NOW)).toEqual([second]);
  });

  it('have exceptions, one level deep, of which a deny outweighs a permit', () => {
    const exceptions: Provision[] = [{ effect: 'permit', purposes: PURPOSES, organisations: ['RX901'] }];
    expect(permitted([decision({ exceptions })], 'direct-care', entry('RX901'))).toBe(true);
    expect(permitted([decision({ exceptions })], 'direct-care', entry('Y90001'))).toBe(false);
    const torn: Provision[] = [...exceptions, { effect: 'deny', purposes: PURPOSES, categories: ['bp'] }];
    expect(permitted([decision({ exceptions: torn })], 'direct-care', entry('RX901'))).toBe(false);
  });
});
