import fc from 'fast-check';
import type { Resource } from '../vocabulary.js';
import type { RecordedCareEvent } from './care-event.js';
import { emptyRecord, evolveRecord, type CareRecord } from './record.js';

let arrivals = 0;
function event(resource: Partial<Resource>, more: Partial<RecordedCareEvent> = {}): RecordedCareEvent {
  arrivals += 1;
  return {
    type: 'care-event-recorded-1',
    id: `e${arrivals}`,
    source: 'urn:ods:RX901',
    organisation: 'RX901',
    time: '2026-03-01T10:00:00Z',
    recordedAt: '2026-03-01T10:00:01Z',
    coordinates: { topic: 'weft.care-events.RX901', partition: 0, offset: arrivals },
    resource: { resourceType: 'Observation', id: 'o1', ...resource },
    ...more,
  };
}

function fold(events: readonly RecordedCareEvent[]): CareRecord {
  const record = emptyRecord();
  for (const one of events) evolveRecord(record, one);
  return record;
}

const entryOf = (record: CareRecord) => record.entries.get('RX901/Observation/o1');

describe('a care record', () => {
  it('takes the same (source, id) once, whenever the second comes', () => {
    const first = event({ status: 'final' });
    const record = fold([first, event({ status: 'amended' }), { ...first, resource: { ...first.resource, status: 'again' } }]);
    expect(entryOf(record)).toMatchObject({ versions: 2, resource: { status: 'amended' } });
  });

  it('lets another source use the same id', () => {
    const first = event({ id: 'a' }, { id: 'same' });
    const second = event({ id: 'b' }, { id: 'same', source: 'urn:ods:RX901:pathology' });
    expect(fold([first, second]).entries.size).toBe(2);
  });

  it('amends an entry by a later version, and lets an earlier one that comes late only join its history', () => {
    const versions = [1, 2, 10].map((n) => event({ meta: { versionId: String(n) }, status: `v${n}` }));
    fc.assert(
      fc.property(fc.shuffledSubarray(versions, { minLength: 3 }), (order) => {
        expect(entryOf(fold(order))).toMatchObject({ versions: 3, resource: { status: 'v10' } });
      }),
    );
  });

  it('orders by meta.lastUpdated where version ids have no order, across time zones', () => {
    const newer = event({ meta: { versionId: 'W/b', lastUpdated: '2026-03-01T09:30:00Z' }, status: 'newer' });
    const older = event({ meta: { versionId: 'W/z', lastUpdated: '2026-03-01T10:00:00+01:00' }, status: 'older' });
    expect(entryOf(fold([newer, older]))?.resource).toMatchObject({ status: 'newer' });
  });

  it('orders by arrival where a version says nothing of its age', () => {
    expect(entryOf(fold([event({ status: 'first' }), event({ status: 'second' })]))?.resource).toMatchObject({
      status: 'second',
    });
  });

  it('retracts what was entered in error, by status or by verification status', () => {
    expect(entryOf(fold([event({ status: 'final' }), event({ status: 'entered-in-error' })]))?.retracted).toBe(true);
    const condition = { resourceType: 'Condition', id: 'c1', verificationStatus: { coding: [{ code: 'entered-in-error' }] } };
    expect(fold([event(condition)]).entries.get('RX901/Condition/c1')?.retracted).toBe(true);
  });

  it('does not bring back, by a version that was merely delayed, what was retracted after it', () => {
    const retraction = event({}, { type: 'care-event-retracted-1', time: '2026-03-02T00:00:00Z' });
    const delayed = event({ status: 'final', meta: { lastUpdated: '2026-03-01T00:00:00Z' } });
    const corrected = event({ status: 'corrected', meta: { lastUpdated: '2026-03-03T00:00:00Z' } });
    expect(entryOf(fold([retraction, delayed]))?.retracted).toBe(true);
    expect(entryOf(fold([delayed, retraction]))?.retracted).toBe(true);
    expect(entryOf(fold([retraction, delayed, corrected]))).toMatchObject({
      retracted: false,
      resource: { status: 'corrected' },
    });
  });

  it('keeps entries of different organisations apart though their type and id are the same', () => {
    const record = fold([event({}), event({}, { organisation: 'RX902', source: 'urn:ods:RX902' })]);
    expect([...record.entries.keys()]).toEqual(['RX901/Observation/o1', 'RX902/Observation/o1']);
  });
});
