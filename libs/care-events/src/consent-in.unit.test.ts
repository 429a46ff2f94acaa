import { PURPOSES, type Problem } from '@weft/domain';
import { decisionsOfConsent, isPrivacyConsent, type ConsentContext } from './consent-in.js';
import {
  actor,
  ANNE,
  BEN,
  coded,
  consent,
  deny,
  except,
  item,
  labelled,
  NOW,
  ofClass,
  organisations,
  permit,
  person,
  recordedBy,
  scoped,
} from './consents.fixture.js';

const recorder = { as: 'organisation', organisation: 'RX901', subject: 'epr' } as const;
const context: ConsentContext = {
  ...{ id: 'e-1', source: 'urn:ods:RX901', subject: ANNE, receivedAt: NOW, digest: 'd' },
  ...{ recorder, organisations },
};
const read = (changes: Record<string, unknown> = {}, about: Partial<ConsentContext> = {}) =>
  decisionsOfConsent(
    { ...consent('national-data-opt-out', deny('HRESCH'), { id: 'c-1' }), ...changes },
    { ...context, ...about },
  );
function decisionOf(changes: Record<string, unknown> = {}) {
  const reading = read(changes);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.decisions[0]!;
}
const told = (problems: readonly Problem[]) => problems.map(({ field, code }) => `${field} ${code}`);
function refusals(changes: Record<string, unknown>, about: Partial<ConsentContext> = {}): string[] {
  const reading = read(changes, about);
  return reading.ok ? [] : told(reading.problems);
}
const warnings = (changes: Record<string, unknown>): string[] => {
  const reading = read(changes);
  return reading.ok ? told(reading.warnings) : ['refused'];
};

describe('the decision of a Consent', () => {
  it('says who, what, when, under which authority, and who recorded it', () => {
    expect(
      read({
        dateTime: '2026-02-01T10:00:00+01:00',
        performer: [person()],
        meta: { versionId: '7', lastUpdated: '2026-02-02T00:00:00Z' },
      }),
    ).toEqual({
      ok: true,
      subject: ANNE,
      warnings: [],
      decisions: [
        {
          ...{ id: 'e-1', source: 'urn:ods:RX901', consentId: 'c-1', digest: 'd', recorder, receivedAt: NOW },
          version: { versionId: 7, lastUpdated: Date.parse('2026-02-02T00:00:00Z') },
          authority: 'national-data-opt-out',
          status: 'active',
          decidedAt: '2026-02-01T10:00:00+01:00',
          made: { from: Date.parse('2026-02-01T09:00:00Z'), until: Date.parse('2026-02-01T09:00:00Z') },
          decidedBy: 'patient',
          provision: { effect: 'deny', purposes: ['research'], limits: [], provisions: [] },
        },
      ],
    });
  });

  it('says the place in quarantine that it mends', () => {
    expect(read({}, { mends: 'weft.consent/0/1' })).toMatchObject({ ok: true, decisions: [{ mends: 'weft.consent/0/1' }] });
  });

  it('is one for each authority', () => {
    const policy = ['type-1', 'withheld-item', 'type-1'].map((name) => ({ uri: `urn:weft:authority:${name}` }));
    const reading = read({ policy });
    expect(reading.ok && reading.decisions.map(({ authority }) => authority)).toEqual(['type-1', 'withheld-item']);
  });

  it('has all its limits, each with all its members', () => {
    const provision = deny(
      '',
      recordedBy('RX901', 'Y90001'),
      item('https://epr.example/fhir/Procedure/p-1/_history/2', 'dependents'),
      coded('86406008', 'XaXxX'),
      ofClass('Observation'),
      labelled('R'),
      { dataPeriod: { start: '2020', end: '2020' }, period: { start: '2026-07-01' } },
    );
    expect(decisionOf({ provision }).provision).toEqual({
      effect: 'deny',
      purposes: PURPOSES,
      from: Date.parse('2026-06-30T23:00:00Z'),
      limits: [
        { kind: 'recorded-by', organisations: ['RX901', 'Y90001'] },
        { kind: 'entries', entries: [{ entry: 'Procedure/p-1', reach: 'dependents' }] },
        { kind: 'codes', codes: ['86406008', 'XaXxX'].map((code) => ({ system: 'http://snomed.info/sct', code })) },
        { kind: 'classes', codes: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }] },
        { kind: 'labels', codes: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
        { kind: 'data-period', from: Date.parse('2020-01-01T00:00:00Z'), until: Date.parse('2021-01-01T00:00:00Z') },
      ],
      provisions: [],
    });
  });

  it('ends no denial where what it permits is not in force, and says so', () => {
    const provision = permit('HRESCH', except(deny('', labelled('R'))));
    expect(decisionOf({ provision })).not.toHaveProperty('liftsNothing');
    for (const changes of [{ status: 'draft' }, { implicitRules: 'x' }, { verification: [{}] }, { policy: [{ uri: 'urn:x' }] }])
      expect(decisionOf({ provision, ...changes }).liftsNothing).toBe(true);
    expect(decisionOf({ status: 'inactive' })).not.toHaveProperty('liftsNothing');
    expect(decisionOf({ status: 'inactive', modifierExtension: [] }).liftsNothing).toBe(true);
  });
});

