import fc from 'fast-check';
import { AUTHORITIES, ORGANISATION_KINDS, PURPOSES } from '../vocabulary.js';
import { DEFAULT_AUTHORITIES } from './authorities.js';
import { provision, type Decision } from './decision.js';
import { DEFAULT_RULES } from './default-policy.js';
import { permits } from './permits.js';
import { openingsOf } from './policy-opening.js';
import type { Policy, Rule } from './policy.js';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const IN_FORCE: Policy = { name: 'x', rules: DEFAULT_RULES, organisations: { Y90001: 'gp', RX901: 'acute' } };
const changed = (id: string, change: Partial<Rule>): readonly Rule[] =>
  DEFAULT_RULES.map((rule) => (rule.id === id ? { ...rule, ...change } : rule));
const held: Rule = {
  id: 'held-back',
  purposes: PURPOSES,
  when: { resourceTypes: ['CarePlan'] },
  effect: 'deny',
  plainEnglish: 'Held back here.',
};

describe('whether a policy may open something that is withheld now', () => {
  it.each<[title: string, planned: Partial<Policy>]>([
    ['the same one', {}],
    ['other words', { name: 'y', rules: changed('local-dissent', { plainEnglish: 'You said no.' }) }],
    ['one permission fewer', { rules: DEFAULT_RULES.filter(({ id }) => id !== 'research-and-planning') }],
    ['one denial more', { rules: [held, ...DEFAULT_RULES] }],
    ['a permission for fewer entries', { rules: changed('research-and-planning', { when: { resourceTypes: ['Condition'] } }) }],
    ['a permission for fewer purposes', { rules: changed('research-and-planning', { purposes: ['research'] }) }],
    ['a denial for more organisations', { rules: changed('type-1-objection', { when: { decision: 'deny' } }) }],
    [
      'a denial that is asked earlier',
      {
        rules: DEFAULT_RULES.toSorted(
          (a, b) => Number(b.id === 'national-data-opt-out') - Number(a.id === 'national-data-opt-out'),
        ),
      },
    ],
    ['a higher age', { ages: { own: 16 } }],
    ['every section as it is shown', { authorities: DEFAULT_AUTHORITIES, ages: { own: 13 }, codes: [] }],
  ])('cannot: %s', (_, planned) => {
    expect(openingsOf({ ...IN_FORCE, ...planned }, IN_FORCE)).toEqual([]);
  });

  it.each<[title: string, planned: Partial<Policy>, why: readonly RegExp[]]>([
    ['one denial fewer', { rules: DEFAULT_RULES.filter(({ id }) => id !== 'withheld-item') }, [/withheld-item/]],
    [
      'a denial for fewer purposes',
      { rules: changed('local-dissent', { purposes: ['direct-care'] }) },
      [/local-dissent.*\(care-coordination\)$/, /local-dissent.*\(population-health, research\)$/],
    ],
    [
      'a denial for fewer entries',
      { rules: changed('withheld-item', { when: { decision: 'deny', resourceTypes: ['Condition'] } }) },
      [/withheld-item/],
    ],
    [
      'a permission for more purposes, before an objection is asked',
      { rules: changed('explicit-consent', { when: {}, purposes: ['population-health', 'research', 'direct-care'] }) },
      [/explicit-consent.*national-data-opt-out.*research/],
    ],
    [
      'one permission more',
      { rules: [...DEFAULT_RULES.slice(0, 3), { ...held, id: 'plans-shared', effect: 'permit' }, ...DEFAULT_RULES.slice(3)] },
      [/plans-shared.*type-1-objection.*research/],
    ],
    [
      'others who may lift',
      { authorities: { ...DEFAULT_AUTHORITIES, 'local-dissent': { recordedBy: ['any'], liftedBy: ['any'] } } },
      [/^authorities/],
    ],
    [
      'others who may merge',
      { identity: { demographics: ['X26'], merges: ['recorded'], unmerges: [], deaths: [] } },
      [/^identity/],
    ],
    ['another kind of organisation', { organisations: { ...IN_FORCE.organisations, Y90001: 'acute' } }, [/^organisations/]],
    ['a lower age', { ages: { own: 12 } }, [/^ages.own/]],
    ['a code that was not known', { codes: ['38341003'] }, [/38341003/]],
    ['a denial that makes a code known', { rules: [{ ...held, when: { codes: ['38341003'] } }, ...DEFAULT_RULES] }, [/38341003/]],
  ])('may: %s', (_, planned, why) => {
    const openings = openingsOf({ ...IN_FORCE, ...planned }, IN_FORCE);
    for (const one of why) expect(openings).toContainEqual(expect.stringMatching(one));
  });

  it('never says of a policy that it cannot open where it does, whatever the rules, the decisions and the entry', () => {
    const rule = fc.record({
      purposes: fc.subarray([...PURPOSES], { minLength: 1 }),
      decision: fc.constantFrom('permit' as const, 'deny' as const, undefined),
      authority: fc.constantFrom(...AUTHORITIES),
      kinds: fc.option(fc.subarray(ORGANISATION_KINDS.slice(0, 2), { minLength: 1 }), { nil: undefined }),
      types: fc.option(fc.subarray(['Observation', 'Condition'], { minLength: 1 }), { nil: undefined }),
      effect: fc.constantFrom('permit' as const, 'deny' as const),
    });
    const rules = fc.array(rule, { minLength: 1, maxLength: 5 });
    const decisions = fc.array(
      fc.record({ authority: fc.constantFrom(...AUTHORITIES), effect: fc.constantFrom('permit' as const, 'deny' as const) }),
      { maxLength: 3 },
    );
    const edits = fc.array(fc.tuple(fc.constantFrom('drop', 'add', 'move'), fc.nat(), fc.nat(), rule), { maxLength: 3 });
    let shown = 0;
    fc.assert(
      fc.property(rules, edits, decisions, fc.constantFrom('Y90001', 'RX901', 'ZZ9'), (before, changes, made, organisation) => {
        const after = [...before];
        for (const [what, from, to, one] of changes) {
          if (what === 'add') after.splice(to % (after.length + 1), 0, one);
          else {
            const [taken] = after.splice(from % Math.max(1, after.length), 1);
            if (what === 'move' && taken !== undefined) after.splice(to % (after.length + 1), 0, taken);
          }
        }
        const [planned, inForce] = [after, before].map((list): Policy => ({ ...IN_FORCE, rules: list.map(ruleOf) })) as [
          Policy,
          Policy,
        ];
        if (openingsOf(planned, inForce).length > 0) return;
        shown += 1;
        const entry = {
          id: `${organisation}/Observation/1`,
          organisation,
          resourceType: 'Observation',
          occurredAt: null,
          resource: { resourceType: 'Observation' },
        };
        for (const purpose of PURPOSES) {
          const is = permits(entry as never, purpose, made.map(decisionOf), planned, NOW).permitted;
          const was = permits(entry as never, purpose, made.map(decisionOf), inForce, NOW).permitted;
          expect(is && !was).toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(shown).toBeGreaterThan(200);
  });
});

interface Drawn {
  readonly purposes: Rule['purposes'];
  readonly decision: 'permit' | 'deny' | undefined;
  readonly authority: (typeof AUTHORITIES)[number];
  readonly kinds: Rule['when']['organisationKinds'];
  readonly types: readonly string[] | undefined;
  readonly effect: Rule['effect'];
}

function ruleOf({ purposes, decision, authority, kinds, types, effect }: Drawn, index: number): Rule {
  const when = {
    ...(decision !== undefined && { decision }),
    ...(kinds !== undefined && { organisationKinds: kinds }),
    ...(types !== undefined && { resourceTypes: types }),
  };
  return { id: `r${index}`, purposes, when, effect, plainEnglish: 'x', ...(decision !== undefined && { authority }) };
}

function decisionOf(
  { authority, effect }: Pick<Decision, 'authority'> & { readonly effect: 'permit' | 'deny' },
  index: number,
): Decision {
  return {
    id: `d${index}`,
    source: 'urn:ods:Y90001',
    consentId: `c${index}`,
    authority,
    status: 'active',
    receivedAt: NOW - 1_000 + index,
    decidedBy: 'proxy',
    recorder: { as: 'governance', organisation: null, subject: 'somebody' },
    provision: provision(effect, PURPOSES),
    digest: `${index}`,
    recordedAt: new Date(NOW).toISOString(),
  };
}
