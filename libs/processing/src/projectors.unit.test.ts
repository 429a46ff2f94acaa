import { PURPOSES, type CareEvent } from '@weft/domain';
import {
  ANNE,
  arriving,
  BERT,
  decide,
  ids,
  meeting,
  merge,
  observation,
  publish,
  read,
  region,
  standingOn,
  standingOnTopic,
  unmerge,
} from './region.fixture.js';
import { EngineUnavailable } from './errors.js';
import { RecordCareEvents } from './record-care-events.js';
import { CARE_RECORD_PREFIX } from './streams.js';
import { verifyViews } from './verify-views.js';

const isOfDerived = (stream: string, events: readonly { readonly type: string }[]): boolean =>
  stream.startsWith(CARE_RECORD_PREFIX) && events.some(({ type }) => type === 'views-derived-1');

const appointment = (subject: string, id: string): CareEvent =>
  observation(subject, id, { resource: { resourceType: 'Appointment', id, status: 'booked' } });

describe('both projectors', () => {
  it('build a view of each purpose from care events, each entry once though published twice', async () => {
    const { wiring, failures } = await region();
    const events = [observation(ANNE, 'a'), observation(ANNE, 'b'), observation(BERT, 'a')];
    await publish(wiring, events);
    await publish(wiring, events);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Observation/a', 'RX901/Observation/b']);
    const research = (await read(wiring, ANNE, 'research')).record;
    expect(research.entries).toHaveLength(2);
    expect(JSON.stringify(research)).not.toContain(ANNE);
    expect(await verifyViews(wiring)).toMatchObject({ records: 2, views: 8, differing: [] });
    expect(failures).toEqual([]);
  });

  it('obey an opt-out in every view and topic; invariant 5: opted back in equals never opted out', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const before = await read(wiring, ANNE, 'research');
    const others = await read(wiring, BERT, 'research');
    await decide(wiring, ANNE, ['research'], 'deny');
    expect((await read(wiring, ANNE, 'research')).record).toMatchObject({ entries: [], withheld: 1, consentRevision: 0 });
    expect(await ids(wiring, ANNE)).toHaveLength(1);
    expect(await read(wiring, BERT, 'research')).toEqual(others);
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
    await decide(wiring, ANNE, ['research'], 'permit');
    expect((await read(wiring, ANNE, 'research')).record.entries).toEqual(before.record.entries);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
  });

  it('notice a decision that they do not remember, though by those that they do an event changes nothing', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await decide(wiring, ANNE, PURPOSES, 'deny');
    // The fence makes the first forget what they remembered, and the second remember the objection.
    await publish(wiring, [observation(ANNE, 'b')]);
    await publish(wiring, [observation(ANNE, 'c')]);
    await decide(wiring, ANNE, PURPOSES, 'permit');
    const amended = { resourceType: 'Observation', id: 'a', status: 'amended', meta: { versionId: '2' } };
    await publish(wiring, [observation(ANNE, 'a', { resource: amended })]);
    const { entries } = (await read(wiring, ANNE, 'research')).record;
    expect(entries.map(({ resource }) => resource['status']).sort()).toEqual(['amended', 'final', 'final']);
    expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
  });

  it('obey, where nothing stands yet, the decisions of a number whose merge into it was cut short', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await decide(wiring, ANNE, PURPOSES, 'deny');
    const cutShort = meeting(wiring, isOfDerived, () => Promise.reject(new EngineUnavailable('store', 'killed')));
    const messages = [arriving(merge(ANNE, BERT))];
    await expect(new RecordCareEvents(cutShort).handle({ messages })).rejects.toThrow('killed');
    await new RecordCareEvents(wiring).handle({ messages: [{ ...arriving(appointment(BERT, 'c')), offset: 1_001 }] });
    expect(await standingOnTopic(wiring, 'care-coordination')).toBe(0);
    expect((await read(wiring, BERT, 'care-coordination')).record).toMatchObject({ entries: [], withheld: 1 });
  });

  it('move a record to the surviving number, with its decisions, and back again', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    await decide(wiring, ANNE, ['research'], 'deny');
    await publish(wiring, [merge(ANNE, BERT)]);
    expect((await read(wiring, ANNE, 'direct-care')).movedTo).toBe(BERT);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/a', 'RX901/Observation/b']);
    expect(await ids(wiring, BERT, 'research')).toEqual([]);
    await publish(wiring, [observation(ANNE, 'c')]);
    expect(await ids(wiring, BERT)).toHaveLength(3);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/b']);
    expect(await ids(wiring, BERT, 'research')).toHaveLength(1);
    expect(await ids(wiring, ANNE)).toHaveLength(2);
    expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
  });

  it('withdraw what an undone merge took along, though the view is too large for one append', async () => {
    const { wiring } = await region();
    const large = (id: string) => {
      const note = [{ text: 'x'.repeat(520_000) }];
      return observation(BERT, id, { resource: { resourceType: 'Observation', id, status: 'final', note } });
    };
    await publish(wiring, [observation(ANNE, 'a'), large('b'), large('c')]);
    const before = await standingOnTopic(wiring, 'direct-care');
    await publish(wiring, [merge(ANNE, BERT)]);
    expect(await ids(wiring, BERT)).toHaveLength(3);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/b', 'RX901/Observation/c']);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(before);
  });

  it('refuse a merge that would close a loop, into quarantine, and go on behind it', async () => {
    const { wiring } = await region();
    await publish(wiring, [merge(ANNE, BERT)]);
    await publish(wiring, [merge(BERT, ANNE), observation(BERT, 'after')]);
    expect(await standingOn(wiring, 'weft.quarantine')).toBe(1);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/after']);
  });
});
