import { AUTHORITIES, PURPOSES, type Authority } from '../vocabulary.js';
import { DEFAULT_AUTHORITIES, mayLift, mayMake, opensOnly } from './authorities.js';
import { grants, provision, type Recorder } from './decision.js';
import { decision, deny, GOVERNANCE, NDOO, organisation, permit, POLICY } from './decisions.fixture.js';
import { vetted } from './vetting.js';

const [GP, ACUTE, MENTAL, UNKNOWN, NAMELESS] = [...['Y90001', 'RX901', 'RX902', 'ZZ9'].map(organisation), organisation(null)] as [
  Recorder,
  Recorder,
  Recorder,
  Recorder,
  Recorder,
];
const WHO: readonly [string, Recorder][] = [
  ['governance', GOVERNANCE],
  ['the national import', NDOO],
  ['a GP practice', GP],
  ['a trust', ACUTE],
  ['an organisation of unknown kind', UNKNOWN],
  ['an organisation that nobody named', NAMELESS],
];

/** Who may object and permit under which authority. `O`: object; `P`: permit, if a giver is named where one is needed. */
const MAY: Readonly<Record<Authority, readonly string[]>> = {
  //                       governance  import  GP    trust  unknown  nameless
  'national-data-opt-out': ['OP', 'OP', '', '', '', ''],
  'type-1': ['OP', '', 'OP', '', '', ''],
  'local-dissent': ['OP', 'O', 'OP', 'OP', 'OP', 'O'],
  'withheld-item': ['OP', '', 'OP', 'OP', 'OP', ''],
  'explicit-consent': ['OP', 'O', 'OP', 'OP', 'OP', 'O'],
};

describe('who may make a decision, by the shipped policy', () => {
  it.each(
    AUTHORITIES.flatMap((authority) =>
      WHO.map(([who, recorder], index) => ({ who, recorder, authority, may: MAY[authority][index]! })),
    ),
  )('$who under $authority: $may', ({ recorder, authority, may }) => {
    const taken = (said: ReturnType<typeof deny>) =>
      vetted([decision({ authority, recorder, decidedBy: 'proxy' }, said)], POLICY).decisions.length > 0;
    expect(`${taken(deny(PURPOSES)) ? 'O' : ''}${taken(permit(PURPOSES)) ? 'P' : ''}`).toBe(may);
  });

  it('is asked of the effect: the national import may withdraw explicit consent, and not give it', () => {
    expect([mayMake(NDOO, 'explicit-consent', 'deny', POLICY), mayMake(NDOO, 'explicit-consent', 'permit', POLICY)]).toEqual([
      true,
      false,
    ]);
  });

  it('says in its answer nothing of what is current', () => {
    const { problems } = vetted([decision({ authority: 'national-data-opt-out', recorder: ACUTE }, permit(PURPOSES))], POLICY);
    expect(problems).toEqual([
      {
        field: 'Consent.policy',
        code: 'not-yours-to-lift',
        message: 'who publishes here may not lift an objection under national-data-opt-out',
      },
    ]);
  });
});

describe('who may lift an objection', () => {
  const under = (authority: Authority, recorder: Recorder) => decision({ authority, recorder }, deny(PURPOSES));
  const lifts = (authority: Authority, by: Recorder, of: Recorder) =>
    mayLift(decision({ authority, recorder: by }, permit(PURPOSES)), under(authority, of), POLICY);

  it.each<[string, Authority, Recorder, Recorder, boolean]>([
    ['governance anybody’s', 'local-dissent', GOVERNANCE, ACUTE, true],
    ['an organisation its own', 'local-dissent', ACUTE, ACUTE, true],
    ['an organisation another’s', 'local-dissent', ACUTE, MENTAL, false],
    ['an organisation governance’s', 'local-dissent', ACUTE, GOVERNANCE, false],
    ['the national import its own national opt-out', 'national-data-opt-out', NDOO, NDOO, true],
    ['the national import governance’s', 'national-data-opt-out', NDOO, GOVERNANCE, true],
    ['a GP practice a national opt-out', 'national-data-opt-out', GP, NDOO, false],
    ['a GP practice its own type 1', 'type-1', GP, GP, true],
    ['nobody what nobody named', 'local-dissent', NAMELESS, NAMELESS, false],
    ['the national import a dissent', 'local-dissent', NDOO, ACUTE, false],
  ])('%s', (_, authority, lifter, recorder, may) => expect(lifts(authority, lifter, recorder)).toBe(may));

  it('is a locality’s to say', () => {
    const strict = {
      ...POLICY,
      authorities: { ...DEFAULT_AUTHORITIES, 'local-dissent': { recordedBy: ['any'], liftedBy: ['governance'] } },
    } as const;
    const [out, back] = [under('local-dissent', ACUTE), decision({ recorder: ACUTE }, permit(PURPOSES))];
    expect([mayLift(back, out, POLICY), mayLift(back, out, strict)]).toEqual([true, false]);
  });
});

describe('what an organisation’s permission opens', () => {
  it.each<[Authority, Recorder, string | null]>([
    ['explicit-consent', ACUTE, 'RX901'],
    ['withheld-item', ACUTE, 'RX901'],
    ['local-dissent', ACUTE, null],
    ['explicit-consent', GOVERNANCE, null],
    ['type-1', GP, null],
  ])('under %s', (authority, recorder, opens) =>
    expect(opensOnly(decision({ authority, recorder }, permit(PURPOSES)), POLICY)).toBe(opens),
  );
});

describe('a Consent of which a part may be made', () => {
  const mine = { authority: 'explicit-consent', recorder: ACUTE } as const;
  const exception = provision('deny', PURPOSES, { provisions: [permit(PURPOSES)] });

  it('is taken with that part, and ends no denial by the other', () => {
    const { decisions, problems } = vetted([decision(mine, exception)], POLICY);
    expect(problems.map(({ code }) => code)).toEqual(['performer-required']);
    expect(decisions).toMatchObject([{ liftsNothing: true, provision: { effect: 'deny', provisions: [] } }]);
    expect(grants(decisions[0]!.provision)).toBe(false);
  });

  it('is taken whole where its giver is named', () => {
    const whole = decision({ ...mine, decidedBy: 'patient' }, exception);
    expect(vetted([whole], POLICY)).toEqual({ decisions: [whole], problems: [] });
  });

  it('of two authorities is taken under the one', () => {
    const both = (['withheld-item', 'national-data-opt-out'] as const).map((authority) =>
      decision({ authority, recorder: ACUTE }, deny(PURPOSES)),
    );
    const { decisions, problems } = vetted(both, POLICY);
    expect([decisions, problems.map(({ code }) => code)]).toEqual([[both[0]], ['not-yours-to-make']]);
  });

  it('may be withdrawn by anybody: it reaches only what the same source recorded', () => {
    const withdrawn = decision({ authority: 'national-data-opt-out', recorder: ACUTE, status: 'withdrawn' }, deny(PURPOSES));
    expect(vetted([withdrawn], POLICY)).toEqual({ decisions: [withdrawn], problems: [] });
  });
});
