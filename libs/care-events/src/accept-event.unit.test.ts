import fc from 'fast-check';
import type { Organisation, Resource } from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import type { AcceptOptions } from './accept-event.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SUBJECT = '9990033471';
const OTHER = '9990079196';
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const organisations = new Map(['RX901', 'Y90001'].map((ods): [string, Organisation] => [ods, { ods, name: ods, kind: 'acute' }]));
const numbered = (value: string) => ({ identifier: { system: NHS, value } });
const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Body height' } };
const patient = { resourceType: 'Patient', id: 'p1', identifier: [{ system: NHS, value: SUBJECT }] };
const replacedBy = (other: object) => ({ ...patient, link: [{ type: 'replaced-by', other }] });

function accept(resource: unknown, attributes: Record<string, unknown> = {}, options: Partial<AcceptOptions> = {}) {
  const sound = {
    specversion: '1.0',
    id: 'a-1',
    source: 'urn:ods:RX901',
    type: 'care-event-recorded-1',
    subject: SUBJECT,
    time: '2026-03-01T11:59:00Z',
    datacontenttype: 'application/fhir+json',
  };
  const received = {
    attributes: { ...sound, ...attributes },
    data: { ok: true as const, event: resource },
    bytes: new Uint8Array(),
  };
  return acceptEvent(received, { organisations, now: NOW, ...options });
}
function refusals(...parameters: Parameters<typeof accept>): string[] {
  const reading = accept(...parameters);
  return reading.ok ? [] : reading.problems.map(({ field, code }) => `${field} ${code}`);
}

describe('an event', () => {
  it('is accepted when its envelope, its resource and its sender are in order', () => {
    expect(accept(observation, {}, { sender: 'RX901' })).toMatchObject({
      ok: true,
      event: { type: 'care-event-recorded-1', id: 'a-1', organisation: 'RX901', subject: SUBJECT, resource: observation },
    });
  });

  it('is refused with all that is wrong with envelope and resource together', () => {
    expect(refusals({ resourceType: 'Observation', status: 'final' }, { subject: '123', time: '' })).toEqual([
      'subject nhs-number',
      'time required',
      'Observation.id required',
      'Observation.code structure',
    ]);
  });

  it.each([
    [undefined, 'data required'],
    [null, 'data required'],
    ['text', 'data malformed'],
    [[observation], 'data malformed'],
    [{ id: 'x' }, 'data.resourceType required'],
    [{ resourceType: 5 }, 'data.resourceType required'],
  ])('is refused when its data is %j', (data, refusal) => expect(refusals(data)).toEqual([refusal]));

  it('is refused when its organisation is not of the region', () => {
    expect(refusals(observation, { source: 'urn:ods:RZZ99' })).toEqual(['source unknown-organisation']);
  });

  it('is refused when another organisation sent it', () => {
    expect(refusals(observation, {}, { sender: 'Y90001' })).toEqual(['source not-the-sender']);
  });

  it.each(['', 'a b', 'ä', 'x'.repeat(65), 7])('is refused when its resource has the id %j', (id) => {
    expect(refusals({ ...observation, id }).filter((refusal) => refusal.startsWith('Observation.id'))).toEqual([
      'Observation.id malformed',
    ]);
  });

  it('is spared FHIR validation where that is said, and no other rule', () => {
    const broken = { resourceType: 'Observation', id: 'o1', subject: numbered(OTHER) };
    expect(refusals(broken, {}, { validate: false })).toEqual(['Observation.subject somebody-else']);
  });

  it('tells no more problems than can travel with it', () => {
    const members = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
    const reading = accept({ ...observation, ...members });
    expect(!reading.ok && reading.problems.length).toBe(51);
    expect(!reading.ok && reading.problems.at(-1)?.message).toBe('and 450 problems more');
  });

  it('never has an NHS number in a problem, not even one that was sent as a key', () => {
    const reading = accept({
      ...observation,
      [SUBJECT]: 1,
      [`x ${OTHER.slice(0, 3)} ${OTHER.slice(3, 6)} ${OTHER.slice(6)}`]: 1,
    });
    const told = JSON.stringify(reading);
    expect(reading.ok).toBe(false);
    expect(told).toContain('[number]');
    expect(told).not.toContain(SUBJECT);
    expect(told).not.toMatch(/\d{3}[ -]\d{3}[ -]\d{4}/);
  });

  it('is judged without throwing, whatever its data', () => {
    const shapes = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.anything({ maxDepth: 0, withBigInt: false }),
        fc.array(tie('value')),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'resourceType',
          'id',
          'identifier',
          'subject',
          'patient',
          'link',
          'other',
          'contained',
          'provision',
          'period',
          'participant',
          'reference',
          'coding',
          'purpose',
          'actor',
        ),
        tie('value'),
      ),
    }));
    const types = fc.constantFrom(
      'care-event-recorded-1',
      'care-event-retracted-1',
      'patient-merged-1',
      'patient-died-1',
      'consent-decision-recorded-1',
      'x',
    );
    const kinds = fc.constantFrom('Patient', 'Observation', 'Consent', 'Appointment', 'Nope');
    fc.assert(
      fc.property(shapes.object, kinds, types, fc.boolean(), (data, resourceType, type, validate) => {
        expect(typeof accept({ ...(data as object), resourceType }, { type }, { validate }).ok).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });
});

