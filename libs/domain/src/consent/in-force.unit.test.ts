import fc from 'fast-check';
import { AUTHORITIES, PURPOSES, type Purpose } from '../vocabulary.js';
import { permittingNothing, type Decision } from './decision.js';
import { DAY, decision, deny, GOVERNANCE, NOW, organisation, permit, POLICY } from './decisions.fixture.js';
import { holdsAt, inForce, spanAt } from './in-force.js';
import { momentAt } from './moment.js';

const nobody = { birthDates: () => [], deaths: () => [] };
const current = (decisions: readonly Decision[], at = NOW, purpose: Purpose = 'research') =>
  inForce(decisions, purpose, POLICY, at, nobody).current;
const RESEARCH = ['research'] as const;

describe('the decisions in force', () => {
  it('are those that nothing has replaced, the earliest first', () => {
    const [first, second] = [decision({}, deny(RESEARCH)), decision({ authority: 'type-1' }, deny(RESEARCH))];
    expect(current([second, first])).toEqual([first, second]);
  });

  it('say what each of the others gave way to', () => {
    const [out, back] = [decision({}, deny(RESEARCH)), decision({}, permit(RESEARCH))];
    expect(inForce([out, back], 'research', POLICY, NOW, nobody).replacedBy.get(out)).toBe(back);
  });

  it('come and go to the millisecond, and the earlier one is current again when the later has expired', () => {
    const out = decision({}, deny(RESEARCH));
    const pause = decision({}, { ...permit(RESEARCH), from: NOW, until: NOW + DAY });
    expect([NOW - 1, NOW, NOW + DAY - 1, NOW + DAY].map((at) => current([out, pause], at))).toEqual([
      [out],
      [pause],
      [pause],
      [out],
    ]);
  });

  it('of one purpose are not replaced by a decision for another', () => {
    const [out, back] = [decision({}, deny(PURPOSES)), decision({}, permit(['direct-care']))];
    expect(current([out, back])).toEqual([out]);
    expect(current([out, back], NOW, 'direct-care')).toEqual([back]);
  });

  it('do not end by a circle of versions', () => {
    const versions = [{ versionId: 2 }, { lastUpdated: 5 }, { versionId: 1, lastUpdated: 6 }].map((version) =>
      decision({ consentId: 'v', version }, deny(RESEARCH)),
    );
    expect(current(versions)).toHaveLength(1);
  });

  it('do not end by a permission that was recorded without its giver', () => {
    const mine = { authority: 'explicit-consent', recorder: organisation('RX901'), source: 'urn:ods:RX901' } as const;
    const [out, back] = [decision(mine, deny(RESEARCH)), decision(mine, permit(RESEARCH))];
    expect(current([out, back])).toContain(out);
    expect(current([out, { ...back, decidedBy: 'proxy' }])).toEqual([{ ...back, decidedBy: 'proxy' }]);
  });

  it('stay ended by what an organisation denied, when that organisation then permits its own alone', () => {
    const from = { authority: 'explicit-consent', decidedBy: 'proxy' } as const;
    const mine = { ...from, recorder: organisation('RX901'), source: 'urn:ods:RX901' };
    const everything = decision({ ...from, recorder: GOVERNANCE }, permit(RESEARCH));
    const [nothing, itsOwn] = [decision(mine, deny(RESEARCH)), decision(mine, permit(RESEARCH))];
    expect(current([everything, nothing, itsOwn])).toEqual([itsOwn]);
  });

  it('of an organisation that nobody named are nobody’s to lift but governance’s', () => {
    const out = decision({ recorder: organisation(null) }, deny(RESEARCH));
    expect(current([out, decision({ recorder: organisation(null) }, permit(RESEARCH))])).toContain(out);
    expect(current([out, decision({ recorder: GOVERNANCE }, permit(RESEARCH))])).not.toContain(out);
  });
});

