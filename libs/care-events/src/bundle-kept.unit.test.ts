import type { Organisation, Resource } from '@weft/domain';
import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import { openBundle } from './bundle.js';
import { fhirProblems } from './fhir.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const ANNE = '9990033471';
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const options = {
  ...{ organisations, organisation: 'RX901', now: Date.parse('2026-03-01T12:00:00Z') },
  keys: { fresh: 'request' },
};
const subject = { identifier: { system: NHS, value: ANNE } };
const medicine = (id: string, more: object = {}) => ({ resourceType: 'Medication', id, code: { text: 'Amoxicillin' }, ...more });
const request = (id: string, reference: string, more: object = {}) => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'active',
  intent: 'order',
  medicationReference: { reference },
  subject,
  ...more,
});
const URN = 'urn:uuid:6d2f6d1e-0000-4000-8000-000000000001';

type Entry = { readonly resource: object; readonly fullUrl?: string; readonly request?: object };
function open(entry: readonly Entry[], found: Record<string, Resource> = {}) {
  const reading = openBundle(
    { resourceType: 'Bundle', type: 'collection', entry },
    { ...options, found: new Map(Object.entries(found)) },
  );
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { items, kept, wanted } = reading.event;
  const readings = items.map(({ judge }) => judge());
  return {
    kept,
    wanted,
    events: readings.flatMap((item) => (item.ok ? [item.event] : [])),
    refused: readings.flatMap((item) => (item.ok ? [] : item.problems.map(({ field, code }) => `${field} ${code}`))),
  };
}
const resourcesOf = (resources: readonly object[], found: Record<string, Resource> = {}) =>
  open(
    resources.map((resource) => ({ resource })),
    found,
  ).events.map(({ resource }) => resource);
function only(resources: readonly object[], found: Record<string, Resource> = {}): Record<string, unknown> {
  const [resource, ...more] = resourcesOf(resources, found);
  if (resource === undefined || more.length > 0) throw new Error(`${more.length} more`);
  expect(fhirProblems(resource)).toEqual([]);
  return resource;
}

