import { type Identified, identityProblems } from './mended.js';

const NHS = '9990000018';
const BINARY: Identified = {
  headers: { ce_id: 'e1', ce_source: 'urn:ods:RX901', ce_subject: NHS, ce_type: 'care-event-recorded-1', 'weft-validated': 's' },
  value: Buffer.from('{"resourceType":"Condition"}'),
};
const EVENT = { specversion: '1.0', id: 'e1', source: 'urn:ods:RX901', subject: NHS, type: 'care-event-recorded-1', data: {} };
const structured = (event: object | string): Identified => ({
  headers: { 'content-type': 'application/cloudevents+json' },
  value: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
});
const fields = (before: Identified, after: Identified) => identityProblems(before, after).map(({ field }) => field);

describe('what is sent instead of a message in quarantine', () => {
  it('may say anything else of the event', () => {
    const mended = { headers: { ...BINARY.headers, ce_type: 'care-event-retracted-1' }, value: Buffer.from('{}') };
    expect(fields(BINARY, mended)).toEqual([]);
    expect(fields(structured(EVENT), structured({ ...EVENT, data: { resourceType: 'Condition' } }))).toEqual([]);
  });

  it.each([
    ['id', { ce_id: 'e2' }, { id: 'e2' }],
    ['source', { ce_source: 'urn:ods:RX902' }, { source: 'urn:ods:RX902' }],
    ['subject', { ce_subject: '9990000026' }, { subject: '9990000026' }],
  ])('has the same %s, in either mode', (field, header, member) => {
    expect(fields(BINARY, { ...BINARY, headers: { ...BINARY.headers, ...header } })).toEqual([field]);
    expect(fields(structured(EVENT), structured({ ...EVENT, ...member }))).toEqual([field]);
    expect(fields(structured(EVENT), structured({ ...EVENT, [field]: undefined }))).toEqual([field]);
  });

  it('does not leave its identity out by being written in the other mode', () => {
    expect(fields(BINARY, structured({ ...EVENT, id: 'e2' }))).toEqual(['id']);
    expect(fields(structured(EVENT), { headers: { ce_id: 'e1' }, value: BINARY.value })).toEqual(['source', 'subject']);
  });

  it('does not speak for the gateway', () => {
    const forged = { ...BINARY.headers, 'weft-recorder': '{"as":"governance"}', 'weft-validated': 'forged' };
    expect(fields(BINARY, { ...BINARY, headers: forged }).sort()).toEqual(['headers.weft-recorder', 'headers.weft-validated']);
  });

  it('may be anything where nothing could be read', () => {
    expect(fields(structured('{'), structured({ ...EVENT, id: 'whatever' }))).toEqual([]);
  });
});