describe('a resource about somebody else', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a Patient with another number', { ...patient, identifier: [{ system: NHS, value: OTHER }] }],
    ['a subject with another number', { ...observation, subject: numbered(OTHER) }],
    ['a subject referred to by another number', { ...observation, subject: { reference: `Patient/${OTHER}` } }],
    ['the same by its address', { ...observation, subject: { reference: `https://x/fhir/Patient/${OTHER}/_history/1` } }],
    ['a patient with another number', { resourceType: 'AllergyIntolerance', id: 'a', patient: numbered(OTHER) }],
    [
      'a contained patient with another number',
      { ...observation, contained: [{ ...patient, identifier: [{ system: NHS, value: OTHER }] }], subject: { reference: '#p1' } },
    ],
    [
      'an appointment of somebody else',
      { resourceType: 'Appointment', id: 'a', status: 'booked', participant: [{ status: 'accepted', actor: numbered(OTHER) }] },
    ],
  ])('is refused: %s', (_, resource) => {
    expect(refusals(resource).filter((refusal) => refusal.endsWith('somebody-else'))).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'a Patient who also has an older number',
      {
        ...patient,
        identifier: [
          { system: NHS, value: OTHER, use: 'old' },
          { system: NHS, value: '999 003 3471' },
        ],
      },
    ],
    ['a subject by an id of the publisher', { ...observation, subject: { reference: 'Patient/9990033472' } }],
    [
      'a subject whose identifier says who it is, whatever its id looks like',
      { ...observation, subject: { reference: `Patient/${OTHER}`, ...numbered(SUBJECT) } },
    ],
    ['a number of another system', { ...patient, identifier: [{ system: 'urn:x', value: OTHER }] }],
    [
      'an appointment with a practitioner',
      {
        resourceType: 'Appointment',
        id: 'a',
        status: 'proposed',
        participant: [
          { status: 'accepted', actor: { reference: `Practitioner/${OTHER}` } },
          { status: 'accepted', actor: { reference: 'Patient/p1' } },
        ],
      },
    ],
  ])('is not %s', (_, resource) => expect(refusals(resource)).toEqual([]));
});

describe('a retraction', () => {
  const type = 'care-event-retracted-1';

  it('needs no more than type and id', () => {
    expect(refusals({ resourceType: 'Observation', id: 'o1' }, { type })).toEqual([]);
  });

  it('is refused without either, or of a type that FHIR does not know', () => {
    expect(refusals({ resourceType: 'Observation' }, { type })).toEqual(['Observation.id required']);
    expect(refusals({ id: 'o1' }, { type })).toEqual(['data.resourceType required']);
    expect(refusals({ resourceType: 'Banana', id: 'o1' }, { type })).toEqual(['Resource.resourceType structure']);
  });
});

