import fc from 'fast-check';
import { CARE_EVENT_TYPES, DECISION_TYPE } from '@weft/domain';
import { instantOf, organisationOf, readEnvelope } from './envelope.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const sound = {
  specversion: '1.0',
  id: 'a-1',
  source: 'urn:ods:RX901:epr',
  type: 'care-event-recorded-1',
  subject: '9990033471',
  time: '2026-03-01T11:59:00+00:00',
  datacontenttype: 'application/fhir+json',
};
const problemsWith = (attributes: Record<string, unknown>) => readEnvelope({ ...sound, ...attributes }, NOW).problems;

describe('the envelope of an event', () => {
  it('is sound with every attribute in order, and does not look at others', () => {
    expect(problemsWith({ partitionkey: 5, traceparent: {}, toString: 'x' })).toEqual([]);
  });

  it.each([...CARE_EVENT_TYPES, DECISION_TYPE])('may be of type %s', (type) => expect(problemsWith({ type })).toEqual([]));

  it('tells every missing attribute at once', () => {
    const { problems } = readEnvelope({}, NOW);
    expect(problems.map(({ field, code }) => [field, code])).toEqual(Object.keys(sound).map((field) => [field, 'required']));
  });

  it.each([
    ['specversion', '0.3', 'unsupported'],
    ['specversion', 1, 'unsupported'],
    ['id', '', 'required'],
    ['id', null, 'required'],
    ['id', 'a\nb', 'malformed'],
    ['id', 'x'.repeat(257), 'malformed'],
    ['source', 'urn:ods:', 'malformed'],
    ['source', 'urn:ods:RX901:', 'malformed'],
    ['source', 'urn:ods:ABCDEFGHIJ', 'malformed'],
    ['source', 'urn:ods:RX-01', 'malformed'],
    ['source', 'https://rx901.nhs.uk', 'malformed'],
    ['source', 'urn:ods:RX901\n', 'malformed'],
    ['type', 'care-event-recorded-2', 'unknown-type'],
    ['type', 'constructor', 'unknown-type'],
    ['subject', '9990033472', 'nhs-number'],
    ['subject', '0000000000', 'nhs-number'],
    ['subject', '999 003 3471', 'nhs-number'],
    ['subject', 9990033471, 'nhs-number'],
    ['subject', { number: '9990033471' }, 'nhs-number'],
    ['time', '2026-03-01T12:00:00', 'malformed'],
    ['time', '2026-03-01', 'malformed'],
    ['time', '2026-02-30T12:00:00Z', 'malformed'],
    ['time', '2026-03-01T24:00:00Z', 'malformed'],
    ['time', '2026-03-02T12:00:01Z', 'too-late'],
    ['time', '1989-12-31T23:59:59Z', 'too-early'],
    ['time', '1970-01-01T00:00:00Z', 'too-early'],
    ['datacontenttype', 'application/json', 'unsupported'],
    ['datacontenttype', 'application/fhir+xml', 'unsupported'],
    ['datacontenttype', 'application/fhir+json; charset=utf-16', 'unsupported'],
    ['subject', '1111111111', 'nhs-number'],
  ])('refuses %s %j as %s, and nothing else', (field, value, code) => {
    expect(problemsWith({ [field]: value }).map((item) => [item.field, item.code])).toEqual([[field, code]]);
  });

  it.each([
    ['time', '2026-03-02T12:00:00Z'],
    ['time', '1990-01-01T00:00:00Z'],
    ['time', '2026-03-01t11:00:00.123456789z'],
    ['time', '2016-12-31T23:59:60Z'],
    ['source', 'urn:ods:Y90001'],
    ['source', 'urn:ods:RX901:epr:cerner/2'],
    ['datacontenttype', 'application/fhir+json; fhirVersion=4.0; charset=utf-8'],
    ['datacontenttype', 'Application/FHIR+JSON;charset="UTF-8"'],
  ])('takes %s %j', (field, value) => expect(problemsWith({ [field]: value })).toEqual([]));

  it('never repeats in a message what was sent, whatever it was', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(sound)), fc.stringMatching(/^\d{10,12}$/), (field, value) => {
        for (const { message } of problemsWith({ [field]: value })) expect(message).not.toContain(value);
      }),
    );
  });

  it('judges any attributes without throwing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(sound)), fc.anything()), (attributes) => {
        expect(Array.isArray(readEnvelope(attributes, NOW).problems)).toBe(true);
      }),
    );
  });
});

describe('an instant', () => {
  it('is the same whatever offset it is written in', () => {
    expect(instantOf('2026-03-01T12:00:00+01:00')).toBe(Date.parse('2026-03-01T11:00:00Z'));
    expect(instantOf('2026-03-01T12:00:00-00:00')).toBe(NOW);
  });

  it('survives being written and read', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
        expect(instantOf(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  it('has a leap second at the end of a day of UTC alone', () => {
    const last = Date.parse('2016-12-31T23:59:59Z');
    expect(instantOf('2016-12-31T23:59:60Z')).toBe(last);
    expect(instantOf('2016-12-31t18:59:60.25-05:00')).toBe(last + 250);
    for (const text of ['2016-12-31T22:59:60Z', '2016-12-31T23:59:60+01:00', '2016-12-31T23:58:60Z'])
      expect(instantOf(text)).toBeNull();
  });

  it('knows leap years', () => {
    expect(instantOf('2024-02-29T00:00:00Z')).not.toBeNull();
    expect(instantOf('2023-02-29T00:00:00Z')).toBeNull();
    expect(instantOf('1900-02-29T00:00:00Z')).toBeNull();
    expect(instantOf('2000-02-29T00:00:00Z')).not.toBeNull();
  });
});

describe('the organisation of a source', () => {
  it('is its ODS code, with or without a system', () => {
    expect(organisationOf('urn:ods:RX901')).toBe('RX901');
    expect(organisationOf('urn:ods:RX901:epr')).toBe('RX901');
    expect(organisationOf('urn:nhs:RX901')).toBeNull();
    expect(organisationOf(undefined)).toBeNull();
  });
});
