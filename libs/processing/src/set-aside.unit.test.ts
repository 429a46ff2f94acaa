import type { CareEvent } from '@weft/domain';
import { explainRecord } from './explain-record.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, idleRegion, meeting, observation } from './region.fixture.js';
import { versionCounts } from './set-aside.js';
import type { Wiring } from './wiring.js';

let offset = 0;
const record = (wiring: Wiring, ...events: readonly CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map((event) => ({ ...arriving(event), offset: (offset += 1) })) });
const version = (subject: string, versionId: string, lastUpdated: string | undefined, more: Partial<CareEvent> = {}): CareEvent =>
  observation(subject, 'a', {
    resource: {
      ...{ resourceType: 'Observation', id: 'a', status: 'final', valueString: `${versionId} ${lastUpdated}` },
      meta: { versionId, ...(lastUpdated !== undefined && { lastUpdated }) },
    },
    ...more,
  });
const SECOND = version(ANNE, '2', '2026-01-02T00:00:00Z');
const explained = async (wiring: Wiring) => (await explainRecord(wiring, wiring.keys.patient(ANNE))).setAside;
const counted = ({ store }: Wiring) => versionCounts(store, ['RX901', 'Y90001']);

describe('a version', () => {
  it.each([
    [
      'that is earlier than one before it',
      [SECOND, version(ANNE, '1', '2026-01-01T00:00:00Z')],
      'earlier',
      'Version 1 of 2026-01-01T00:00:00Z from RX901 is earlier than one that had already come, so it changed nothing.',
    ],
    [
      'that was replaced already, and comes again',
      [
        SECOND,
        version(ANNE, '2', '2026-01-02T00:00:00Z', { resource: { ...SECOND.resource, valueString: 'corrected' } }),
        { ...SECOND, id: 'again' },
      ],
      'replaced',
      'Version 2 of 2026-01-02T00:00:00Z from RX901 is one that had already been replaced or taken back, so it changed nothing.',
    ],
    [
      'that comes late, after its entry was taken back',
      [SECOND, { ...SECOND, id: 'gone', type: 'care-event-retracted-1' } as CareEvent, { ...SECOND, id: 'late' }],
      'replaced',
      'Version 2 of 2026-01-02T00:00:00Z from RX901 is one that had already been replaced or taken back, so it changed nothing.',
    ],
    [
      'that takes an earlier one back',
      [SECOND, version(ANNE, '1', undefined, { type: 'care-event-retracted-1' })],
      'earlier',
      'Retraction 1 from RX901 is earlier than one that had already come, so it changed nothing.',
    ],
    [
      'whose number says the other of its date',
      [SECOND, version(ANNE, '1', '2026-01-03T00:00:00Z')],
      'stands-by-arrival',
      'Version 1 of 2026-01-03T00:00:00Z from RX901 counts because it came last: its version number and its date disagree about whether it is the later one. Its sender should look at its numbers and its clock.',
    ],
  ] as const)('%s is explained', async (_, events, why, plainEnglish) => {
    const wiring = await idleRegion();
    await record(wiring, ...events);
    const last = events.at(-1) as CareEvent;
    expect(await explained(wiring)).toEqual([
      expect.objectContaining({ entry: 'RX901/Observation/a', organisation: 'RX901', event: last.id, why, plainEnglish }),
    ]);
  });

  it('that says the same again is not set aside, and neither is the next one', async () => {
    const wiring = await idleRegion();
    await record(wiring, SECOND, { ...SECOND, id: 'again' }, version(ANNE, '3', '2026-01-03T00:00:00Z'));
    expect(await explained(wiring)).toEqual([]);
    expect(await counted(wiring)).toEqual({});
  });
});

describe('versions that are set aside', () => {
  it('are counted by organisation, once, of several people and batches', async () => {
    const wiring = await idleRegion();
    const late = version(ANNE, '1', '2026-01-01T00:00:00Z');
    await record(wiring, SECOND, late);
    await record(wiring, { ...SECOND, subject: BERT }, { ...late, subject: BERT }, version(BERT, '1', '2026-01-03T00:00:00Z'));
    expect(await counted(wiring)).toEqual({ RX901: { setAside: 2, disagreeing: 1 } });
    await record(wiring, late);
    expect(await counted(wiring)).toEqual({ RX901: { setAside: 2, disagreeing: 1 } });
  });

  it('are counted also of a person whose views must be derived anew', async () => {
    const wiring = await idleRegion();
    await record(wiring, SECOND);
    await wiring.policies.adopt({ ...(await wiring.policies.current()).policy, name: 'another' });
    await record(wiring, version(ANNE, '1', '2026-01-01T00:00:00Z'));
    expect(await counted(wiring)).toEqual({ RX901: { setAside: 1, disagreeing: 0 } });
  });

  it('are added to what another projector counted meanwhile', async () => {
    const wiring = await idleRegion();
    await record(wiring, SECOND, { ...SECOND, subject: BERT });
    const overtaken = meeting(
      wiring,
      (stream) => stream === 'versions-RX901',
      () => record(wiring, version(BERT, '1', '2026-01-01T00:00:00Z')),
    );
    await record(overtaken, version(ANNE, '1', '2026-01-01T00:00:00Z'));
    expect(await counted(wiring)).toEqual({ RX901: { setAside: 2, disagreeing: 0 } });
  });
});
