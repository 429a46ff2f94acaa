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

  it('is not changed by what says the same as the version in force, and is by a return to an earlier state', () => {
    const [a, b] = [event({ status: 'final' }, { digest: 'a' }), event({ status: 'amended' }, { digest: 'b' })];
    const again = (one: RecordedCareEvent, recordedAt: string) => ({ ...one, id: recordedAt, recordedAt });
    const record = fold([a, again(a, '2026-03-02T00:00:00Z')]);
    expect(entryOf(record)).toMatchObject({ recordedAt: a.recordedAt, changedAt: 0, versions: 2 });
    expect(evolveRecord(record, again(a, '2026-03-03T00:00:00Z'))).toBeNull();
    expect(entryOf(fold([a, b, again(a, '2026-03-02T00:00:00Z')]))?.resource).toMatchObject({ status: 'final' });
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

  describe('when a retraction names no version', () => {
    const bare = (time: string) => event({}, { type: 'care-event-retracted-1', time });
    const inError = () => event({ status: 'entered-in-error' });
    const version = (versionId: string) => event({ status: `v${versionId}`, meta: { versionId } });
    const dated = (day: string) => event({ status: day, meta: { lastUpdated: `2026-03-${day}T00:00:00Z` } });

    it.each(['1999-01-01T00:00:00Z', '2026-03-01T10:00:00Z', '2099-01-01T00:00:00Z'])(
      'retracts all that arrived before it, and nothing after it, whatever its clock says (%s)',
      (time) => {
        for (const one of [() => version('7'), () => dated('02'), () => event({ status: 'final' })]) {
          expect(entryOf(fold([one(), bare(time)]))?.retracted).toBe(true);
          expect(entryOf(fold([bare(time), one()]))?.retracted).toBe(false);
        }
        expect(entryOf(fold([version('7'), bare(time), version('8')]))).toMatchObject({ resource: { status: 'v8' } });
        expect(entryOf(fold([dated('02'), bare(time), dated('03')]))).toMatchObject({ resource: { status: '03' } });
      },
    );

    it.each([
      ['a retraction', () => bare('2026-03-01T10:00:00Z')],
      ['entered in error', inError],
    ])('is not undone by a version that it retracted, sent again or delayed (%s)', (_, retraction) => {
      for (const late of [version('7'), version('6')]) {
        expect(entryOf(fold([version('7'), retraction(), late]))).toMatchObject({ retracted: true, versions: 3 });
      }
      expect(entryOf(fold([dated('02'), retraction(), dated('01')]))?.retracted).toBe(true);
      expect(entryOf(fold([dated('02'), retraction(), dated('02')]))?.retracted).toBe(true);
    });
  });

  it('retracts no later version than the one that a retraction names', () => {
    const naming = (versionId: string) => event({ meta: { versionId } }, { type: 'care-event-retracted-1' });
    const version = (versionId: string) => event({ status: `v${versionId}`, meta: { versionId } });
    expect(entryOf(fold([version('3'), version('5'), naming('4')]))?.retracted).toBe(false);
    expect(entryOf(fold([version('5'), naming('5'), version('5')]))?.retracted).toBe(true);
    expect(entryOf(fold([naming('5'), version('4'), version('6')]))).toMatchObject({ resource: { status: 'v6' } });
  });

  it('lets an earlier version that comes late only join the history, also behind one that says nothing of its age', () => {
    const [v5, ageless, v4] = [
      event({ meta: { versionId: '5' } }),
      event({ status: 'later' }),
      event({ meta: { versionId: '4' } }),
    ];
    expect(entryOf(fold([v5, ageless, v4]))).toMatchObject({ versions: 3, resource: { status: 'later' } });
    expect(entryOf(fold([v5, ageless, { ...v5, id: 'again' }]))?.resource).toMatchObject({ status: 'later' });
  });

  it('takes a leap second for a time', () => {
    const leap = event({ status: 'leap', meta: { lastUpdated: '2016-12-31T23:59:60Z' } });
    const before = event({ status: 'before', meta: { lastUpdated: '2016-12-31T23:59:58Z' } });
    expect(entryOf(fold([leap, before]))?.resource).toMatchObject({ status: 'leap' });
  });

  it('keeps entries of different organisations apart though their type and id are the same', () => {
    const record = fold([event({}), event({}, { organisation: 'RX902', source: 'urn:ods:RX902' })]);
    expect([...record.entries.keys()]).toEqual(['RX901/Observation/o1', 'RX902/Observation/o1']);
  });
});