describe('who decided', () => {
  it.each<[unknown, string]>([
    [undefined, 'not-stated'],
    [[], 'not-stated'],
    [[{}], 'not-stated'],
    [[{ display: 'Anne' }], 'not-stated'],
    [person(), 'patient'],
    [[person()], 'patient'],
    [[{ type: 'Patient' }], 'patient'],
    [[{ reference: `Patient/${ANNE}` }], 'patient'],
    [[person(BEN)], 'not-stated'],
    [[{ reference: 'Patient/p2' }], 'not-stated'],
    [[{ reference: 'RelatedPerson/r1' }], 'proxy'],
    [[{ type: 'RelatedPerson', display: 'x' }], 'proxy'],
    [[{ reference: 'https://x/fhir/RelatedPerson/r1' }], 'proxy'],
    [[{ type: 'RelatedPerson', reference: 'RelatedPerson/r1' }], 'proxy'],
    [[{ type: 'RelatedPerson', reference: 'Practitioner/r1' }], 'not-stated'],
    [[{ reference: 'Practitioner/x' }], 'organisation'],
    [[{ reference: 'PractitionerRole/x' }], 'organisation'],
    [[{ reference: 'Organization/RX901' }], 'organisation'],
    [[{ reference: 'Practitioner/x' }, { reference: 'RelatedPerson/r1' }], 'proxy'],
    [[{ reference: 'RelatedPerson/r1' }, person()], 'patient'],
    [[{ reference: '#contained' }], 'not-stated'],
    ['Patient/p1', 'not-stated'],
    [7, 'not-stated'],
  ])('%j: %s', (performer, who) => expect(decisionOf({ performer }).decidedBy).toBe(who));
});

describe('which Consent it is of', () => {
  it('is told by its id, else by the event’s', () => {
    expect(decisionOf().consentId).toBe('c-1');
    for (const id of [undefined, '', 'a b', 'x'.repeat(65), 7, null]) expect(decisionOf({ id }).consentId).toBe('e-1');
    expect(warnings({ id: 'a b' })).toEqual(['Consent.id malformed']);
  });

  it.each<[unknown, unknown]>([
    [{ versionId: '12' }, { versionId: 12 }],
    [{ versionId: '012' }, { versionId: 12 }],
    [{ versionId: 'W/"3"' }, undefined],
    [{ versionId: '-1' }, undefined],
    [{ versionId: '1.5' }, undefined],
    [{ versionId: 3 }, undefined],
    [{ versionId: '1234567890123456' }, undefined],
    [{ lastUpdated: '2026-01-01T00:00:00Z' }, { lastUpdated: Date.parse('2026-01-01T00:00:00Z') }],
    [{ lastUpdated: 'now' }, undefined],
    ['1', undefined],
  ])('of meta %j the version is %j', (meta, version) => expect(decisionOf({ meta }).version).toEqual(version));
});

