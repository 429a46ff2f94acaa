import fc from 'fast-check';
import { DEFAULT_RULES, type Organisation, type Policy, type Resource } from '@weft/domain';
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
      'Observation.code required',
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
    expect(!reading.ok && reading.problems.length).toBe(50);
    expect(!reading.ok && reading.problems.at(-1)?.message).toBe('has more problems than these 49');
    const participant = Array.from({ length: 500 }, () => ({ actor: { reference: `Patient/${OTHER}` } }));
    const elsewhere = accept({ resourceType: 'Appointment', id: 'a', status: 'booked', participant });
    expect(!elsewhere.ok && elsewhere.problems.length).toBe(51);
    expect(!elsewhere.ok && elsewhere.problems.at(-1)?.message).toMatch(/^and \d+ problems more$/);
  });

  it('never has an NHS number in a problem, not even one that was sent as a key', () => {
    const reading = accept({
      ...observation,
      [SUBJECT]: 1,
      [`x ${OTHER.slice(0, 3)} ${OTHER.slice(3, 6)} ${OTHER.slice(6)}`]: 1,
    });
    const told = JSON.stringify(reading);
    expect(reading.ok).toBe(false);
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

  it('of a Consent that may be about sharing is refused: as a care event it would take back nothing', () => {
    const scoped = (code: string) => ({ scope: { coding: [{ code }] } });
    expect(refusals({ resourceType: 'Consent', id: 'c1' }, { type })).toEqual(['type wrong-type']);
    expect(refusals({ resourceType: 'Consent', id: 'c1', ...scoped('patient-privacy') }, { type })).toEqual(['type wrong-type']);
    expect(refusals({ resourceType: 'Consent', id: 'c1', ...scoped('adr') }, { type })).toEqual([]);
  });

  it('is refused without either, or of a type that FHIR does not know', () => {
    expect(refusals({ resourceType: 'Observation' }, { type })).toEqual(['Observation.id required']);
    expect(refusals({ id: 'o1' }, { type })).toEqual(['data.resourceType required']);
    expect(refusals({ resourceType: 'Banana', id: 'o1' }, { type })).toEqual(['Resource.resourceType structure']);
  });

  it('is refused where it names a version that cannot be read, and for nothing else that it says', () => {
    const named = (meta: unknown) => refusals({ resourceType: 'Observation', id: 'o1', status: 7, meta }, { type });
    expect(named({ versionId: '2', lastUpdated: '2026-01-01T10:00:00Z' })).toEqual([]);
    expect(named({ lastUpdated: ['2026-01-01T10:00:00Z'] })).toEqual(['Observation.meta.lastUpdated structure']);
    expect(named({ versionId: 2 })).toEqual(['Observation.meta.versionId structure']);
    expect(named(['2'])).toEqual(['Observation.meta structure']);
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
  const type = 'consent-decision-recorded-1';
  const policy: Policy = { name: 'test', rules: DEFAULT_RULES, organisations: { RX901: 'acute', Y90001: 'gp' } };
  const consent: Resource = {
    resourceType: 'Consent',
    id: 'c1',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ text: 'Opt-out' }],
    policy: [{ uri: 'urn:weft:authority:local-dissent' }],
    patient: numbered(SUBJECT),
    dateTime: '2026-02-28',
  };
  const permission: Resource = { ...consent, provision: { type: 'permit' } };
  const told = (...parameters: Parameters<typeof accept>) => {
    const reading = accept(...parameters);
    return reading.ok ? (reading.event.warnings ?? []).map(({ field, code }) => `${field} ${code}`) : ['refused'];
  };

  it('is accepted with what it decides, and who recorded it', () => {
    expect(accept(consent, { type })).toMatchObject({
      ok: true,
      event: {
        decisions: [
          {
            ...{ id: 'a-1', source: 'urn:ods:RX901', authority: 'local-dissent', provision: { effect: 'deny' }, receivedAt: NOW },
            recorder: { as: 'organisation', organisation: 'RX901', subject: null },
          },
        ],
        warnings: [],
      },
    });
  });

  it('says the same of the same content, and another of other content', () => {
    const digest = (resource: unknown) => {
      const reading = accept(resource, { type });
      return reading.ok ? reading.event.decisions?.[0]?.digest : undefined;
    };
    const { resourceType, ...rest } = consent;
    expect(digest({ ...rest, resourceType })).toBe(digest(consent));
    expect(digest({ ...consent, dateTime: '2026-02-27' })).not.toBe(digest(consent));
  });

  it('is refused as an ordinary care event, where nobody would obey it, unless it is a document of another scope', () => {
    expect(refusals(consent)).toEqual(['type wrong-type']);
    const scope = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'adr' }] };
    expect(refusals({ ...consent, scope })).toEqual([]);
    expect(refusals({ ...consent, scope }, { type })).toEqual(['Consent.scope wrong-scope']);
  });

  it('is no decision without a Consent', () => {
    expect(refusals(observation, { type })).toEqual(['resourceType wrong-resource']);
  });

  it('of somebody else is refused', () => {
    expect(refusals({ ...consent, patient: numbered(OTHER) }, { type })).toEqual(['Consent.patient somebody-else']);
  });

  it('that denies is accepted though it is no sound FHIR, and says so', () => {
    const { category: _, ...broken } = consent as Resource & { category: unknown };
    expect(told({ ...broken, provision: { type: 'deny', period: 5 } }, { type })).toEqual([
      'Consent.provision.period malformed',
      'Consent.category required',
    ]);
  });

  it('that only permits must be sound', () => {
    const { category: _, ...broken } = permission as Resource & { category: unknown };
    expect(refusals(permission, { type })).toEqual([]);
    expect(refusals(broken, { type })).toEqual(['Consent.category required']);
    expect(refusals(broken, { type }, { validate: false })).toEqual([]);
  });

  it('that denies is accepted of whatever clock, and counts from its receipt', () => {
    for (const time of ['2031-01-01T00:00:00Z', '1980-01-01T00:00:00Z', 'noon', '']) {
      expect(accept(consent, { type, time })).toMatchObject({ ok: true, event: { time: new Date(NOW).toISOString() } });
    }
    expect(told(consent, { type, time: '2031-01-01T00:00:00Z' })).toEqual(['time too-late']);
    expect(refusals(permission, { type, time: '2031-01-01T00:00:00Z' })).toEqual(['time too-late']);
  });

  it('is refused without an id, a subject, or a sender of the region', () => {
    expect(refusals(consent, { type, id: '' })).toEqual(['id required']);
    expect(refusals(consent, { type, subject: '123' })).toEqual(['subject nhs-number']);
    expect(refusals(consent, { type, source: 'urn:ods:ZZ9' })).toEqual(['source unknown-organisation']);
    expect(refusals(consent, { type }, { sender: 'Y90001' })).toEqual(['source not-the-sender']);
  });

  it('is governance’s if governance’s token says so, and nobody else’s', () => {
    const recorder = { as: 'governance', organisation: null, subject: 'ig' } as const;
    const source = 'urn:weft:governance';
    expect(accept(consent, { type, source }, { recorder })).toMatchObject({
      ok: true,
      event: { organisation: 'governance', decisions: [{ recorder }] },
    });
    expect(refusals(consent, { type, source })).toEqual(['source not-the-sender']);
    expect(refusals(consent, { type, source }, { recorder: { ...recorder, as: 'organisation' } })).toEqual([
      'source not-the-sender',
    ]);
  });

  it('that is not its sender’s to make is refused for that alone, where a policy says who may', () => {
    const optOut = { ...permission, policy: [{ uri: 'urn:weft:authority:national-data-opt-out' }], category: undefined };
    expect(refusals(optOut, { type }, { policy, validate: false })).toEqual(['Consent.policy not-yours-to-lift']);
    expect(refusals(optOut, { type }, { policy })).toEqual(['Consent.policy not-yours-to-lift']);
    expect(refusals(optOut, { type }, { validate: false })).toEqual([]);
  });

  it('of which a part is its sender’s to make is accepted with that', () => {
    const policies = ['local-dissent', 'national-data-opt-out'].map((name) => ({ uri: `urn:weft:authority:${name}` }));
    expect(told({ ...consent, policy: policies }, { type }, { policy })).toEqual(['Consent.policy not-yours-to-make']);
    const reading = accept({ ...consent, policy: policies }, { type }, { policy });
    expect(reading.ok && reading.event.decisions?.map(({ authority }) => authority)).toEqual(['local-dissent']);
  });
});
