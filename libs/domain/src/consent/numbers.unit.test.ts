import { DAY, decision, deny, entry, NOW, permit, POLICY } from './decisions.fixture.js';
import type { Decision } from './decision.js';
import { decisionsByNumber, judgeByNumber } from './numbers.js';
import type { Ruling } from './permits.js';
import { Surroundings } from './surroundings.js';

const ENTRIES = [entry('RX901', 'Observation/a'), entry('RX901', 'Observation/b')] as const;

/** What becomes of entries for research: the first lives with number a, the second with b. */
function rulings(a: readonly Decision[], b: readonly Decision[], policy = POLICY): readonly Ruling[] {
  const numbers = decisionsByNumber([
    { key: 'a', decisions: a },
    { key: 'b', decisions: b },
  ]);
  const homeOf = ({ id }: { readonly id: string }): number => (id.endsWith('a') ? 0 : 1);
  const around = new Surroundings(() => ENTRIES);
  return ENTRIES.map(judgeByNumber('research', { numbers, homeOf }, policy, NOW, around));
}

/** Which of the entries research is given. */
const given = (...decided: Parameters<typeof rulings>): readonly boolean[] =>
  rulings(...decided).map(({ permitted }) => permitted);

const said = (days: number, more: Partial<Decision> = {}) => ({
  ...{ receivedAt: NOW - days * DAY, recordedAt: new Date(NOW - days * DAY).toISOString() },
  ...more,
});
const denial = (days: number, more?: Partial<Decision>) => decision(said(days, more), deny(['research']));
const permission = (days: number, more?: Partial<Decision>) => decision(said(days, more), permit(['research']));

describe('a person of two numbers', () => {
  it('is denied by either of them', () => {
    expect(given([], [])).toEqual([true, true]);
    expect(given([denial(9)], [])).toEqual([false, false]);
    expect(given([], [denial(9)])).toEqual([false, false]);
  });

  it('lifts no denial of one number by what was permitted for the other before', () => {
    expect(given([denial(9)], [permission(8)])).toEqual([false, false]);
  });

  it('lifts it by what was permitted while the two were one', () => {
    expect(given([denial(9)], [permission(8, { alsoOf: ['a'] })])).toEqual([true, true]);
    expect(given([permission(8, { alsoOf: ['b'] })], [denial(9)])).toEqual([true, true]);
  });

  it('takes a denial that was left with the other number for the one that it is of', () => {
    const made = denial(9, { alsoOf: ['b'] });
    const left = { ...made, saidOf: 'a', alsoOf: undefined };
    const { alsoOf: _, ...copy } = left;
    expect(given([made, permission(8, { alsoOf: ['b'] })], [copy])).toEqual([true, true]);
    // Apart, what was left stands.
    expect(decisionsByNumber([{ key: 'b', decisions: [copy] }])).toEqual([[copy]]);
  });

  it('lets explicit consent for one number outweigh that number’s opt-out, and not the other’s', () => {
    const consent = permission(8, { authority: 'explicit-consent', decidedBy: 'not-stated' });
    const out = denial(9, { authority: 'national-data-opt-out' });
    expect(given([consent, out], [])).toEqual([true, true]);
    expect(given([consent], [out])).toEqual([false, false]);
  });

  it('is refused by the rule that the policy has first, whichever number is denied by it and whichever the entry lives with', () => {
    const item = denial(9, { authority: 'withheld-item' });
    const dissent = denial(8);
    const unread = denial(7, { unread: true });
    const rulesOf = (...decided: Parameters<typeof rulings>): readonly string[] => rulings(...decided).map(({ rule }) => rule);
    for (const [one, other, rule] of [
      [item, dissent, 'withheld-item'],
      [unread, item, 'decision-not-read'],
    ] as const) {
      expect(rulesOf([one], [other])).toEqual([rule, rule]);
      expect(rulesOf([other], [one])).toEqual([rule, rule]);
    }
    // What no decision refuses gives way to a denial too, and so does what no rule allows.
    const { rules } = POLICY;
    const heldBack = { id: 'held-back', purposes: ['research'], when: {}, effect: 'deny', plainEnglish: '' } as const;
    expect(rulesOf([], [item], { ...POLICY, rules: [...rules.slice(0, 1), heldBack, ...rules.slice(1)] })).toEqual([
      'withheld-item',
      'withheld-item',
    ]);
    expect(rulesOf([], [item], { ...POLICY, rules: [heldBack, ...rules] })).toEqual(['held-back', 'held-back']);
    const asked = rules.filter(({ when }) => when.decision !== undefined);
    expect(rulesOf([], [item], { ...POLICY, rules: asked })).toEqual(['withheld-item', 'withheld-item']);
  });
});
