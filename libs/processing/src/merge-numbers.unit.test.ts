import type { CareEvent, ViewEntry } from '@weft/domain';
import { World } from '@weft/testing';
import { encode, textOf } from './encoding.js';
import { mergeNumbers } from './merge-numbers.js';
import { loadNumber } from './number.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  idleRegion,
  ids,
  meeting,
  merge,
  observation,
  publish,
  published,
  publishes,
  region,
  standingOnTopic,
  unmerge,
} from './region.fixture.js';
import { careRecordStream } from './streams.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const CARA = '9990000034';

/** The same wiring, of a projector that stalls before its third look at a number's identity, while `meanwhile` happens. */
function stalling(wiring: Wiring, key: string, meanwhile: () => Promise<void>): Wiring {
  let looks = 0;
  const read: Wiring['store']['read'] = async (stream, options) => {
    if (stream === careRecordStream(key) && ++looks === 3) await meanwhile();
    return wiring.store.read(stream, options);
  };
  return { ...wiring, store: Object.create(wiring.store, { read: { value: read } }) as Wiring['store'] };
}

const isWith =
  (type: string) =>
  (_: string, events: readonly { readonly type: string }[]): boolean =>
    events.some((event) => event.type === type);

const isOfNumber =
  (key: string, type: string) =>
  (stream: string, events: readonly { readonly type: string }[]): boolean =>
    stream === careRecordStream(key) && isWith(type)(stream, events);

const isMergeIn = (key: string) => isOfNumber(key, 'patient-merged-1');

let offset = 1_000;
const record = (wiring: Wiring, event: CareEvent) =>
  new RecordCareEvents(wiring).handle({ messages: [{ ...arriving(event), offset: (offset += 1) }] });

/** What the subscribers for direct care hold, by the entries' ids. */
async function toldOfDirectCare(wiring: Wiring): Promise<ReadonlyMap<string, ViewEntry>> {
  await published(wiring);
  const { bus } = wiring;
  const topic = 'weft.record-changes.direct-care';
  const told = new Map<string, ViewEntry>();
  for (const { partition } of await bus.offsets(topic)) {
    for (const { value } of await bus.read(topic, partition, 0)) {
      if (value === null) continue;
      const entry = JSON.parse(textOf(value)) as ViewEntry;
      told.set(entry.id, entry);
    }
  }
  return told;
}

describe('a merge', () => {
  it('is decided once: who stalled half way finds that another took it back, and does not make it', async () => {
    const { wiring } = await region();
    const [anne, bert] = [wiring.keys.patient(ANNE), wiring.keys.patient(BERT)];
    const event = merge(ANNE, BERT);
    const at = { topic: 'weft.care-events.RX901', partition: 0, offset: 0 };
    const opposite = {
      by: anne,
      byNhsNumber: ANNE,
      ownNhsNumber: BERT,
      cause: 'the other way round',
      recordedAt: '2026-01-01T00:00:00.000Z',
    };
    let refusedMeanwhile: readonly unknown[] = [];
    const stalled = stalling(wiring, bert, async () => {
      await wiring.store.append(careRecordStream(bert), -1, [
        encode({ type: 'number-superseded-1', ...opposite }, wiring.random),
      ]);
      refusedMeanwhile = await mergeNumbers(wiring, event, at);
    });
    expect(await mergeNumbers(stalled, event, at)).toEqual(refusedMeanwhile);
    expect(refusedMeanwhile).toMatchObject([{ code: 'merge-loop' }]);
    expect((await loadNumber(wiring.store, anne)).identity.supersededBy).toBeNull();
  });

  it('is known with every entry told in the middle of it, also where nothing else is known of the surviving number', async () => {
    const wiring = await idleRegion();
    await record(wiring, observation(ANNE, 'a'));
    const entry = 'RX901/Observation/a';
    let toldMeanwhile: unknown;
    const halfMade = meeting(wiring, isMergeIn(wiring.keys.patient(BERT)), async () => {
      await record(wiring, observation(ANNE, 'b'));
      toldMeanwhile = (await toldOfDirectCare(wiring)).get(entry);
    });
    await record(halfMade, merge(ANNE, BERT));
    expect(toldMeanwhile).toMatchObject({ nhsNumber: BERT });
    expect((await toldOfDirectCare(wiring)).get(entry)).toMatchObject({ nhsNumber: BERT });
  });

  it('is known with every Patient told in the middle of it, also where nothing else is known of the number that gave way', async () => {
    const wiring = await idleRegion();
    const patient = { resource: { resourceType: 'Patient', id: 'b' } };
    await record(wiring, observation(BERT, 'b', patient));
    const replaces = { resource: { link: [{ type: 'replaces', other: { identifier: { value: ANNE } } }] } };
    let toldMeanwhile: unknown;
    const halfMade = meeting(wiring, isMergeIn(wiring.keys.patient(ANNE)), async () => {
      await record(wiring, observation(BERT, 'c'));
      toldMeanwhile = (await toldOfDirectCare(wiring)).get('RX901/Patient/b');
    });
    await record(halfMade, merge(ANNE, BERT));
    expect(toldMeanwhile).toMatchObject(replaces);
    expect((await toldOfDirectCare(wiring)).get('RX901/Patient/b')).toMatchObject(replaces);
  });
});

describe('the undoing of a merge', () => {
  const at = { topic: 'weft.care-events.RX901', partition: 0 };
  const undone = unmerge(ANNE, BERT);

  it('came about also where the number was merged into another one before it was said so', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b'), merge(ANNE, BERT)]);
    expect(await standingOnTopic(wiring, 'research')).toBe(2);
    const overtaken = meeting(wiring, isWith('merge-accepted-1'), () =>
      mergeNumbers(wiring, merge(ANNE, CARA), { ...at, offset: 2_000 }),
    );
    const message = arriving(undone);
    await new RecordCareEvents(overtaken).handle({ messages: [message] });
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/b']);
    expect((await loadNumber(wiring.store, wiring.keys.patient(ANNE))).identity.decided.size).toBe(3);
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });

  it('leaves a newer merge as it is, which came while the number was let go of', async () => {
    const { wiring } = await region();
    const [anne, bert] = [wiring.keys.patient(ANNE), wiring.keys.patient(BERT)];
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b'), merge(ANNE, BERT)]);
    const overtaken = meeting(wiring, isWith('number-released-1'), () =>
      mergeNumbers(wiring, merge(ANNE, BERT), { ...at, offset: 2_000 }),
    );
    expect(await mergeNumbers(overtaken, undone, { ...at, offset: 1_000 })).toEqual([]);
    expect((await loadNumber(wiring.store, anne)).identity.supersededBy?.key).toBe(bert);
    expect((await loadNumber(wiring.store, bert)).identity.absorbed).toEqual([anne]);
  });

  it('brings back to subscribers what they were told meanwhile to let go of, however soon it comes', async () => {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world, async () => {});
    const whileMerged = meeting(wiring, isOfNumber(wiring.keys.patient(ANNE), 'number-restored-1'), async () => {
      world.process('who publishes after the merge', publishes());
      await published(wiring);
    });
    const events = [observation(ANNE, 'a'), merge(ANNE, BERT), unmerge(ANNE, BERT)];
    await new RecordCareEvents(whileMerged).handle({
      messages: events.map((event) => ({ ...arriving(event), offset: (offset += 1) })),
    });
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(1);
  });
});
