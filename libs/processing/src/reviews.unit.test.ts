import { PURPOSES, type CareEvent } from '@weft/domain';
import { changesOf } from './changes-of.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, idleRegion, meeting, merge, observation, published, unmerge } from './region.fixture.js';
import { noteReviews, Reviews } from './reviews.js';
import { CARE_RECORD_PREFIX } from './streams.js';
import type { Wiring } from './wiring.js';

let offset = 0;
const record = (wiring: Wiring, ...events: readonly CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map((event) => ({ ...arriving(event), offset: (offset += 1) })) });
const born = (subject: string, organisation: string, birthDate: string): CareEvent =>
  observation(subject, 'p', {
    ...{ organisation, source: `urn:ods:${organisation}` },
    resource: { resourceType: 'Patient', id: `p-${subject}`, birthDate },
  });
const counted = async (wiring: Wiring) => {
  await published(wiring);
  return new Reviews(wiring.store).count();
};
const NOBODY = { people: 0, organisations: {} };
const ONE = { people: 1, organisations: { RX901: 1, Y90001: 1 } };

describe('records that contradict themselves', () => {
  it('are counted by organisation, until nothing contradicts any more', async () => {
    const wiring = await idleRegion();
    await record(wiring, born(ANNE, 'RX901', '1950-01-01'), observation(ANNE, 'a'), born(BERT, 'RX901', '1985-06-07'));
    expect(await counted(wiring)).toEqual(NOBODY);
    await record(wiring, born(ANNE, 'Y90001', '1985-06-07'));
    expect(await counted(wiring)).toEqual(ONE);
    await record(wiring, born(ANNE, 'Y90001', '1950-01-01'));
    expect(await counted(wiring)).toEqual(NOBODY);
  });

  it('are counted once two people are merged, and not once that is undone', async () => {
    const wiring = await idleRegion();
    await record(wiring, born(ANNE, 'RX901', '1950-01-01'), born(BERT, 'Y90001', '1985-06-07'), merge(ANNE, BERT));
    expect(await counted(wiring)).toEqual(ONE);
    await record(wiring, unmerge(ANNE, BERT));
    expect(await counted(wiring)).toEqual(NOBODY);
  });

  it('are looked at again where the view moved on while they were noted', async () => {
    const wiring = await idleRegion();
    await record(wiring, born(ANNE, 'RX901', '1950-01-01'));
    await record(wiring, born(ANNE, 'Y90001', '1985-06-07'));
    const events = await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] });
    const changes = await changesOf(wiring, events, new Set(PURPOSES), () => {});
    const overtaken = meeting(
      wiring,
      (stream) => stream === 'reviews-region',
      () => record(wiring, born(ANNE, 'Y90001', '1950-01-01')),
    );
    await noteReviews(overtaken, changes);
    expect(await counted(wiring)).toEqual(NOBODY);
  });
});
