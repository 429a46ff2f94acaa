import type { Resource } from '../vocabulary.js';
import type { RecordedCareEvent } from './care-event.js';
import { emptyRecord, evolveRecord } from './record.js';

let arrivals = 0;
function event(type: RecordedCareEvent['type'], said: Partial<Resource> = {}, more: Partial<RecordedCareEvent> = {}) {
  arrivals += 1;
  const { organisation = 'RX901' } = more;
  return {
    ...{ type, id: `e${arrivals}`, source: `urn:ods:${organisation}`, organisation, time: '2026-03-01T10:00:00Z' },
    ...{ recordedAt: '2026-03-01T10:00:01Z', coordinates: { topic: 'topic', partition: 0, offset: arrivals } },
    resource: { resourceType: 'Patient', id: 'p1', ...said },
    ...more,
  };
}

const patient = (version: number) =>
  event('care-event-recorded-1', { meta: { versionId: `${version}` }, name: [{ family: 'Whole' }] });
const death = (said: object = { deceasedDateTime: '2026-02-27' }, organisation = 'RX901') =>
  event('patient-died-1', said, { organisation });
const retraction = (more: Partial<RecordedCareEvent> = {}) => event('patient-death-retracted-1', {}, more);

function standing(...events: RecordedCareEvent[]): string[] {
  const record = emptyRecord();
  for (const one of events) evolveRecord(record, one);
  return [...record.entries.values()].filter(({ retracted }) => !retracted).map(({ id }) => id);
}

describe('a death', () => {
  it('is an entry of its own: no version of the Patient hides it, and it blanks nobody’s name', () => {
    const record = emptyRecord();
    for (const one of [patient(7), death({ deceasedDateTime: '2026-02-27', meta: { versionId: '3' } }), patient(8)])
      evolveRecord(record, one);
    expect(record.entries.get('RX901/Patient/p1')?.resource).toMatchObject({ name: [{ family: 'Whole' }] });
    expect(record.entries.get('RX901/death/p1')).toMatchObject({ retracted: false, occurredAt: '2026-02-27' });
  });

  it('is told anew by whoever told it, as it came', () => {
    const record = emptyRecord();
    for (const one of [death(), death({ deceasedDateTime: '2026-02-26' })]) evolveRecord(record, one);
    expect(record.entries.get('RX901/death/p1')).toMatchObject({ occurredAt: '2026-02-26', versions: 2 });
  });

  it('is taken back by its organisation, and another’s stands', () => {
    expect(standing(death(), death(undefined, 'Y90001'), retraction())).toEqual(['Y90001/death/p1']);
  });

  it('is taken back, whoever told it, where the retraction takes back every death', () => {
    expect(standing(death(), death(undefined, 'Y90001'), retraction({ organisation: 'X26', takesBack: 'every-death' }))).toEqual(
      [],
    );
  });

  it('may be told again once it was taken back', () => {
    expect(standing(death(), retraction(), death())).toEqual(['RX901/death/p1']);
  });

  it('is not taken back by a retraction of the Patient', () => {
    expect(standing(patient(1), death(), event('care-event-retracted-1'))).toEqual(['RX901/death/p1']);
  });

  it('that a system told is of that system’s Patient', () => {
    const told = event('patient-died-1', { deceasedBoolean: true }, { source: 'urn:ods:RX901:a/Patient/b' });
    expect(standing(death(), told)).toEqual(['RX901/death/p1', 'RX901:a/Patient/b/death/p1']);
  });

  it('without a date was before it was told', () => {
    const record = emptyRecord();
    evolveRecord(record, death({ deceasedBoolean: true }));
    const told = Date.parse('2026-03-01T10:00:00Z');
    expect(record.entries.get('RX901/death/p1')?.died).toEqual({ from: told, until: told });
  });
});
