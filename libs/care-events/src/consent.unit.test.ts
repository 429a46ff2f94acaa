import fc from 'fast-check';
import { AUTHORITIES, PURPOSES } from '@weft/domain';
import type { Provision } from '@weft/domain';
import { decisionOfConsent } from './consent-in.js';
import { consentOf } from './consent-out.js';
import type { ConsentParts } from './consent-out.js';
import { fhirProblems } from './fhir.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const [ANNE, BEN] = ['9990033471', '9990079196'];
const context = { id: 'e-1', source: 'urn:ods:RX901', subject: ANNE, now: NOW };
const ACT = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const purpose = (...codes: string[]) => codes.map((code) => ({ system: ACT, code }));
const consent = (changes: Record<string, unknown> = {}) => ({
  resourceType: 'Consent',
  id: 'c-1',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
  patient: { identifier: { system: NHS, value: ANNE } },
  dateTime: '2026-02-01T10:00:00+01:00',
  policy: [{ uri: 'https://digital.nhs.uk/national-data-opt-out' }],
  provision: { type: 'permit', purpose: purpose('HRESCH') },
  ...changes,
});

function decisionOf(changes: Record<string, unknown> = {}) {
  const reading = decisionOfConsent(consent(changes), context);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.event.decision;
}
const provisionOf = (provision: object) => decisionOf({ provision }).provision;
function refusals(changes: Record<string, unknown>, of = context): string[] {
  const reading = decisionOfConsent(consent(changes), of);
  return reading.ok ? [] : reading.problems.map(({ field, code }) => `${field} ${code}`);
}

describe('the decision of a Consent', () => {
  it('says who, what, when, and under which authority', () => {
    expect(decisionOfConsent(consent(), context)).toEqual({
      ok: true,
      event: {
        subject: ANNE,
        decision: {
          id: 'e-1',
          source: 'urn:ods:RX901',
          consentId: 'c-1',
          authority: 'national-data-opt-out',
          status: 'active',
          decidedAt: '2026-02-01T09:00:00.000Z',
          decidedBy: 'patient',
          provision: { effect: 'permit', purposes: ['research'] },
          exceptions: [],
        },
      },
    });
  });

  it.each([
    ['active', 'active', 'permit'],
    ['inactive', 'withdrawn', 'permit'],
    ['entered-in-error', 'withdrawn', 'permit'],
    ['rejected', 'active', 'deny'],
    ['draft', 'active', 'deny'],
    ['proposed', 'active', 'deny'],
    ['perhaps', 'active', 'deny'],
    [undefined, 'active', 'deny'],
  ])('of status %s stands as %s, %s', (status, stands, effect) => {
    expect(decisionOf({ status })).toMatchObject({ status: stands, provision: { effect } });
  });

  it.each([
    ['no provision', { provision: undefined }],
    ['a provision without type', { provision: { purpose: purpose('HRESCH') } }],
    ['a type that FHIR does not know', { provision: { type: 'maybe' } }],
    ['an extension that may turn it round', { provision: { type: 'permit', modifierExtension: [{ url: 'urn:not' }] } }],
    ['such an extension of the whole', { modifierExtension: [{ url: 'urn:not' }] }],
  ])('is deny when it is unclear: %s', (_, changes) => expect(decisionOf(changes).provision.effect).toBe('deny'));

  it.each([
    [{ policy: [{ uri: 'https://weft.example/policies/type-1/' }] }, 'type-1'],
    [{ policy: [{ authority: 'urn:x' }, { uri: 'urn:weft:authority:withheld-item' }] }, 'withheld-item'],
    [{ policy: undefined, policyRule: { coding: [{ code: 'explicit-consent' }] } }, 'explicit-consent'],
    [{ policy: undefined, category: [{ coding: [{ code: '59284-0' }, { code: 'type-1' }] }] }, 'type-1'],
    [{ policy: [{ uri: 'urn:x:not-type-1' }] }, 'local-dissent'],
    [{ policy: undefined }, 'local-dissent'],
  ])('is under the authority that %j names', (changes, authority) => expect(decisionOf(changes).authority).toBe(authority));

  it.each([
    [undefined, 'patient'],
    [[{ reference: 'Patient/p1' }], 'patient'],
    [[{ identifier: { system: NHS, value: ANNE } }], 'patient'],
    [[{ reference: 'RelatedPerson/r1' }], 'proxy'],
    [[{ type: 'RelatedPerson', display: 'x' }], 'proxy'],
    [[{ reference: 'Practitioner/x' }], 'organisation'],
    [[{ reference: 'Organization/RX901' }], 'organisation'],
  ])('was made by whom %j performed it', (performer, role) => expect(decisionOf({ performer }).decidedBy).toBe(role));
});

describe('a Consent without an id', () => {
  it('is known by its event’s', () => expect(decisionOf({ id: undefined }).consentId).toBe('e-1'));
});

