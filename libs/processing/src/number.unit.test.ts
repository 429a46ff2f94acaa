import { loadNumber } from './number.js';
import type { EventStore } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, idleRegion, observation } from './region.fixture.js';
import { careRecordStream } from './streams.js';
import { losing } from './unreadable.fixture.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const EVENTS = 40;
let offset = 0;
const record = (wiring: Wiring, ...ids: readonly string[]) =>
  new RecordCareEvents(wiring).handle({
    messages: ids.map((id) => ({ ...arriving(observation(ANNE, id)), offset: (offset += 1) })),
  });
const many = Array.from({ length: EVENTS }, (_, n) => `o${n}`);
const load = ({ store, keys }: Wiring) => loadNumber(store, keys.patient(ANNE));

/** The same wiring, and how many events of Anne's were read by it. */
function counting(wiring: Wiring): { readonly wiring: Wiring; readonly read: () => number } {
  let count = 0;
  const read: EventStore['read'] = async (stream, options) => {
    const found = await wiring.store.read(stream, options);
    if (stream === careRecordStream(wiring.keys.patient(ANNE))) count += found.length;
    return found;
  };
  const store = Object.create(wiring.store, { read: { value: read } }) as EventStore;
  return { wiring: { ...wiring, store }, read: () => count };
}

describe('a number of many events', () => {
  it('is read once, and from then on as far as it grew', async () => {
    const region = await idleRegion();
    await record(region, ...many);
    const { wiring, read } = counting(region);
    const state = await load(wiring);
    expect(read()).toBe(EVENTS);
    expect(await load(wiring)).toEqual(state);
    await record(region, 'one more');
    expect(await load(wiring)).toEqual(await load(region));
    expect(read()).toBeLessThan(EVENTS + 5);
  });

  it('is each caller’s own: what one folds into it no other one sees', async () => {
    const wiring = await idleRegion();
    await record(wiring, ...many);
    const spoilt = await load(wiring);
    const [entry] = spoilt.record.entries.values();
    Object.assign(entry!, { retracted: true, resource: undefined });
    spoilt.record.accepted.clear();
    spoilt.record.order.length = 0;
    spoilt.decisions.length = 0;
    for (const { letters } of spoilt.views.values()) letters.clear();
    expect(await load(wiring)).toEqual(await loadNumber(wiring.store, wiring.keys.patient(ANNE), { anew: true }));
  });

  it('is read anew where its stream ends otherwise than it did, as of a store that was put back', async () => {
    const region = await idleRegion();
    await record(region, ...many);
    const back = { stands: false };
    const wiring = losing(region, ANNE, ({ revision }) => revision >= EVENTS - 5, back);
    expect((await load(wiring)).revision).toBe(EVENTS - 1);
    back.stands = true;
    expect((await load(wiring)).revision).toBe(EVENTS - 6);
  });

  it('is read anew where another event stands at its end, which came after a store was put back', async () => {
    const [region, other] = [await idleRegion(), await idleRegion()];
    await record(region, ...many);
    await record(other, ...many.slice(1), 'another');
    const back = { stands: false };
    const read: EventStore['read'] = (...asked) => (back.stands ? other : region).store.read(...asked);
    const wiring = { ...region, store: Object.create(region.store, { read: { value: read } }) as EventStore };
    expect([...(await load(wiring)).record.entries.keys()]).toContain('RX901/Observation/o0');
    back.stands = true;
    expect([...(await load(wiring)).record.entries.keys()]).not.toContain('RX901/Observation/o0');
  });

  it('is verified from its stream, whatever is remembered of it', async () => {
    const whole = await idleRegion();
    await record(whole, ...many);
    const hole = { stands: false };
    const wiring = losing(whole, ANNE, ({ revision }) => revision === 3, hole);
    await load(wiring);
    hole.stands = true;
    expect((await load(wiring)).revision).toBe(EVENTS - 1);
    expect((await verifyViews(wiring, { patience: 1 })).unreadable).toEqual([
      { key: wiring.keys.patient(ANNE), why: 'record-damaged' },
    ]);
  });
});
