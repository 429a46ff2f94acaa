import { PURPOSES, type Purpose } from '../vocabulary.js';
import { DEFAULT_AUTHORITIES } from './authorities.js';
import { DEFAULT_RULES } from './default-policy.js';
import { floorProblems } from './policy-floor.js';
import type { Authorities, Policy, Rule } from './policy.js';

const SHIPPED: Policy = { name: 'x', rules: DEFAULT_RULES, organisations: {} };
const rule = (id: string, change: Partial<Rule> = {}): Rule => ({
  ...(DEFAULT_RULES.find((one) => one.id === id) as Rule),
  ...change,
});
const without = (...ids: string[]): readonly Rule[] => DEFAULT_RULES.filter(({ id }) => !ids.includes(id));
const first = (one: Rule): readonly Rule[] => [one, ...without(one.id)];
const research = (change: Partial<Rule>): Rule => ({
  id: 'approved-study',
  purposes: ['research'],
  when: {},
  effect: 'permit',
  plainEnglish: 'An approved study may use this.',
  ...change,
});

/** What of the document lies below the floor: the rule of the document, and the rule of the floor. */
const below = (change: Partial<Policy>): string[] =>
  floorProblems({ ...SHIPPED, ...change }).map(({ field, code }) => `${field} ${code}`);

describe('the floor under every policy', () => {
  it('carries the shipped policy', () => {
    expect(below({})).toEqual([]);
  });

  it.each<[title: string, rules: readonly Rule[], expected: readonly string[]]>([
    [
      'research and planning before any objection is asked',
      first(rule('research-and-planning')),
      ['rules[0] national-data-opt-out-first', 'rules[0] type-1-first'],
    ],
    [
      'a study before any objection is asked, though it takes few entries only',
      first(research({ when: { resourceTypes: ['Condition'], codes: ['195967001'] } })),
      ['rules[0] national-data-opt-out-first', 'rules[0] type-1-first'],
    ],
    [
      'a study of what hospitals hold before the national data opt-out is asked: type 1 concerns practices alone',
      first(research({ when: { organisationKinds: ['acute'] } })),
      ['rules[0] national-data-opt-out-first'],
    ],
    ['explicit consent before the national data opt-out, as shipped', DEFAULT_RULES, []],
    ['explicit consent before type 1 objections are asked', first(rule('explicit-consent')), ['rules[0] type-1-first']],
    [
      'somebody’s permission that is no explicit consent before the national data opt-out',
      [
        ...without('explicit-consent', 'national-data-opt-out', 'research-and-planning'),
        rule('explicit-consent', { authority: 'local-dissent' }),
        rule('national-data-opt-out'),
      ],
      ['rules[5] national-data-opt-out-first'],
    ],
    [
      'no national data opt-out at all',
      without('national-data-opt-out'),
      ['rules[4] national-data-opt-out-asked', 'rules[6] national-data-opt-out-asked'],
    ],
    ['no type 1 objection at all', without('type-1-objection'), ['rules[3] type-1-asked', 'rules[6] type-1-asked']],
    [
      'a national data opt-out that is asked for research and not for planning',
      DEFAULT_RULES.map((one) => (one.id === 'national-data-opt-out' ? { ...one, purposes: ['research'] as Purpose[] } : one)),
      ['rules[4] national-data-opt-out-asked', 'rules[7] national-data-opt-out-asked'],
    ],
    [
      'a national data opt-out that is asked of hospitals alone',
      DEFAULT_RULES.map((one) =>
        one.id === 'national-data-opt-out' ? { ...one, when: { ...one.when, organisationKinds: ['acute'] as const } } : one,
      ),
      ['rules[4] national-data-opt-out-asked', 'rules[7] national-data-opt-out-asked'],
    ],
    [
      'type 1 objections that are asked of some entries alone',
      DEFAULT_RULES.map((one) => (one.id === 'type-1-objection' ? { ...one, when: { ...one.when, codes: ['R'] } } : one)),
      ['rules[4] type-1-asked', 'rules[7] type-1-asked'],
    ],
    [
      'type 1 objections that are obeyed by every organisation',
      DEFAULT_RULES.map((one) => (one.id === 'type-1-objection' ? { ...one, when: { decision: 'deny' as const } } : one)),
      [],
    ],
    [
      'research and planning for nobody, and so no objection to ask',
      without('explicit-consent', 'national-data-opt-out', 'type-1-objection', 'research-and-planning'),
      [],
    ],
    ['research and planning only with explicit consent', without('research-and-planning'), []],
    [
      'a rule for every purpose that comes first',
      first(research({ purposes: PURPOSES })),
      ['rules[0] national-data-opt-out-first', 'rules[0] type-1-first'],
    ],
    ['individual care before any objection is asked: that is the locality’s to say', first(rule('individual-care')), []],
  ])('%s', (_, rules, expected) => {
    expect(below({ rules })).toEqual(expected);
  });

  const lifted = (authority: keyof Authorities, liftedBy: Authorities['type-1']['liftedBy'], more: object = {}): Authorities => ({
    ...DEFAULT_AUTHORITIES,
    [authority]: { ...DEFAULT_AUTHORITIES[authority], ...more, liftedBy },
  });
  it.each<[title: string, authorities: Authorities, expected: readonly string[]]>([
    [
      'anybody lifts a national data opt-out',
      lifted('national-data-opt-out', ['governance', 'any']),
      ['authorities.national-data-opt-out.liftedBy[1] national-data-opt-out-lifted'],
    ],
    [
      'the practice lifts a national data opt-out that it recorded',
      lifted('national-data-opt-out', ['same-source', 'kind:gp'], { recordedBy: ['any'] }),
      [
        'authorities.national-data-opt-out.liftedBy[0] national-data-opt-out-lifted',
        'authorities.national-data-opt-out.liftedBy[1] national-data-opt-out-lifted',
      ],
    ],
    ['any practice lifts a type 1 objection: people change practice', lifted('type-1', ['kind:gp', 'governance']), []],
    [
      'a hospital lifts a type 1 objection',
      lifted('type-1', ['kind:acute'], { recordedBy: ['any'] }),
      ['authorities.type-1.liftedBy[0] type-1-lifted'],
    ],
    ['anybody lifts local dissent, which anybody records', lifted('local-dissent', ['any']), []],
    [
      'anybody lifts local dissent, which governance alone records',
      lifted('local-dissent', ['any', 'same-source'], { recordedBy: ['governance'] }),
      ['authorities.local-dissent.liftedBy[0] lifted-by-a-maker'],
    ],
  ])('%s', (_, authorities, expected) => {
    expect(below({ authorities })).toEqual(expected);
  });

  it('lets nobody below 13 permit for themselves', () => {
    expect(below({ ages: { own: 12 } })).toEqual(['ages.own own-age']);
    expect(below({ ages: { own: 16 } })).toEqual([]);
  });

  it('says which rule of the document, which rule of the floor, and under which law', () => {
    const [national] = floorProblems({ ...SHIPPED, rules: first(rule('research-and-planning')) });
    expect(national?.message).toBe(
      '(research-and-planning) permits population-health and research before a rule checks the national data opt-out. ' +
        'Floor rule national-data-opt-out-first: Only the person’s own explicit consent may permit such a use before the national data opt-out is checked. ' +
        'Law: NHS Act 2006, section 251, with regulations 2 and 5; national data opt-out operational policy guidance, chapters 5 to 7. Specific consent is exempt.',
    );
  });
});
