import { DEFAULT_AUTHORITIES } from './authorities.js';
import { DEFAULT_POLICY_NAME, DEFAULT_RULES } from './default-policy.js';
import { DEFAULT_IDENTITY_RULES } from './identity-rules.js';
import { policyFrom, policyProblems, wholePolicy } from './policy-document.js';

const document = (change: object) => ({ name: 'x', rules: [{ ...DEFAULT_RULES[0], ...change }] });
const fields = (value: unknown) => policyProblems(value).map(({ field }) => field);
const SHIPPED = { name: DEFAULT_POLICY_NAME, rules: DEFAULT_RULES };

describe('a policy document', () => {
  it('is sound as shipped', () => {
    expect(policyProblems(SHIPPED)).toEqual([]);
  });

  it.each([
    [null, ['']],
    [{}, ['name', 'rules']],
    [{ ...document({}), authorites: DEFAULT_AUTHORITIES }, ['authorites']],
    [document({ effect: 'allow' }), ['rules[0].effect']],
    [document({ purposes: ['research', 'marketing'] }), ['rules[0].purposes']],
    [document({ authority: 'nobody' }), ['rules[0].authority']],
    [document({ plainEnglish: ' ' }), ['rules[0].plainEnglish']],
    [document({ purpose: ['research'] }), ['rules[0].purpose']],
    [document({ effect: 'permit' }), ['rules[0].effect']],
    [document({ when: { decison: 'deny' } }), ['rules[0].when.decison', 'rules[0].when.decision']],
    [document({ when: {} }), ['rules[0].when.decision']],
    [document({ when: { decision: 'deny', organisationKinds: ['hospital'] } }), ['rules[0].when.organisationKinds']],
    [document({ when: { decision: 'deny', codes: [] } }), ['rules[0].when.codes']],
    [document({ when: { decision: 'deny', resourceTypes: ['Condition', 'Conditions'] } }), ['rules[0].when.resourceTypes[1]']],
    [{ name: 'x', rules: [DEFAULT_RULES[0], DEFAULT_RULES[0]] }, ['rules[1].id']],
  ])('names each field that is wrong: %j', (value, expected) => {
    expect(fields(value)).toEqual(expected);
  });

  const { 'type-1': _, ...withoutType1 } = DEFAULT_AUTHORITIES;
  const authority = (change: object) => ({ ...DEFAULT_AUTHORITIES, 'type-1': { ...DEFAULT_AUTHORITIES['type-1'], ...change } });
  it.each([
    [[], ['authorities']],
    [withoutType1, ['authorities.type-1']],
    [{ ...DEFAULT_AUTHORITIES, 'type-2': DEFAULT_AUTHORITIES['type-1'] }, ['authorities.type-2']],
    [authority({ recordedBy: undefined }), ['authorities.type-1.recordedBy']],
    [authority({ recordedBy: [] }), ['authorities.type-1.recordedBy']],
    [authority({ recordedBy: ['kind:gp', 'kind:hospital'] }), ['authorities.type-1.recordedBy[1]']],
    [authority({ recordedBy: ['same-source'] }), ['authorities.type-1.recordedBy[0]']],
    [authority({ liftedBy: ['governance', 'entry-organisation'] }), ['authorities.type-1.liftedBy[1]']],
    [authority({ denialRecordedBy: 'any' }), ['authorities.type-1.denialRecordedBy']],
    [authority({ denialRecordedBy: ['any'], needs: ['performer'] }), []],
    [authority({ needs: ['performers'] }), ['authorities.type-1.needs[0]']],
    [authority({ need: ['performer'] }), ['authorities.type-1.need']],
  ])('names what is wrong with who may record and lift: %j', (authorities, expected) => {
    expect(fields({ ...SHIPPED, authorities })).toEqual(expected);
  });

  it.each([
    [{ identity: null }, ['identity']],
    [{ identity: { demographics: ['X26', 'x26'] } }, ['identity.demographics[1]']],
    [{ identity: { merges: ['demographics', 'anybody'] } }, ['identity.merges[1]']],
    [{ identity: { merge: [] } }, ['identity.merge']],
    [{ identity: { demographics: ['X26'], merges: [], unmerges: ['same-source'], deaths: ['recorded'] } }, []],
    [{ ages: 13 }, ['ages']],
    [{ ages: {} }, ['ages.own']],
    [{ ages: { own: 13.5 } }, ['ages.own']],
    [{ ages: { own: '13' } }, ['ages.own']],
    [{ ages: { own: 19 } }, ['ages.own']],
    [{ ages: { own: 16, proxy: 16 } }, ['ages.proxy']],
    [{ codes: 'R' }, ['codes']],
    [{ codes: ['R', ''] }, ['codes[1]']],
    [{ codes: [] }, []],
  ])('names what is wrong with its other sections: %j', (sections, expected) => {
    expect(fields({ ...SHIPPED, ...sections })).toEqual(expected);
  });

  it.each([
    [{ withheld: ['governance'], silent: ['withheld-item'] }, []],
    [{ withheld: [], silent: [] }, []],
    [{}, []],
    ['clinician', ['notices']],
    [['clinician'], ['notices']],
    [null, ['notices']],
    [{ witheld: ['clinician'], toString: [] }, ['notices.witheld', 'notices.toString']],
    [{ withheld: 'clinician' }, ['notices.withheld']],
    [{ withheld: ['clinician', 'publisher', 'doctor'] }, ['notices.withheld[1]', 'notices.withheld[2]']],
    [{ silent: ['withheld-items'] }, ['notices.silent[0]']],
    [{ silent: [null] }, ['notices.silent[0]']],
  ])('names each notice that is wrong: %j', (notices, expected) => {
    expect(fields({ ...document({}), notices })).toEqual(expected);
  });

  it('may be edited from the policy as it is shown, and may not say other organisations than the region has', () => {
    const organisations = { Y90001: 'gp', RX901: 'acute' } as const;
    const shown = {
      version: 3,
      adoptedAt: '2026-01-01T00:00:00Z',
      settingsDiffer: false,
      organisationsDiffer: [],
      codesDiffer: false,
      ...policyFrom(SHIPPED, organisations),
    };
    expect(policyProblems(shown, organisations)).toEqual([]);
    const others = { ...shown, organisations: { Y90001: 'acute', RX902: 'acute' } };
    expect(policyProblems(others, organisations).map(({ field }) => field)).toEqual([
      'organisations.Y90001',
      'organisations.RX902',
      'organisations.RX901',
    ]);
  });

  it('is adopted whole: what it does not say is said as shipped', () => {
    const policy = policyFrom({ ...SHIPPED, identity: { ...DEFAULT_IDENTITY_RULES, demographics: ['X26'] } }, {});
    expect(policy).toMatchObject({ authorities: DEFAULT_AUTHORITIES, ages: { own: 13 }, codes: [] });
    expect(policy.notices).toEqual({ withheld: ['clinician', 'governance'], silent: [] });
    expect(policy.identity).toEqual({ ...DEFAULT_IDENTITY_RULES, demographics: ['X26'] });
    expect(wholePolicy({ ...SHIPPED, organisations: {} })).toMatchObject({ identity: DEFAULT_IDENTITY_RULES });
    expect(policyFrom({ ...SHIPPED, version: 7 } as never, {})).not.toHaveProperty('version');
  });
});
