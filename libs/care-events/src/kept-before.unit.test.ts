import type { Organisation, Resource } from '@weft/domain';
import type { ReceivedEvent } from './cloud-event.js';
import { contentDigest } from './content-digest.js';
import { acceptWithKept } from './kept-before.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const ANNE = '9990033471';
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const doctor = (id: string, more: object = {}): Resource => ({ resourceType: 'Practitioner', id, ...more });
const performed = (...performer: object[]) => ({
  ...{ resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Height' }, performer },
  subject: { identifier: { system: NHS, value: ANNE } },
});

function accept(
  data: object,
  found: Record<string, Resource> = {},
  { source = 'urn:ods:RX901', type = 'care-event-recorded-1' } = {},
) {
  const attributes = { specversion: '1.0', id: 'e1', source, type, subject: ANNE, time: '2026-03-01T11:59:00Z' };
  const received: ReceivedEvent = {
    attributes: { ...attributes, datacontenttype: 'application/fhir+json' },
    data: { ok: true, event: data },
    bytes: new TextEncoder().encode(JSON.stringify(data)),
  };
  const wanted = new Set<string>();
  const reading = acceptWithKept(received, { organisations, now: NOW }, { found: new Map(Object.entries(found)), wanted });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const { bytes, ...event } = reading.event;
  return { ...event, text: Buffer.from(bytes!).toString(), wanted: [...wanted] };
}

describe('an event that refers to what is about nobody', () => {
  const sent = performed({ reference: 'Practitioner/7' });

  it('says by which names that is looked for', () => {
    const references = [
      { reference: 'Practitioner/7/_history/2' },
      { reference: 'https://ehr.example/fhir/Practitioner/8' },
      { type: 'Practitioner', identifier: { system: 'https://gmc.example', value: '9' } },
      ...[{ reference: 'Patient/10' }, { reference: 'urn:uuid:6d2f6d1e-0000-4000-8000-000000000001' }, { reference: '#x' }],
    ];
    expect(accept(performed(...references.slice(0, 5))).wanted).toEqual([
      'Practitioner/7',
      'https://ehr.example/fhir/Practitioner/8',
      'Practitioner?https://gmc.example|9',
    ]);
    expect(accept(sent, {}, { source: 'urn:ods:RX901:ehr' }).wanted).toEqual(['urn:ods:RX901:ehr Practitioner/7']);
  });

  it('carries it, and is known by what was sent', () => {
    const { resource, text, sentDigest } = accept(sent, { 'Practitioner/7': doctor('7', { active: true }) });
    expect(resource).toMatchObject({
      performer: [{ reference: '#Practitioner-7' }],
      contained: [{ resourceType: 'Practitioner', id: 'Practitioner-7', active: true }],
    });
    expect(JSON.parse(text)).toEqual(resource);
    expect(sentDigest).toBe(contentDigest({ type: 'care-event-recorded-1', resource: sent as Resource }));
  });

  it.each<[string, object, Record<string, Resource>]>([
    ['nothing of it came before', sent, {}],
    [
      'another version is meant',
      performed({ reference: 'Practitioner/7/_history/2' }),
      { 'Practitioner/7': doctor('7', { meta: { versionId: '3' } }) },
    ],
    [
      'it would be too large',
      { ...sent, note: [{ text: 'x'.repeat(520_000) }] },
      { 'Practitioner/7': doctor('7', { extension: [{ url: 'http://x', valueString: 'y'.repeat(60_000) }] }) },
    ],
  ])('is as it came where %s', (_, data, found) => {
    const { text, sentDigest } = accept(data, found);
    expect([text, sentDigest]).toEqual([JSON.stringify(data), undefined]);
  });

  it('is as it came where it takes back', () => {
    const { text, wanted } = accept(sent, { 'Practitioner/7': doctor('7') }, { type: 'care-event-retracted-1' });
    expect([text, wanted]).toEqual([JSON.stringify(sent), []]);
  });

  it('is told that not all of it was looked for, alike before and after', () => {
    const many = performed(...Array.from({ length: 101 }, (_, index) => ({ reference: `Practitioner/${index}` })));
    const before: Record<string, Resource>[] = [{}, { 'Practitioner/0': doctor('0') }];
    for (const found of before) {
      const { warnings, wanted } = accept(many, found);
      expect([warnings?.map(({ code }) => code), wanted.length]).toEqual([['not-looked-for'], 100]);
    }
  });
});
