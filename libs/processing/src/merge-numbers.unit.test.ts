import { encode } from './encoding.js';
import { loadIdentity } from './load.js';
import { mergeNumbers } from './merge-numbers.js';
import { ANNE, BERT, observation, region } from './region.fixture.js';
import { identityStream } from './streams.js';
import type { Wiring } from './wiring.js';

/** The same wiring, of a projector that stalls before its third look at a number's identity, while `meanwhile` happens. */
function stalling(wiring: Wiring, key: string, meanwhile: () => Promise<void>): Wiring {
  let looks = 0;
  const read: Wiring['store']['read'] = async (stream, options) => {
    if (stream === identityStream(key) && ++looks === 3) await meanwhile();
    return wiring.store.read(stream, options);
  };
  return { ...wiring, store: Object.create(wiring.store, { read: { value: read } }) as Wiring['store'] };
}

describe('a merge', () => {
  it('is decided once: who stalled half way finds that another took it back, and does not make it', async () => {
    const { wiring } = await region();
    const [anne, bert] = [wiring.keys.patient(ANNE), wiring.keys.patient(BERT)];
    const resource = { resourceType: 'Patient', id: 'p' };
    const event = observation(ANNE, 'p', { type: 'patient-merged-1', survivor: BERT, resource });
    const at = { topic: 'weft.care-events.RX901', partition: 0, offset: 0 };
    const opposite = { by: anne, byNhsNumber: ANNE, cause: 'the other way round', recordedAt: '2026-01-01T00:00:00.000Z' };
    let refusedMeanwhile: readonly unknown[] = [];
    const stalled = stalling(wiring, bert, async () => {
      await wiring.store.append(identityStream(bert), -1, [encode({ type: 'number-superseded-1', ...opposite }, wiring.random)]);
      refusedMeanwhile = await mergeNumbers(wiring, event, at);
    });
    expect(await mergeNumbers(stalled, event, at)).toEqual(refusedMeanwhile);
    expect(refusedMeanwhile).toMatchObject([{ code: 'merge-loop' }]);
    expect((await loadIdentity(wiring.store, anne)).supersededBy).toBeNull();
  });
});