describe('a message that could not be read', () => {
  const unread = (more: Partial<Decision> = {}) =>
    decision({ id: 'x', source: 'urn:ods:RX901', consentId: 'weft.consent/0/7', unread: true, ...more }, deny(PURPOSES));
  const mended = (more: Partial<Decision>) => decision({ source: 'urn:ods:RX901', ...more }, permit(RESEARCH));

  it('closes until the same event is read, or one that mends its place', () => {
    const closing = unread();
    expect(current([closing])).toEqual([closing]);
    for (const mends of [mended({ id: 'x' }), mended({ id: 'y', mends: 'weft.consent/0/7' })]) {
      expect(current([closing, mends])).toEqual([mends]);
      expect(current([mends, closing])).toEqual([mends]);
    }
  });

  it('goes on closing whatever else is decided', () => {
    const closing = unread();
    for (const other of [
      mended({ id: 'y' }),
      mended({ id: 'x', source: 'urn:ods:RX902' }),
      mended({ id: 'z', mends: 'weft.consent/0/8' }),
    ]) {
      expect(current([closing, other, decision({}, permit(PURPOSES))])).toContain(closing);
    }
  });

  it('goes on closing whatever else could not be read, in whichever order the two were recorded', () => {
    const hiding = (at: number, type: string): Decision => {
      const hidden = deny(RESEARCH, { kind: 'classes', codes: [{ code: type }] });
      const said = permittingNothing({ ...permit(RESEARCH), provisions: [hidden] });
      return { ...unread({ id: type, consentId: `weft.consent/0/${at}`, receivedAt: NOW - DAY }), provision: said };
    };
    const [first, second] = [hiding(7, 'Condition'), hiding(8, 'CarePlan')];
    const later = { ...second, receivedAt: NOW };
    expect(current([first, second])).toEqual([first, second]);
    expect(current([second, first])).toEqual([second, first]);
    expect(current([first, later])).toEqual([first, later]);
  });
});

describe('a span', () => {
  const dated = decision({}, { ...deny(RESEARCH), from: NOW + DAY, until: NOW + 2 * DAY });

  it('lasts from one beginning or end to the next', () => {
    const span = spanAt([dated], momentAt(NOW + DAY));
    expect(span).toEqual({ since: NOW + DAY, until: NOW + 2 * DAY });
    expect([NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY].map((at) => holdsAt(span, momentAt(at)))).toEqual([false, true, false]);
    expect(spanAt([], momentAt(NOW))).toEqual({ since: null, until: null });
  });

  it('ends at the next boundary, of an exception too', () => {
    const nested = decision({}, { ...permit(RESEARCH), provisions: [{ ...deny(RESEARCH), from: NOW + 5 }] });
    const ends = [NOW, NOW + DAY, NOW + 2 * DAY].map((at) => spanAt([dated], momentAt(at)).until);
    expect(ends).toEqual([NOW + DAY, NOW + 2 * DAY, null]);
    expect(spanAt([nested], momentAt(NOW)).until).toBe(NOW + 5);
  });
});

/** Decisions of a few people and organisations in a little time, so that equals, replacements and versions are common. */
const decisions = fc.array(
  fc
    .record({
      effect: fc.constantFrom('permit' as const, 'deny' as const),
      purposes: fc.subarray([...PURPOSES], { minLength: 1 }),
      limited: fc.boolean(),
      authority: fc.constantFrom(...AUTHORITIES),
      recorder: fc.constantFrom(GOVERNANCE, organisation('Y90001'), organisation('RX901')),
      receivedAt: fc.integer({ min: 0, max: 5 }).map((day) => NOW + day * DAY),
      ago: fc.option(fc.integer({ min: 0, max: 3 })),
      isDay: fc.boolean(),
      consentId: fc.option(fc.constantFrom('v', 'w')),
      versionId: fc.integer({ min: 1, max: 1000 }),
      status: fc.constantFrom('active' as const, 'active' as const, 'withdrawn' as const),
    })
    .map(({ effect, purposes, limited, recorder, receivedAt, ago, isDay, consentId, versionId, ...rest }) => {
      const from = receivedAt - (ago ?? 0) * DAY;
      return decision(
        {
          ...{ ...rest, recorder, receivedAt, decidedBy: 'proxy', source: `urn:ods:${recorder.organisation ?? 'governance'}` },
          ...(ago !== null && { made: { from, until: isDay ? from + DAY : from } }),
          ...(consentId !== null && { consentId, version: { versionId } }),
        },
        (effect === 'deny' ? deny : permit)(
          purposes,
          ...(limited ? [{ kind: 'recorded-by' as const, organisations: ['RX901'] }] : []),
        ),
      );
    }),
  { maxLength: 12 },
);
const at = NOW + 10 * DAY;

