import { DEFAULT_POLICY_NAME, DEFAULT_RULES } from './default-policy.js';
import { policyProblems } from './policy-document.js';

const document = (change: object) => ({ name: 'x', rules: [{ ...DEFAULT_RULES[0], ...change }] });
const fields = (value: unknown) => policyProblems(value).map(({ field }) => field);

describe('a policy document', () => {
  it('is sound as shipped', () => {
    expect(policyProblems({ name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES })).toEqual([]);
  });

  it.each([
    [null, ['']],
    [{}, ['name', 'rules']],
    [document({ effect: 'allow' }), ['rules[0].effect']],
    [document({ purposes: ['research', 'marketing'] }), ['rules[0].purposes']],
    [document({ authority: 'nobody' }), ['rules[0].authority']],
    [document({ plainEnglish: ' ' }), ['rules[0].plainEnglish']],
    [document({ when: { decison: 'deny' } }), ['rules[0].when.decison', 'rules[0].when.decision']],
    [document({ when: {} }), ['rules[0].when.decision']],
    [document({ when: { decision: 'deny', organisationKinds: ['hospital'] } }), ['rules[0].when.organisationKinds']],
    [document({ when: { decision: 'deny', codes: [] } }), ['rules[0].when.codes']],
  ])('names each field that is wrong: %j', (value, expected) => {
    expect(fields(value)).toEqual(expected);
  });

  it('refuses two rules of one id', () => {
    expect(fields({ name: 'x', rules: [DEFAULT_RULES[0], DEFAULT_RULES[0]] })).toEqual(['rules[1].id']);
  });
});