describe('the purposes of a decision', () => {
  it('are given by HL7 code or by Weft’s own name', () => {
    expect(provisionOf({ type: 'deny', purpose: purpose('TREAT', 'COC', 'POPHLTH', 'HRESCH') }).purposes).toEqual(PURPOSES);
    expect(provisionOf({ type: 'deny', purpose: [{ code: 'care-coordination' }] }).purposes).toEqual(['care-coordination']);
  });

  it('are all of them where none is given', () => expect(provisionOf({ type: 'deny' }).purposes).toEqual(PURPOSES));

  it('leave out those that Weft does not serve, and are refused when no other is given', () => {
    expect(provisionOf({ type: 'deny', purpose: purpose('HMARKT', 'HRESCH') }).purposes).toEqual(['research']);
    const reading = decisionOfConsent(consent({ provision: { type: 'deny', purpose: purpose('HMARKT') } }), context);
    expect(!reading.ok && reading.problems).toEqual([
      { field: 'Consent.provision.purpose', code: 'unknown-purpose', message: 'none of TREAT, COC, POPHLTH, HRESCH, but HMARKT' },
    ]);
  });
});

describe('the period of a decision', () => {
  const periodOf = (period: object) => {
    const { from, until } = provisionOf({ type: 'deny', period });
    return [from, until].map((time) => (time === undefined ? undefined : new Date(time).toISOString()));
  };

  it.each([
    [{}, undefined, undefined],
    [{ start: '2026-03-01', end: '2026-03-31' }, '2026-03-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'],
    [{ end: '2024-02' }, undefined, '2024-03-01T00:00:00.000Z'],
    [{ start: '2026', end: '2026' }, '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    [{ end: '2026-12-31' }, undefined, '2027-01-01T00:00:00.000Z'],
    [{ end: '2026-03-31T23:00:00+01:00' }, undefined, '2026-03-31T22:00:00.000Z'],
  ])('%j ends with the last moment of its end', (period, from, until) => expect(periodOf(period)).toEqual([from, until]));

  it('is refused when it is none', () => {
    expect(refusals({ provision: { type: 'deny', period: { start: '2026-02-30' } } })).toEqual([
      'Consent.provision.period.start malformed',
    ]);
    expect(refusals({ provision: { type: 'deny', period: { start: '2026-03', end: '2025' } } })).toEqual([
      'Consent.provision.period malformed',
    ]);
  });
});

describe('what a decision is limited to', () => {
  it('is organisations, entries and categories', () => {
    const provision = {
      type: 'permit',
      actor: [
        { reference: { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: 'RX901' } } },
        { reference: { reference: 'Organization/Y90001' } },
      ],
      data: [
        { meaning: 'instance', reference: { reference: 'Observation/o1' } },
        { meaning: 'instance', reference: { reference: 'RX901/Condition/c.1' } },
        { meaning: 'instance', reference: { reference: 'https://epr.example/fhir/Procedure/p-1/_history/2' } },
      ],
      code: [{ coding: [{ code: '86406008' }, { code: 'XaXxX' }] }],
    };
    expect(provisionOf(provision)).toMatchObject({
      organisations: ['RX901', 'Y90001'],
      entries: ['Observation/o1', 'RX901/Condition/c.1', 'Procedure/p-1'],
      categories: ['86406008', 'XaXxX'],
    });
  });

  it('collects the categories of a denial from wherever they stand', () => {
    const provision = {
      type: 'deny',
      class: [{ code: 'Observation' }],
      code: [{ coding: [{ code: 'x' }] }],
      securityLabel: [{ code: 'R' }],
    };
    expect(provisionOf(provision).categories).toEqual(['Observation', 'x', 'R']);
  });

  it.each([
    [
      'an actor who is no organisation',
      'actor',
      { actor: [{ reference: { reference: 'Organization/RX901' } }, { reference: { reference: 'Practitioner/1' } }] },
    ],
    ['data that name an author', 'data', { data: [{ meaning: 'authoredby', reference: { reference: 'Practitioner/1' } }] }],
    ['a code in words only', 'class', { code: [{ text: 'sexual health' }] }],
    ['a period of the data', 'dataPeriod', { dataPeriod: { start: '2020' } }],
    ['an action that is no sharing', 'action', { action: [{ coding: [{ code: 'correct' }] }] }],
  ])('never narrows a denial nor widens a permission by what cannot be read: %s', (_, field, limits) => {
    const { organisations, entries, categories, effect } = provisionOf({ type: 'deny', ...limits });
    expect([effect, organisations, entries, categories]).toEqual(['deny', undefined, undefined, undefined]);
    expect(refusals({ provision: { type: 'permit', ...limits } })).toEqual([`Consent.provision.${field} unclear`]);
  });

  it('refuses a permission by several kinds of category, which FHIR means together', () => {
    const provision = { type: 'permit', class: [{ code: 'Observation' }], securityLabel: [{ code: 'N' }] };
    expect(refusals({ provision })).toEqual(['Consent.provision.class unclear']);
  });
});