/** Of two permissions, or two denials, of one instant the one that arrives later counts, and so of two versions of one number. */
function hasTies(all: readonly Decision[]): boolean {
  const names = all.map(({ provision: { effect }, made, receivedAt }) => {
    const [first, last] =
      made === undefined ? [receivedAt, receivedAt] : [made.from, Math.min(Math.max(made.from, made.until - 1), receivedAt)];
    return `${effect} ${effect === 'permit' ? first : last}`;
  });
  const versions = all.map(({ source, consentId, version }) => `${source} ${consentId} ${version?.versionId}`);
  return new Set(names).size < names.length || new Set(versions).size < versions.length;
}

describe('for any decisions', () => {
  it('it does not matter in which order they arrive, unless two are of one instant', () => {
    fc.assert(
      fc.property(decisions, fc.constantFrom(...PURPOSES), fc.infiniteStream(fc.nat()), (all, purpose, chance) => {
        fc.pre(!hasTies(all));
        const shuffled = all.map((one) => ({ one, by: chance.next().value as number })).sort((a, b) => a.by - b.by);
        const set = (some: readonly Decision[]) => new Set(current(some, at, purpose));
        expect(set(shuffled.map(({ one }) => one))).toEqual(set(all));
      }),
    );
  });

  it('whatever has been replaced, was by something that has not, or by what itself was replaced: never in a circle', () => {
    fc.assert(
      fc.property(decisions, fc.constantFrom(...PURPOSES), (all, purpose) => {
        const { replacedBy } = inForce(all, purpose, POLICY, at, nobody);
        for (const start of replacedBy.keys()) {
          let steps = 0;
          for (let one: Decision | undefined = start; one !== undefined; one = replacedBy.get(one)) steps += 1;
          expect(steps).toBeLessThanOrEqual(all.length);
        }
      }),
    );
  });

  it('opting out and in again for the same uses equals never having opted out', () => {
    fc.assert(
      fc.property(fc.subarray([...PURPOSES], { minLength: 1 }), fc.constantFrom(...AUTHORITIES), (purposes, authority) => {
        const pair = [decision({ authority }, deny(purposes)), decision({ authority }, permit(purposes))];
        for (const purpose of PURPOSES)
          expect(current(pair, at, purpose).filter(({ provision: { effect } }) => effect === 'deny')).toEqual([]);
      }),
    );
  });
});

describe('a person with very many decisions', () => {
  const many = 2_000;
  it.each<[string, (index: number) => Decision]>([
    ['flipping between out and in', (index) => decision({}, (index % 2 === 0 ? deny : permit)(RESEARCH))],
    [
      'versions of one Consent, the newest first',
      (index) => decision({ consentId: 'v', version: { versionId: many - index } }, deny(RESEARCH)),
    ],
    ['versions of one Consent that have not begun', () => decision({ consentId: 'v' }, { ...deny(RESEARCH), from: NOW + DAY })],
    [
      'versions of one Consent under two authorities',
      (index) => decision({ consentId: 'v', authority: index < many / 2 ? 'type-1' : 'withheld-item' }, deny(RESEARCH)),
    ],
  ])('is judged without comparing each decision with each: %s', (_, make) => {
    let looked = 0;
    const counted = (one: Decision): Decision =>
      new Proxy(one, {
        get: (target, name) => {
          looked += 1;
          return Reflect.get(target, name) as unknown;
        },
      });
    const all = Array.from({ length: many }, (__, index) => counted(make(index)));
    inForce(all, 'research', POLICY, NOW, nobody);
    expect(looked).toBeLessThan(many * 200);
  });
});
