import fc from 'fast-check';
import { AUTHORITIES, PURPOSES } from '@weft/domain';
import type { Code, Limit, NewDecision, Provision } from '@weft/domain';
import { decisionsOfConsent } from './consent-in.js';
import { consentOf, type ConsentParts } from './consent-out.js';
import { ANNE, BEN, NOW, organisations } from './consents.fixture.js';
import { fhirProblems } from './fhir.js';

const about = {
  ...{ id: 'e-1', source: 'urn:weft:governance', digest: 'd', receivedAt: NOW },
  recorder: { as: 'governance', organisation: null, subject: 'ig' },
} as const;
const context = { ...about, organisations };

const instants = fc.integer({ min: 1, max: Date.UTC(2100, 0, 1) });
const members = <T>(...choices: T[]) => fc.subarray([...choices], { minLength: 1 });
const code = (...texts: string[]): Code[] => texts.map((text) => ({ system: 'http://snomed.info/sct', code: text }));
/** In the order in which they are read. */
const limits: fc.Arbitrary<Limit[]> = fc
  .record(
    {
      'recorded-by': members('RX901', 'Y90001', null).map((all) => ({ organisations: all })),
      entries: members(
        { entry: 'RX901/Observation/o1', reach: 'instance' as const },
        { entry: 'Condition/c.1', reach: 'related' as const },
        { entry: 'Encounter/e-1', reach: 'dependents' as const },
        null,
      ).map((all) => ({ entries: all })),
      codes: members<Code | null>(...code('86406008', '1'), { code: 'XaXxX' }, null).map((all) => ({ codes: all })),
      classes: members<Code | null>({ code: 'Observation' }, ...code('2'), null).map((all) => ({ codes: all })),
      labels: members<Code | null>({ code: 'R' }, ...code('3'), null).map((all) => ({ codes: all })),
      'data-period': fc.record({ from: instants, until: instants }, { requiredKeys: [] }).map(inOrder),
    },
    { requiredKeys: [] },
  )
  .map((all) => Object.entries(all).map(([kind, rest]) => ({ kind, ...rest }) as Limit))
  // A limit of which nothing can be read is another matter.
  .filter((all) =>
    all.every((limit) => Object.values(limit).every((list: unknown) => !Array.isArray(list) || list.some((one) => one !== null))),
  );

function inOrder<T extends { from?: number; until?: number }>(span: T): T {
  const { from, until } = span;
  return from !== undefined && until !== undefined
    ? { ...span, from: Math.min(from, until), until: Math.max(from, until) + 1 }
    : span;
}

function provisionsOf(exceptions: fc.Arbitrary<Provision[]>): fc.Arbitrary<Provision> {
  return fc
    .record(
      {
        effect: fc.constantFrom('permit' as const, 'deny' as const),
        purposes: members(...PURPOSES),
        limits,
        provisions: exceptions,
        // What is over before it is made has no period.
        from: instants,
        until: fc.integer({ min: NOW, max: Date.UTC(2100, 0, 1) }),
      },
      { requiredKeys: ['effect', 'purposes', 'limits', 'provisions'] },
    )
    .map(inOrder);
}
const nested = provisionsOf(fc.array(provisionsOf(fc.constant([])), { maxLength: 1 }));

const parts: fc.Arbitrary<ConsentParts> = fc.record({
  subject: fc.constantFrom(ANNE, BEN),
  consentId: fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/),
  authority: fc.constantFrom(...AUTHORITIES),
  status: fc.constantFrom('active' as const, 'withdrawn' as const),
  decidedAt: instants.filter((at) => at < NOW).map((at) => new Date(at).toISOString()),
  decidedBy: fc.constantFrom('patient', 'proxy', 'organisation', 'not-stated'),
  provision: provisionsOf(fc.array(nested, { maxLength: 2 })),
});

describe('the Consent of a decision', () => {
  it('is read back as that decision, and is FHIR R4', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const { subject, ...decision } = given;
        const made = consentOf(given);
        expect(fhirProblems(made)).toEqual([]);
        const at = Date.parse(decision.decidedAt as string);
        const expected: NewDecision = { ...about, ...decision, made: { from: at, until: at } };
        expect(decisionsOfConsent(made, context)).toMatchObject({ ok: true, subject, decisions: [expected] });
      }),
    );
  });

  it('of a limit that could not be read is one that cannot be: a denial stays as wide', () => {
    const unread: Limit[] = [{ kind: 'unread', field: 'actor' }];
    const given = { subject: ANNE, consentId: 'c', authority: 'local-dissent', status: 'active', decidedBy: 'patient' } as const;
    const provision = { effect: 'deny', purposes: PURPOSES, limits: unread, provisions: [] } as const;
    const reading = decisionsOfConsent(consentOf({ ...given, provision }), context);
    expect(reading).toMatchObject({ ok: true, decisions: [{ provision: { effect: 'deny', limits: [{ kind: 'unread' }] } }] });
  });

  it('that was made at no certain time has no date', () => {
    const given = {
      subject: ANNE,
      consentId: 'c',
      authority: 'local-dissent',
      status: 'active',
      decidedBy: 'not-stated',
    } as const;
    const provision = { effect: 'deny', purposes: PURPOSES, limits: [], provisions: [] } as const;
    const made = consentOf({ ...given, provision });
    expect([made['dateTime'], made['performer']]).toEqual([undefined, undefined]);
  });
});
