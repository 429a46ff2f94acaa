import type { Organisation } from '@weft/domain';
import { judgeMany } from './judge-many.js';
import type { Many } from './judge-many.js';
import { packed, unpacked } from './packed.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const patient = { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990033471' } };
const sound = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Größe' }, subject: patient };
const consent = { resourceType: 'Consent', id: 'c', scope: { coding: [{ code: 'patient-privacy' }] }, patient };
const event = (data: object, type = 'care-event-recorded-1') => ({
  ...{ specversion: '1.0', id: 'a-1', source: 'urn:ods:RX901', type, subject: '9990033471', time: '2026-03-01T11:59:00Z' },
  ...{ datacontenttype: 'application/fhir+json', data },
});
const many = (kind: Many['kind'], body: unknown, more: Partial<Many> = {}): Many => ({
  kind,
  bytes: Buffer.from(JSON.stringify(body)),
  ...{ limitBytes: 100_000, entriesMax: 3, keys: { fresh: 'request' } },
  rules: { organisations, now: NOW, sender: 'RX901', recorder: { as: 'organisation', organisation: 'RX901', subject: null } },
  ...more,
});
const bundle = (...resources: object[]) => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: resources.map((resource) => ({ resource })),
});
const judged = (body: Many) => {
  const reading = judgeMany(body);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.event;
};

describe('a body of many events', () => {
  it.each([
    ['bundle', bundle(sound, { ...sound, status: undefined }, consent)],
    ['batch', [event(sound), event({ ...sound, status: undefined }), event(consent, 'consent-decision-recorded-1')]],
  ] as const)('is judged one by one: a %s', (kind, body) => {
    const found = judged(many(kind, body));
    expect(found.items.map(({ entry, reading, subject, isDecision }) => [entry, reading.ok, subject, isDecision])).toEqual([
      [0, true, '9990033471', false],
      [1, false, '9990033471', false],
      [2, true, '9990033471', true],
    ]);
  });

  it('says of a batch what of it, refused, may have denied something', () => {
    const twice = JSON.stringify(event(consent, 'consent-decision-recorded-1')).replace('"id":"c"', '"id":"c","id":"d"');
    const within = { ...sound, contained: [consent] };
    const body = `[${[
      JSON.stringify(event(sound)),
      JSON.stringify(event({ ...sound, status: undefined })),
      JSON.stringify(event(consent)),
      JSON.stringify(event(within)),
      JSON.stringify(event(consent, 'consent-decision-recorded-2')),
      twice,
      '{"id":}',
    ].join()}]`;
    const found = judged({ ...many('batch', []), bytes: Buffer.from(body), entriesMax: 10 });
    expect(found.items.map(({ reading, mayDeny }) => [reading.ok, mayDeny])).toEqual([
      [true, false],
      [false, false],
      [false, true],
      [false, true],
      [false, true],
      [false, true],
      [false, false],
    ]);
  });

  it('comes from another thread as it was judged there, with its bytes', () => {
    const found = judged(many('batch', [event(sound), event({ ...sound, status: undefined }), event({ ...sound, id: 'o2' })]));
    const sent = structuredClone(packed(found));
    expect(unpacked(sent).items.map(({ reading }) => reading.ok && Buffer.from(reading.event.bytes).toString())).toEqual([
      JSON.stringify(sound),
      false,
      JSON.stringify({ ...sound, id: 'o2' }),
    ]);
    const withoutBytes = (of: typeof found): unknown =>
      JSON.parse(JSON.stringify(of, (key, value: unknown) => (key === 'bytes' ? undefined : value)));
    expect(withoutBytes(unpacked(sent))).toEqual(withoutBytes(found));
  });

  it.each([
    ['bundle', bundle(sound, sound, sound, sound)],
    ['batch', [1, 2, 3, 4]],
  ] as const)('is refused whole above the number of entries: a %s', (kind, body) => {
    expect(judgeMany(many(kind, body))).toMatchObject({ ok: false, problems: [{ code: 'too-large' }] });
  });

  it('is refused whole where it cannot be told apart', () => {
    expect(judgeMany(many('bundle', []))).toMatchObject({ ok: false, problems: [{ field: 'resourceType' }] });
    expect(judgeMany(many('bundle', bundle(sound), { limitBytes: 10 }))).toMatchObject({
      problems: [{ code: 'too-large' }],
    });
    expect(judgeMany(many('batch', {}))).toMatchObject({ ok: false, problems: [{ code: 'not-json' }] });
  });
});
