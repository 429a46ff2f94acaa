import { PROJECTIONS, PURPOSES, type CareEvent, type Projection, type Purpose } from '@weft/domain';
import {
  ANNE,
  arriving,
  BERT,
  decide,
  ids,
  killedBeforeTelling,
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
import { NO_STREAM } from './ports.js';
import { rebuildViews } from './rebuild-views.js';
import { RecordCareEvents } from './record-care-events.js';
import { viewPrefix, viewStream } from './streams.js';
import { recordChangesTopic } from './topics.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

/** The patients of whom something stands on the topic of a purpose, an entry each. */
async function keysStandingOn({ bus }: Wiring, purpose: Purpose): Promise<string[]> {
  const standing = new Map<string, string>();
  const topic = recordChangesTopic(purpose);
  for (const { partition, low } of await bus.offsets(topic)) {
    for (const { key, value } of await bus.read(topic, partition, low)) {
      if (value === null) standing.delete(key);
      else standing.set(key, key.slice(0, key.indexOf('.')));
    }
  }
  return [...standing.values()];
}

/** Revision of the last event of each view. */
const headsOfViews = ({ store, keys, projections }: Wiring, subject: string): Promise<number[]> =>
  Promise.all(
    projections.map((projection) => store.head(viewStream(projection, keys.view(projection.purpose, keys.patient(subject))))),
  );

const isOf =
  (category: string) =>
  (stream: string): boolean =>
    stream.startsWith(category);
const isOfCoordination = isOf(viewPrefix(PROJECTIONS.find(({ purpose }) => purpose === 'care-coordination') as Projection));

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
    expect((await read(wiring, ANNE, 'research')).record.digest).toBe(before.record.digest);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
  });

  it('withdraw with a decision also what another projector took out of the view and has not told of', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(ANNE, 'b')]);
    const retraction = arriving(observation(ANNE, 'a', { type: 'care-event-retracted-1' }));
    await new RecordCareEvents(killedBeforeTelling(wiring)).handle({ messages: [retraction] });
    expect(await ids(wiring, ANNE, 'research')).toHaveLength(1);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    await decide(wiring, ANNE, ['research'], 'deny');
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
  });

  it('tell of an event also where somebody who stalled brought it to the view, and was killed before they told', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b'), merge(ANNE, BERT)]);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    const overtaken = meeting(wiring, isOf('careRecord-'), () => rebuildViews(wiring, wiring.keys.patient(ANNE)), 'after');
    const retraction = arriving(observation(ANNE, 'a', { type: 'care-event-retracted-1' }));
    await new RecordCareEvents(overtaken).handle({ messages: [retraction] });
    expect(await standingOnTopic(wiring, 'research')).toBe(1);
  });

  it('tell of a merge also where somebody who stalled did all of it, and was killed before they told', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    const messages = [arriving(merge(ANNE, BERT))];
    const other = new RecordCareEvents(killedBeforeTelling(wiring));
    const overtaken = meeting(wiring, isOf('identity-'), () => other.handle({ messages }));
    await new RecordCareEvents(overtaken).handle({ messages });
    const moved = wiring.keys.view('research', wiring.keys.patient(BERT));
    expect(await keysStandingOn(wiring, 'research')).toEqual([moved, moved]);
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

  it('write nothing to a view that no event concerned yet, though the patient is read again', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await new RecordCareEvents(wiring).handle({ messages: [arriving(observation(ANNE, 'b'))] });
    expect(await headsOfViews(wiring, ANNE)).toEqual([1, NO_STREAM, 1, 1]);
    expect(await ids(wiring, ANNE, 'care-coordination')).toEqual([]);
    expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
  });

  it('meet in such a view a decision made after the patient was read again', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    const rereading = new RecordCareEvents(wiring);
    await rereading.handle({ messages: [arriving(observation(ANNE, 'b'))] });
    await decide(wiring, ANNE, PURPOSES, 'deny');
    await rereading.handle({ messages: [{ ...arriving(appointment(ANNE, 'c')), offset: 1_001 }] });
    expect((await read(wiring, ANNE, 'care-coordination')).record).toMatchObject({ entries: [], withheld: 1 });
    expect(await standingOnTopic(wiring, 'care-coordination')).toBe(0);
  });

  it('build a view that should stand, and does not as its first event was cut short', async () => {
    const { wiring } = await region();
    const cutShort = meeting(wiring, isOfCoordination, () => Promise.reject(new EngineUnavailable('store', 'killed')));
    const messages = [arriving(appointment(ANNE, 'a'))];
    await expect(new RecordCareEvents(cutShort).handle({ messages })).rejects.toThrow('killed');
    await publish(wiring, [observation(ANNE, 'b')]);
    expect(await ids(wiring, ANNE, 'care-coordination')).toHaveLength(1);
    expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
  });

  it('obey, where nothing stands yet, the decisions of a number whose merge into it was cut short', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await decide(wiring, ANNE, PURPOSES, 'deny');
    const cutShort = meeting(wiring, isOfCoordination, () => Promise.reject(new EngineUnavailable('store', 'killed')));
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
