import { encode } from './encoding.js';
import { mergeNumbers } from './merge-numbers.js';
import { loadNumber } from './number.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  ids,
  meeting,
  merge,
  observation,
  publish,
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

describe('a merge', () => {
  it('is decided once: who stalled half way finds that another took it back, and does not make it', async () => {
    const { wiring } = await region();
    const [anne, bert] = [wiring.keys.patient(ANNE), wiring.keys.patient(BERT)];
    const event = merge(ANNE, BERT);
    const at = { topic: 'weft.care-events.RX901', partition: 0, offset: 0 };
    const opposite = { by: anne, byNhsNumber: ANNE, cause: 'the other way round', recordedAt: '2026-01-01T00:00:00.000Z' };
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
});