describe('whom it concerns', () => {
  it('is told by identifier or reference, for who has no envelope', () => {
    for (const patient of [person(), { reference: `Patient/${ANNE}` }, { reference: `https://x/Patient/${ANNE}/_history/1` }])
      expect(decisionsOfConsent(consent('type-1', deny(''), { patient }), { ...context, subject: '' })).toMatchObject({
        ok: false,
      });
    const { subject: _, ...unaddressed } = context;
    for (const patient of [person(), { reference: `Patient/${ANNE}` }])
      expect(decisionsOfConsent(consent('type-1', deny(''), { patient }), unaddressed)).toMatchObject({
        ok: true,
        subject: ANNE,
      });
  });

  it('may be known to the publisher alone: then the envelope says it', () => {
    for (const patient of [
      undefined,
      { reference: 'Patient/p1' },
      'Patient/p1',
      [],
      { identifier: { system: 'x', value: BEN } },
    ]) {
      const reading = read({ patient });
      expect(reading.ok && 'subject' in reading).toBe(false);
      expect(reading.ok).toBe(true);
    }
  });

  it('is not somebody without a number', () => {
    for (const value of [undefined, '', 7])
      expect(read({ patient: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value } } })).toMatchObject({
        ok: true,
      });
  });

  it('must be the event’s subject', () => {
    expect(refusals({ patient: person(BEN) })).toEqual(['Consent.patient somebody-else']);
    expect(refusals({ patient: { reference: `Patient/${BEN}` } })).toEqual(['Consent.patient somebody-else']);
    expect(refusals({ patient: person('9990079197') })).toEqual(['Consent.patient nhs-number']);
  });
});

describe('whether it is about sharing', () => {
  it.each<[unknown, boolean]>([
    [scoped('patient-privacy'), true],
    [scoped('treatment'), false],
    [scoped('adr'), false],
    [scoped('research'), false],
    [{ coding: { code: 'adr' } }, false],
    [{ coding: [{ code: 'adr' }, { code: 'patient-privacy' }] }, true],
    [scoped('perhaps'), true],
    [{ text: 'adr' }, true],
    [undefined, true],
    ['adr', true],
    [{ coding: [{ code: { toString: 'x' } }] }, true],
  ])('scope %j: %j', (scope, is) => expect(isPrivacyConsent({ resourceType: 'Consent', scope })).toBe(is));

  it('is no question of another resource', () => expect(isPrivacyConsent({ resourceType: 'Flag' })).toBe(false));
});

describe('what is told of it', () => {
  it('is no decision unless it is a Consent', () => {
    for (const value of [null, undefined, 7, 'Consent', [], {}, { resourceType: 'consent' }, { resourceType: 'Patient' }])
      expect(decisionsOfConsent(value, context)).toEqual({
        ok: false,
        problems: [{ field: 'resourceType', code: 'wrong-resource', message: 'a decision is a FHIR Consent' }],
      });
  });

  it('names the field of what was left out of a denial', () => {
    const provision = deny('HRESCH', { actor: [actor('IRCP', 'RX901')] }, except(permit('', { class: [{}] })));
    expect(warnings({ provision, dateTime: 'x' })).toEqual([
      'Consent.dateTime malformed',
      'Consent.provision.provision[0].class unclear',
      'Consent.provision.actor unclear',
    ]);
  });

  it('names every reason why a permission is refused', () => {
    const provision = permit('FooBar', { actor: [actor('IRCP', 'RX901')], code: [{ text: 'x' }] });
    expect(refusals({ provision, status: 'draft', policy: undefined, verification: [{ verified: false }] })).toEqual([
      'Consent.status not-in-force',
      'Consent.verification not-verified',
      'Consent.provision.purpose unknown-purpose',
      'Consent.provision.actor unclear',
      'Consent.provision.code unclear',
    ]);
    expect(refusals({ provision: permit('HRESCH'), policy: undefined })).toEqual(['Consent.policy authority-required']);
  });

  it('repeats no NHS number', () => {
    const reading = read({
      provision: permit(BEN, coded(BEN), { [BEN]: 1, actor: [actor('CST', '999007919')] }),
      [ANNE]: 1,
      status: BEN,
      patient: person(BEN),
    });
    expect(JSON.stringify(reading)).not.toMatch(/\d{10}/);
    expect(reading.ok).toBe(false);
  });
});