describe('the exceptions of a decision', () => {
  const nested = { type: 'permit', actor: [{ reference: { reference: 'Organization/RX901' } }] };

  it('inherit the purposes and nothing else', () => {
    const provision = {
      type: 'deny',
      purpose: purpose('TREAT'),
      period: { start: '2026' },
      class: [{ code: 'Observation' }],
      provision: [nested],
    };
    expect(decisionOf({ provision }).exceptions).toEqual([
      { effect: 'permit', purposes: ['direct-care'], organisations: ['RX901'] },
    ]);
    const own = { type: 'deny', purpose: purpose('TREAT'), provision: [{ type: 'permit', purpose: purpose('COC') }] };
    expect(decisionOf({ provision: own }).exceptions[0]?.purposes).toEqual(['care-coordination']);
  });

  it('are denials when they do not say what they are', () => {
    expect(decisionOf({ provision: { type: 'permit', provision: [{ class: [{ code: 'X' }] }] } }).exceptions[0]?.effect).toBe(
      'deny',
    );
  });

  it('permit nothing in what was only proposed, or rejected', () => {
    for (const status of ['proposed', 'rejected']) {
      expect(decisionOf({ status, provision: { type: 'deny', provision: [nested] } }).exceptions).toEqual([]);
    }
  });

  it('have no exceptions of their own', () => {
    expect(refusals({ provision: { type: 'deny', provision: [{ ...nested, provision: [nested] }] } })).toEqual([
      'Consent.provision.provision[0].provision too-deep',
    ]);
  });
});

describe('a Consent is refused', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ dateTime: undefined }, 'Consent.dateTime required'],
    [{ dateTime: 'yesterday' }, 'Consent.dateTime malformed'],
    [{ dateTime: '2026-03-02T12:00:01Z' }, 'Consent.dateTime too-late'],
    [{ patient: { identifier: { system: NHS, value: BEN } } }, 'Consent.patient somebody-else'],
    [{ patient: { reference: `Patient/${BEN}` } }, 'Consent.patient somebody-else'],
    [{ patient: { identifier: { system: NHS, value: '9990079197' } } }, 'Consent.patient nhs-number'],
    [{ resourceType: 'Patient' }, 'resourceType wrong-resource'],
  ])('with %j', (changes, refusal) => expect(refusals(changes)).toEqual([refusal]));

  it('never by a throw', () => {
    const anything = fc.object({
      key: fc.constantFrom('patient', 'provision', 'type', 'period', 'start', 'actor', 'coding', 'identifier'),
      maxDepth: 5,
    });
    fc.assert(
      fc.property(anything, (changes) =>
        expect(typeof decisionOfConsent({ ...consent(), ...changes }, context).ok).toBe('boolean'),
      ),
    );
    expect(decisionOfConsent(null, context).ok).toBe(false);
  });
});

describe('whom a Consent concerns', () => {
  const unaddressed = { id: 'e-1', source: 'urn:ods:RX901', now: NOW };

  it('is told by identifier or reference, for who has no envelope', () => {
    for (const patient of [{ identifier: { system: NHS, value: ANNE } }, { reference: `Patient/${ANNE}` }]) {
      expect(decisionOfConsent(consent({ patient }), unaddressed)).toMatchObject({ ok: true, event: { subject: ANNE } });
    }
  });

  it('may be known to the publisher alone: then the envelope says it', () => {
    const reading = decisionOfConsent(consent({ patient: { reference: 'Patient/p1' } }), unaddressed);
    expect(reading.ok && 'subject' in reading.event).toBe(false);
  });
});

describe('the Consent of a decision', () => {
  const instants = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
  const provisions = fc
    .record(
      {
        effect: fc.constantFrom('permit' as const, 'deny' as const),
        purposes: fc.subarray([...PURPOSES], { minLength: 1 }),
        organisations: fc.subarray(['RX901', 'Y90001'], { minLength: 1 }),
        entries: fc.subarray(['RX901/Observation/o1', 'Condition/c.1'], { minLength: 1 }),
        categories: fc.subarray(['Observation', '86406008', 'R'], { minLength: 1 }),
        period: fc.tuple(instants, instants),
      },
      { requiredKeys: ['effect', 'purposes'] },
    )
    .map(({ period, ...rest }): Provision =>
      period ? { ...rest, from: Math.min(...period), until: Math.max(...period) } : rest,
    );
  const parts: fc.Arbitrary<ConsentParts> = fc.record({
    subject: fc.constantFrom(ANNE, BEN),
    consentId: fc.stringMatching(/^[A-Za-z0-9.-]{1,64}$/),
    authority: fc.constantFrom(...AUTHORITIES),
    status: fc.constantFrom('active' as const, 'withdrawn' as const),
    decidedAt: instants.filter((at) => at < NOW).map((at) => new Date(at).toISOString()),
    decidedBy: fc.constantFrom('patient', 'proxy', 'organisation'),
    provision: provisions,
    exceptions: fc.array(provisions, { maxLength: 2 }),
  });

  it('is read back as that decision, and is FHIR R4', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const { subject, ...decision } = given;
        const made = consentOf(given);
        expect(fhirProblems(made)).toEqual([]);
        expect(decisionOfConsent(made, { id: 'e-1', source: 'urn:ods:RX901', now: NOW })).toEqual({
          ok: true,
          event: { subject, decision: { id: 'e-1', source: 'urn:ods:RX901', ...decision } },
        });
      }),
    );
  });
});