describe('what an entry refers to that is about nobody', () => {
  it('is contained in the entry, and is no entry of its own', () => {
    const { kept, refused } = open([{ resource: medicine('m1') }, { resource: request('r', 'Medication/m1') }]);
    expect(kept.map(({ entry, names }) => [entry, names])).toEqual([[0, ['Medication/m1']]]);
    expect(refused).toEqual([]);
    expect(only([medicine('m1'), request('r', 'Medication/m1')])).toMatchObject({
      medicationReference: { reference: '#Medication-m1' },
      contained: [{ resourceType: 'Medication', id: 'Medication-m1', code: { text: 'Amoxicillin' } }],
    });
  });

  it.each<[string, Entry, string]>([
    ['a urn:uuid', { fullUrl: URN, resource: { resourceType: 'Medication', code: { text: 'Amoxicillin' } } }, URN],
    ['its type and id', { resource: medicine('m1') }, 'Medication/m1'],
    ['a version of it', { resource: medicine('m1') }, 'Medication/m1/_history/3'],
    [
      'its address',
      { fullUrl: 'https://epr.example/fhir/Medication/m1', resource: medicine('m1') },
      'https://epr.example/fhir/Medication/m1',
    ],
    ['an address, where it says of no other', { resource: medicine('m1') }, 'https://epr.example/fhir/Medication/m1'],
    [
      'its address, where it is to be created unless it is there',
      { resource: medicine('m1'), request: { method: 'POST', url: 'Medication', ifNoneExist: 'identifier=7' } },
      'Medication/m1',
    ],
    [
      'a condition',
      { resource: medicine('m1', { identifier: [{ system: 'https://x.example/id', value: '7' }] }) },
      'Medication?identifier=https://x.example/id|7',
    ],
  ])('is found by %s', (_, entry, reference) => {
    const { events } = open([entry, { resource: request('r', reference) }]);
    expect(events[0]?.resource).toMatchObject({ contained: [{ code: { text: 'Amoxicillin' } }] });
  });

  it('is contained once, however often and from wherever it is referred to', () => {
    const practitioner = { resourceType: 'Practitioner', id: '1', name: [{ family: 'Made-up' }] };
    const role = {
      resourceType: 'PractitionerRole',
      id: '1',
      practitioner: { reference: 'Practitioner/1' },
      organization: { reference: 'Organization/1' },
    };
    const organisation = { resourceType: 'Organization', id: '1', name: 'Made-up' };
    const resource = only([
      practitioner,
      role,
      organisation,
      request('r', '#c', {
        contained: [{ resourceType: 'Medication', id: 'c', manufacturer: { reference: 'Organization/1' } }],
        requester: { reference: 'PractitionerRole/1' },
        recorder: { reference: 'Practitioner/1' },
      }),
    ]);
    expect((resource['contained'] as Resource[]).map(({ id }) => id).sort()).toEqual([
      'Organization-1',
      'Practitioner-1',
      'PractitionerRole-1',
      'c',
    ]);
    expect(resource).toMatchObject({
      requester: { reference: '#PractitionerRole-1' },
      recorder: { reference: '#Practitioner-1' },
    });
    expect(JSON.stringify(resource)).toContain('"manufacturer":{"reference":"#Organization-1"}');
  });

  it('brings what it contains, beside itself and under ids of their own', () => {
    const contained = [{ resourceType: 'Substance', id: 'c', code: { text: 'Penicillin' } }];
    const ingredient = [{ itemReference: { reference: '#c' } }];
    const resource = only([
      medicine('m1', { contained, ingredient, meta: { versionId: '3', lastUpdated: '2026-01-01T00:00:00Z' } }),
      request('r', 'Medication/m1', {
        contained: [{ resourceType: 'Practitioner', id: 'c' }],
        recorder: { reference: '#c' },
      }),
    ]);
    const [own, kept, within] = resource['contained'] as Record<string, unknown>[];
    expect(own).toMatchObject({ resourceType: 'Practitioner', id: 'c' });
    expect(kept).toMatchObject({
      id: 'Medication-m1',
      ingredient: [{ itemReference: { reference: `#${String(within?.['id'])}` } }],
    });
    expect(within).toMatchObject({ resourceType: 'Substance', code: { text: 'Penicillin' } });
    expect(within?.['id']).not.toBe('c');
  });

  it('lends the entry how confidential it is', () => {
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
    const resource = only([medicine('m1', { meta: { security } }), request('r', 'Medication/m1')]);
    expect(resource).toMatchObject({ meta: { security } });
    expect((resource['contained'] as Resource[])[0]?.meta).toBeUndefined();
  });

  it.each([
    ['Practitioner', 'recorder'],
    ['PractitionerRole', 'requester'],
    ['Organization', 'requester'],
    ['Device', 'requester'],
  ])('may be a %s', (resourceType, element) => {
    const resource = only(
      [
        { resourceType, id: 'x', ...(resourceType === 'Organization' && { name: 'Made-up' }) },
        {
          ...request('r', ''),
          medicationReference: undefined,
          medicationCodeableConcept: { text: 'x' },
          [element]: { reference: `${resourceType}/x` },
        },
      ].map((one) => JSON.parse(JSON.stringify(one)) as object),
    );
    expect(resource).toMatchObject({ contained: [{ resourceType }] });
  });

  it('is the entry of its patient where it has one, a Device or a Specimen, and is referred to', () => {
    const specimen = { resourceType: 'Specimen', id: 's', subject };
    const observation = {
      ...{ resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' } },
      ...{ subject, specimen: { reference: 'Specimen/s' } },
    };
    expect(resourcesOf([specimen, observation])).toEqual([specimen, observation]);
  });
});

describe('what is not kept', () => {
  it('is refused by its own faults, and what refers to it goes on', () => {
    const { events, refused, kept } = open([
      { resource: medicine('m1', { colour: 'red' }) },
      { resource: request('r', 'Medication/m1') },
    ]);
    expect(refused).toEqual(['entry[0].resource.colour structure']);
    expect(kept).toEqual([]);
    expect(events[0]?.resource).toMatchObject({ medicationReference: { reference: 'Medication/m1' } });
  });

  it.each<[string, object, string]>([
    [
      'what carries an NHS number and does not say whose',
      { resourceType: 'Practitioner', id: 'x', identifier: [{ system: NHS, value: ANNE }] },
      'no-patient',
    ],
    [
      'what would weigh on every record',
      { resourceType: 'Practitioner', id: 'x', photo: [{ data: 'AAAA'.repeat(20_000) }] },
      'too-large',
    ],
    [
      'a clinical fact that names nobody',
      { resourceType: 'Observation', id: 'x', status: 'final', code: { text: 'x' } },
      'no-patient',
    ],
    ['what may carry anything', { resourceType: 'Binary', id: 'x', contentType: 'text/plain' }, 'no-patient'],
    ...['2.16.840.1.113883.2.1.4.1', 'http://fhir.nhs.net/Id/nhs-number'].map((system): [string, object, string] => [
      `what carries an NHS number by ${system}`,
      { resourceType: 'Location', id: 'x', identifier: [{ system, value: ANNE }] },
      'no-patient',
    ]),
    [
      'what refers to a patient who is none of the Bundle',
      { resourceType: 'Location', id: 'x', extension: [{ url: 'http://x', valueReference: { reference: 'Patient/9' } }] },
      'no-patient',
    ],
    ...[
      { resourceType: 'Patient', id: 'c', name: [{ family: 'Smith' }] },
      { resourceType: 'Observation', id: 'c', status: 'final', code: { text: 'x' } },
    ].map((one): [string, object, string] => [
      `what contains a ${one.resourceType}`,
      {
        ...{ resourceType: 'Location', id: 'x', contained: [one] },
        extension: [{ url: 'http://x', valueReference: { reference: '#c' } }],
      },
      'no-patient',
    ]),
  ])('%s', (_, resource, code) => {
    const { kept, refused } = open([{ resource }]);
    expect(kept).toEqual([]);
    expect(refused).toEqual([`entry[0].resource ${code}`]);
  });

  it.each<[string, object, string]>([
    ['of which elements were left out', { tag: [{ code: 'SUBSETTED' }] }, 'entry[0].resource.meta.tag subsetted'],
    ['from the future', { lastUpdated: '2026-03-03T00:00:00Z' }, 'entry[0].resource.meta.lastUpdated too-late'],
  ])('is a version %s, which would take the place of others', (_, meta, problem) => {
    const { kept, refused } = open([{ resource: medicine('m1', { meta }) }]);
    expect(kept).toEqual([]);
    expect(refused).toEqual([problem]);
  });

  it('is another version than the one that is referred to', () => {
    const [second, other] = [medicine('m1', { meta: { versionId: '2' } }), 'Medication/m1/_history/1'];
    expect(only([second, request('r', other)])).toMatchObject({ medicationReference: { reference: other } });
    expect(only([request('r', other)], { 'Medication/m1': second })).not.toHaveProperty('contained');
    expect(only([second, request('r', 'Medication/m1/_history/2')])).toHaveProperty('contained');
  });

  it('is guessed where one name means two resources', () => {
    const twins = [medicine('m1'), medicine('m1', { code: { text: 'Warfarin' } })];
    const [resource] = resourcesOf([...twins, request('r', 'Medication/m1')]);
    expect(resource).toEqual(request('r', 'Medication/m1'));
  });

  it('is more than one entry can take, of which the entry is warned', () => {
    const many = Array.from({ length: 70 }, (_, index) => ({ resourceType: 'Practitioner', id: `p${index}` }));
    const performer = many.map(({ id }) => ({ reference: `Practitioner/${id}` }));
    const { events } = open([
      ...many.map((resource) => ({ resource })),
      { resource: { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject, performer } },
    ]);
    expect(events[0]?.resource['contained']).toHaveLength(64);
    expect(events[0]?.warnings?.map(({ code }) => code)).toEqual(['no-room']);
  });

  it('makes a Bundle no more than 32 MiB larger', () => {
    const large = medicine('m1', {
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(60_000)}</div>` },
    });
    const requests = Array.from({ length: 600 }, (_, index) => ({ resource: request(`r${index}`, 'Medication/m1') }));
    const { events } = open([{ resource: large }, ...requests]);
    expect(events).toHaveLength(600);
    const characters = events.reduce((sum, { resource }) => sum + JSON.stringify(resource['contained'] ?? []).length, 0);
    expect(characters).toBeGreaterThan(30 * 1024 * 1024);
    expect(characters).toBeLessThan(34 * 1024 * 1024);
    expect(events.at(-1)?.warnings?.map(({ code }) => code)).toEqual(['no-room']);
  });
});

describe('what came before', () => {
  const before = medicine('m1') as Resource;

  it('is another one for each system of an organisation, by type and id alone', () => {
    const meta = { source: 'urn:ods:RX901:pharmacy' };
    const identifier = [{ system: 'https://x.example/id', value: '7' }];
    const { kept } = open([{ resource: medicine('m1', { meta, identifier }) }]);
    expect(kept[0]?.names).toEqual(['urn:ods:RX901:pharmacy Medication/m1', 'Medication?https://x.example/id|7']);
    const asked = request('r', 'Medication/m1', { meta });
    expect(open([{ resource: asked }]).wanted).toEqual(['urn:ods:RX901:pharmacy Medication/m1']);
    const found = { 'urn:ods:RX901:pharmacy Medication/m1': medicine('m1') as unknown as Resource };
    expect(open([{ resource: asked }], found).events[0]?.resource).toMatchObject({ contained: [{ resourceType: 'Medication' }] });
    expect(open([{ resource: request('r', 'Medication/m1') }], found).events[0]?.resource).not.toHaveProperty('contained');
  });

  it('is wanted by the names that lead to nothing in the Bundle, and then contained', () => {
    const alone = request('r', 'Medication/m1');
    expect(open([{ resource: alone }]).wanted).toEqual(['Medication/m1']);
    expect(only([alone], { 'Medication/m1': before })).toMatchObject({ contained: [{ id: 'Medication-m1' }] });
  });

  it('is wanted by condition, and never where it would be somebody’s or holds within one Bundle alone', () => {
    const based = { basedOn: [{ reference: 'ServiceRequest/1' }], recorder: { reference: URN } };
    expect(open([{ resource: request('r', 'Medication?identifier=urn:x|1', based) }]).wanted).toEqual(['Medication?urn:x|1']);
  });

  it('is looked for by a hundred names, and said to be where there are more', () => {
    const performer = Array.from({ length: 101 }, (_, index) => ({ reference: `Practitioner/${index}` }));
    const observation = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject, performer };
    const { wanted, events } = open([{ resource: observation }]);
    expect(wanted).toHaveLength(100);
    expect(events[0]?.warnings?.map(({ code }) => code)).toEqual(['not-looked-for']);
  });

  it('is kept with what it refers to itself', () => {
    const { kept } = open([
      { resource: { resourceType: 'PractitionerRole', id: '1', practitioner: { reference: 'Practitioner/1' } } },
      { resource: { resourceType: 'Practitioner', id: '1', name: [{ family: 'Made-up' }] } },
    ]);
    const role = kept[0]?.resource as Resource;
    const observation = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject };
    const performer = [{ reference: 'PractitionerRole/1' }, { reference: 'Practitioner/1' }];
    const found = { 'PractitionerRole/1': role, 'Practitioner/1': kept[1]?.resource as Resource };
    expect((only([{ ...observation, performer }], found)['contained'] as Resource[]).map(({ id }) => id)).toEqual([
      'PractitionerRole-1',
      'Practitioner-1',
    ]);
  });
});

describe('references that hold within a Bundle alone', () => {
  it('are written as they hold outside', () => {
    const encounter = { resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject };
    const observation = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject };
    const performer = [{ reference: 'Practitioner?identifier=https://x.example/id|7', display: 'Made-up' }];
    const { events } = open([
      { fullUrl: URN, resource: encounter },
      { resource: { ...observation, performer, encounter: { reference: URN } } },
    ]);
    expect(events[1]?.resource).toMatchObject({
      encounter: { reference: `Encounter/${URN.slice(9)}` },
      performer: [{ type: 'Practitioner', identifier: { system: 'https://x.example/id', value: '7' }, display: 'Made-up' }],
    });
    expect(JSON.stringify(events[1]?.resource)).not.toContain('?identifier');
  });

  it('leave all else as it came', () => {
    const observation = { resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject, contained: [] };
    const opened = open([{ resource: observation }, { resource: medicine('m1') }]);
    expect(opened.events[0]?.resource ?? observation).toBe(observation);
  });
});

describe('a Binary that a document of the Bundle attaches', () => {
  const binary = (more: object = {}) => ({
    resourceType: 'Binary',
    id: 'b1',
    contentType: 'application/pdf',
    data: 'JVBERi0=',
    ...more,
  });
  const document = (url: string, more: object = {}) => ({
    ...{ resourceType: 'DocumentReference', id: 'd1', status: 'current', subject },
    content: [{ attachment: { contentType: 'application/pdf', url } }],
    ...more,
  });
  const attached = { content: [{ attachment: { url: '#Binary-b1' } }], contained: [{ id: 'Binary-b1', data: 'JVBERi0=' }] };

  it.each([
    ['its type and id', 'Binary/b1', undefined],
    ['its fullUrl', URN, URN],
    ['its address', 'https://docs.example/fhir/Binary/b1', 'https://docs.example/fhir/Binary/b1'],
    ['an address where the entry has none', 'https://docs.example/fhir/Binary/b1', undefined],
  ])('is contained in it, whose it is, by %s', (_, url, fullUrl) => {
    const entry = { resource: binary(), ...(fullUrl !== undefined && { fullUrl }) };
    const { events, kept, refused } = open([{ resource: document(url) }, entry]);
    expect(refused).toEqual([]);
    expect(events.map(({ resource }) => resource)).toMatchObject([attached]);
    expect(fhirProblems(events[0]!.resource)).toEqual([]);
    // For entries of later Bundles it is not kept: it is in the one record.
    expect(kept.map(({ entry: index, names }) => [index, names])).toEqual([[1, []]]);
  });

  it('is so with whoever guards it by naming the document, and with its labels on the document', () => {
    const guarded = binary({
      securityContext: { reference: 'DocumentReference/d1' },
      meta: { versionId: '3', security: [{ code: 'R' }] },
    });
    const [resource, ...more] = resourcesOf([document('Binary/b1'), guarded]);
    expect(more).toEqual([]);
    expect(resource).toMatchObject({ ...attached, meta: { security: [{ code: 'R' }] } });
    expect(JSON.stringify(resource!['contained'])).not.toMatch(/versionId|security":/);
  });

  it('may be larger than what else is kept, in each document that names it', () => {
    const data = 'QUJD'.repeat(100_000);
    const { events, refused } = open([
      ...['d1', 'd2'].map((id) => ({ resource: document('Binary/b1', { id }) })),
      { resource: binary({ data }) },
    ]);
    expect(refused).toEqual([]);
    expect(events.map(({ resource }) => (resource['contained'] as { data: string }[])[0]!.data.length)).toEqual([
      400_000, 400_000,
    ]);
  });

  it('has the document refused by name where both together are above the limit, and is refused itself where it is alone', () => {
    const of = (characters: number) => binary({ data: 'QUJD'.repeat(Math.floor(characters / 4)) });
    const both = open([{ resource: document('Binary/b1') }, { resource: of(MESSAGE_LIMIT_BYTES - 150) }]);
    expect([both.events, both.refused]).toEqual([[], ['entry[0].resource too-costly']]);
    const alone = open([{ resource: document('Binary/b1') }, { resource: of(MESSAGE_LIMIT_BYTES) }]);
    expect(alone.events.map(({ resource }) => resource)).toMatchObject([{ content: [{ attachment: { url: 'Binary/b1' } }] }]);
    expect(alone.refused).toEqual(['entry[1].resource too-costly']);
  });

  it('stays outside where it says that it is about somebody else, and so is not given with the document', () => {
    const BERT = '9990012342';
    const patients = [ANNE, BERT].map((value, at) => ({
      resourceType: 'Patient',
      id: `p${at}`,
      identifier: [{ system: NHS, value }],
    }));
    const other = document('Binary/x', { id: 'd2', subject: { reference: 'Patient/p1' } });
    const { events } = open(
      [
        ...patients,
        document('Binary/b1', { subject: { reference: 'Patient/p0' } }),
        other,
        binary({ securityContext: { reference: 'DocumentReference/d2' } }),
      ].map((resource) => ({ resource })),
    );
    for (const { resource } of events) expect(JSON.stringify(resource)).not.toContain('JVBERi0=');
  });

  it('is not contained in what else refers to it', () => {
    const manifest = {
      resourceType: 'DocumentManifest',
      id: 'm',
      status: 'current',
      subject,
      content: [{ reference: 'Binary/b1' }],
    };
    const [, one] = resourcesOf([document('Binary/b1'), manifest, binary()]);
    expect(one).toMatchObject({ content: [{ reference: 'Binary/b1' }] });
    expect(one).not.toHaveProperty('contained');
  });

  it('is refused as before where no document attaches it', () => {
    expect(open([{ resource: document('Binary/other') }, { resource: binary() }]).refused).toEqual([
      'entry[1].resource no-patient',
    ]);
  });
});
