import { PURPOSES, type Purpose } from '../vocabulary.js';
import type { Decision } from './decision.js';
import { DAY, decision, deny, entry, NOW, organisation, permit, POLICY } from './decisions.fixture.js';
import { decidedAtOf, permits } from './permits.js';
import type { Policy } from './policy.js';
import type { JudgedEntry } from './judged-entry.js';

const observation = (recordedBy = 'RX901') =>
  entry(recordedBy, 'Observation/o1', { code: { coding: [{ system: 's', code: 'bp' }] } });
const BEYOND: readonly Purpose[] = ['population-health', 'research'];
const CARE: readonly Purpose[] = ['direct-care', 'care-coordination'];

const permitted = (decisions: readonly Decision[], purpose: Purpose, of: JudgedEntry = observation(), at = NOW): boolean =>
  permits(of, purpose, decisions, POLICY, at).permitted;

describe('the shipped policy', () => {
  it('shares for every purpose where nobody objected', () => {
    for (const purpose of PURPOSES) expect(permitted([], purpose)).toBe(true);
  });

  it.each(['national-data-opt-out', 'type-1'] as const)('never lets %s touch individual care', (authority) => {
    for (const purpose of CARE)
      expect(permitted([decision({ authority }, deny(PURPOSES))], purpose, observation('Y90001'))).toBe(true);
  });

  it('withholds everything beyond individual care under a national data opt-out, save what the person agreed to', () => {
    const optOut = decision({ authority: 'national-data-opt-out' }, deny(PURPOSES));
    for (const purpose of BEYOND) expect(permitted([optOut], purpose)).toBe(false);
    const agreed = decision({ authority: 'explicit-consent' }, permit(['research']));
    expect(permitted([optOut, agreed], 'research')).toBe(true);
    expect(permitted([optOut, agreed], 'population-health')).toBe(false);
  });

  it('withholds under a type 1 objection what a GP practice holds, and only that', () => {
    const objection = decision({ authority: 'type-1' }, deny(PURPOSES));
    expect(permitted([objection], 'research', observation('Y90001'))).toBe(false);
    expect(permitted([objection], 'research', observation('RX901'))).toBe(true);
  });

  it('withholds under a type 1 objection what comes from an organisation of unknown kind: unclear counts as deny', () => {
    expect(permitted([decision({ authority: 'type-1' }, deny(PURPOSES))], 'research', observation('ZZ9'))).toBe(false);
  });

  it('names the rule and the decision that decided', () => {
    const dissent = decision({}, deny(PURPOSES));
    expect(permits(observation(), 'direct-care', [dissent], POLICY, NOW)).toMatchObject({
      rule: 'local-dissent',
      decision: dissent,
    });
    expect(permits(observation(), 'direct-care', [], POLICY, NOW)).toMatchObject({ rule: 'individual-care', decision: null });
  });

  it('names the latest of several that decide alike', () => {
    const [early, late] = [decision({}, deny(PURPOSES)), decision({ recorder: organisation('RX902') }, deny(PURPOSES))];
    for (const both of [
      [early, late],
      [late, early],
    ])
      expect(permits(observation(), 'direct-care', both, POLICY, NOW).decision).toBe(late);
  });

  it('withholds where no rule says anything', () => {
    expect(permits(observation(), 'research', [], { ...POLICY, rules: [] }, NOW)).toMatchObject({
      permitted: false,
      rule: 'no-rule',
    });
  });
});

describe('a rule', () => {
  const rule = { id: 'sensitive', purposes: PURPOSES, effect: 'deny', plainEnglish: 'x' } as const;
  const under = (when: Policy['rules'][number]['when']): Policy => ({ ...POLICY, rules: [{ ...rule, when }, ...POLICY.rules] });
  const ruled = (when: Policy['rules'][number]['when'], of: JudgedEntry) => permits(of, 'direct-care', [], under(when), NOW).rule;

  it('about codes finds them anywhere in an entry, whatever their system', () => {
    const nested = entry('RX901', 'Observation/o', { extension: [{ url: 'u', valueCoding: { system: 'other', code: 'hiv' } }] });
    expect(ruled({ codes: ['hiv'] }, nested)).toBe('sensitive');
    expect(ruled({ codes: ['H.I.V.'] }, nested)).toBe('sensitive');
    expect(ruled({ codes: ['hiv'] }, observation())).toBe('individual-care');
  });

  it('about resource types and kinds of organisation needs both', () => {
    expect(ruled({ resourceTypes: ['Observation'], organisationKinds: ['acute'] }, observation())).toBe('sensitive');
    expect(ruled({ resourceTypes: ['Flag'], organisationKinds: ['acute'] }, observation())).toBe('individual-care');
    expect(ruled({ resourceTypes: ['Observation'], organisationKinds: ['gp'] }, observation())).toBe('individual-care');
  });
});

describe('a decision', () => {
  it('takes effect and expires when its time comes, to the millisecond', () => {
    const future = decision({}, { ...deny(PURPOSES), from: NOW + DAY, until: NOW + 2 * DAY });
    const allowed = [NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY - 1, NOW + 2 * DAY].map((at) =>
      permitted([future], 'research', observation(), at),
    );
    expect(allowed).toEqual([true, false, false, true]);
  });

  it('that permits nothing that a rule asks for opens nothing', () => {
    const policy = { ...POLICY, rules: POLICY.rules.filter(({ id }) => id !== 'explicit-consent') };
    const decisions = [
      decision({ authority: 'national-data-opt-out' }, deny(PURPOSES)),
      decision({ authority: 'explicit-consent' }, permit(PURPOSES)),
    ];
    expect(permits(observation(), 'research', decisions, policy, NOW).permitted).toBe(false);
  });

  it('that permits is outweighed by any current one under its authority that denies', () => {
    const decisions = [
      decision({ authority: 'national-data-opt-out' }, deny(PURPOSES)),
      decision({ authority: 'explicit-consent' }, deny(PURPOSES, { kind: 'recorded-by', organisations: ['RX901'] })),
      decision({ authority: 'explicit-consent' }, permit(PURPOSES)),
    ];
    expect(permitted(decisions, 'research', observation('RX901'))).toBe(false);
    expect(permitted(decisions, 'research', observation('RX902'))).toBe(true);
  });

  it('is shown with its date as it was written, else with that of its receipt', () => {
    expect(decidedAtOf(decision({ decidedAt: '2026-05', made: { from: 0, until: 1 } }, deny(PURPOSES)))).toBe('2026-05');
    expect(decidedAtOf(decision({ receivedAt: NOW }, deny(PURPOSES)))).toBe(new Date(NOW).toISOString());
  });
});

describe('a message that could not be read', () => {
  const unread = decision({ unread: true }, deny(PURPOSES, { kind: 'recorded-by', organisations: ['RX901'] }));

  it('withholds what it may deny for every use, whatever the policy says', () => {
    const open = { ...POLICY, rules: POLICY.rules.filter(({ when }) => when.decision === undefined) };
    for (const policy of [POLICY, open]) {
      for (const purpose of PURPOSES)
        expect(permits(observation('RX901'), purpose, [unread], policy, NOW)).toMatchObject({
          permitted: false,
          rule: 'decision-not-read',
          decision: unread,
        });
    }
  });

  it('withholds nothing that it cannot deny', () => expect(permitted([unread], 'research', observation('RX902'))).toBe(true));

  it('outweighs explicit consent', () => {
    expect(permitted([unread, decision({ authority: 'explicit-consent' }, permit(PURPOSES))], 'research')).toBe(false);
  });
});