describe('a merge', () => {
  it.each(['patient-merged-1', 'patient-unmerged-1'])('%s names the surviving number, by identifier or by reference', (type) => {
    expect(accept(replacedBy(numbered(OTHER)), { type })).toMatchObject({ ok: true, event: { survivor: OTHER } });
    expect(accept(replacedBy({ reference: `Patient/${OTHER}` }), { type })).toMatchObject({
      ok: true,
      event: { survivor: OTHER },
    });
  });

  it('makes no entry, so its Patient needs no id', () => {
    const { id: _, ...unstored } = replacedBy(numbered(OTHER));
    expect(refusals(unstored, { type: 'patient-merged-1' })).toEqual([]);
    expect(refusals({ ...unstored, deceasedBoolean: true }, { type: 'patient-died-1' })).toEqual(['Patient.id required']);
  });

  it.each<[string, unknown, string]>([
    ['names none', patient, 'Patient.link required'],
    ['names a patient by an id of the publisher', replacedBy({ reference: 'Patient/p2' }), 'Patient.link required'],
    [
      'only says which number it replaces',
      { ...patient, link: [{ type: 'replaces', other: numbered(OTHER) }] },
      'Patient.link required',
    ],
    ['names the subject itself', replacedBy(numbered(SUBJECT)), 'Patient.link.other same-number'],
    ['names a number with a wrong check digit', replacedBy(numbered('9990079197')), 'Patient.link.other nhs-number'],
    [
      'names two',
      { ...patient, link: [OTHER, '9434765919'].map((value) => ({ type: 'replaced-by', other: numbered(value) })) },
      'Patient.link ambiguous',
    ],
    ['is not told by a Patient', observation, 'data wrong-resource'],
    [
      'is told by the surviving Patient, the wrong way round',
      { ...replacedBy(numbered(OTHER)), identifier: [{ system: NHS, value: OTHER }] },
      'Patient.identifier somebody-else',
    ],
  ])('is refused when it %s', (_, resource, refusal) => {
    expect(refusals(resource, { type: 'patient-merged-1' })).toEqual([refusal]);
  });
});

describe('a death', () => {
  const type = 'patient-died-1';

  it('is told by when, or by true', () => {
    expect(refusals({ ...patient, deceasedDateTime: '2026-02-28' }, { type })).toEqual([]);
    expect(refusals({ ...patient, deceasedBoolean: true }, { type })).toEqual([]);
  });

  it('is refused of the living', () => {
    expect(refusals(patient, { type })).toEqual(['Patient.deceased[x] required']);
    expect(refusals({ ...patient, deceasedBoolean: false }, { type })).toEqual(['Patient.deceased[x] required']);
    expect(refusals(observation, { type })).toEqual(['data wrong-resource']);
  });
});

describe('a decision', () => {
  const consent: Resource = {
    resourceType: 'Consent',
    id: 'c1',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ text: 'Opt-out' }],
    policy: [{ uri: 'urn:x:type-1' }],
    patient: numbered(SUBJECT),
    dateTime: '2026-02-28',
  };

  it('is accepted with what it decides', () => {
    expect(accept(consent, { type: 'consent-decision-recorded-1' })).toMatchObject({
      ok: true,
      event: { decision: { id: 'a-1', source: 'urn:ods:RX901', authority: 'type-1', provision: { effect: 'deny' } } },
    });
  });

  it('is refused as an ordinary care event, where nobody would obey it', () => {
    expect(refusals(consent)).toEqual(['type wrong-type']);
  });

  it('is no decision without a Consent', () => {
    expect(refusals(observation, { type: 'consent-decision-recorded-1' })).toEqual(['data wrong-resource']);
  });

  it('is refused for what makes it unreadable as a decision', () => {
    expect(refusals({ ...consent, dateTime: '2026-03-09' }, { type: 'consent-decision-recorded-1' })).toEqual([
      'Consent.dateTime too-late',
    ]);
  });

  it('of somebody else is refused', () => {
    expect(refusals({ ...consent, patient: numbered(OTHER) }, { type: 'consent-decision-recorded-1' })).toEqual([
      'Consent.patient somebody-else',
    ]);
  });
});
