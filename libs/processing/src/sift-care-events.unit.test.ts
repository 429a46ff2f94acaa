import type { CareEvent } from '@weft/domain';
import { bytesOf } from './encoding.js';
import { careRecordStream } from './streams.js';
import { listQuarantine } from './quarantine.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, idleRegion, ids, merge, observation } from './region.fixture.js';
import type { Wiring } from './wiring.js';

let offset = 0;
const at = (event: CareEvent, place = (offset += 1)) => ({ ...arriving(event), offset: place });
const other = (event: CareEvent): CareEvent => ({ ...event, resource: { ...event.resource, id: 'other' } });
const inQuarantine = async ({ bus }: Wiring) =>
  (await listQuarantine(bus)).map(({ from, problems }) => [from.offset, problems[0]?.code]);
const lengthOf = async ({ store, keys }: Wiring, number: string) =>
  (await store.head(careRecordStream(keys.patient(number)))) + 1;

describe('an event under a used (source, id)', () => {
  it.each(['in one batch', 'in a batch of its own'])('stands in quarantine where it says something else, %s', async (how) => {
    const wiring = await idleRegion();
    const first = observation(ANNE, 'first');
    const messages = [at(first), at(other(first)), at(observation(ANNE, 'behind'))];
    const batches = how === 'in one batch' ? [messages] : messages.map((message) => [message]);
    for (const batch of batches) await new RecordCareEvents(wiring).handle({ messages: batch });
    expect(await inQuarantine(wiring)).toEqual([[messages[1]?.offset, 'conflict']]);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Observation/behind', 'RX901/Observation/first']);
  });

  it('is one event where it says the same, whenever it comes and whatever happened in between', async () => {
    const wiring = await idleRegion();
    const [first, second] = [observation(ANNE, 'a'), observation(ANNE, 'a')];
    const later = { ...first, time: '2026-02-02T00:00:00Z' };
    for (const event of [first, second, later]) await new RecordCareEvents(wiring).handle({ messages: [at(event)] });
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(await lengthOf(wiring, ANNE)).toBe(2);
  });

  it('comes again after a crash as what it was', async () => {
    const wiring = await idleRegion();
    const first = observation(ANNE, 'a');
    const messages = [at(first), at(other(first))];
    for (let time = 0; time < 2; time += 1) await new RecordCareEvents(wiring).handle({ messages });
    expect(await inQuarantine(wiring)).toEqual([[messages[1]?.offset, 'conflict']]);
    expect(await lengthOf(wiring, ANNE)).toBe(1);
  });

  it('stands in quarantine also where it merges, and where it is under the id of a merge', async () => {
    const wiring = await idleRegion();
    const merging = merge(ANNE, BERT);
    const again = { ...merging, survivor: '9990000034', resource: { ...merging.resource, active: true } };
    const under = { ...observation(ANNE, 'x'), id: merging.id };
    for (const event of [merging, again, under, merging]) await new RecordCareEvents(wiring).handle({ messages: [at(event)] });
    expect(await inQuarantine(wiring)).toEqual([
      [offset - 2, 'conflict'],
      [offset - 1, 'conflict'],
    ]);
  });

  it('is the same as one that a version of Weft accepted which kept no digests', async () => {
    const wiring = await idleRegion();
    const first = observation(ANNE, 'a');
    const { id, type, source, organisation, time, resource } = first;
    const data = {
      id,
      source,
      organisation,
      time,
      resource,
      recordedAt: time,
      coordinates: { topic: 't', partition: 0, offset: 1 },
    };
    const stored = { id: wiring.random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
    await wiring.store.append(careRecordStream(wiring.keys.patient(ANNE)), -1, [stored]);
    await new RecordCareEvents(wiring).handle({ messages: [at(other(first))] });
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(await lengthOf(wiring, ANNE)).toBe(1);
  });
});
