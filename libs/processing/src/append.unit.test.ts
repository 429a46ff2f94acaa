import { evolveViews, viewName, type Effect, type Purpose, type Views } from '@weft/domain';
import { appendToNumber, withTheirEffect } from './append.js';
import { viewIn } from './decide-views.js';
import { EngineUnavailable } from './errors.js';
import { loadNumber } from './number.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, idleRegion, observation, read } from './region.fixture.js';
import { careRecordStream } from './streams.js';
import { verifyViews } from './verify-views.js';
import { projectionOf, type Wiring } from './wiring.js';

const ID = 'RX901/Observation/a';
/** Of other numbers' entries, which are named by their ids: more than one event carries. */
const OTHERS = Array.from({ length: 9_000 }, (_, nth) => `RX901/Observation/of-another-number-of-the-person-${nth}`);

async function onlyAnne() {
  const wiring = await idleRegion();
  const key = wiring.keys.patient(ANNE);
  return { wiring, key, stream: careRecordStream(key) };
}

/** The view for direct care loses its entry, and gains thousands; that for research gains half of them, withheld. */
async function tooLarge(wiring: Wiring, key: string): Promise<Effect> {
  const view = viewIn(await loadNumber(wiring.store, key), projectionOf(wiring, 'direct-care'));
  const nameOf = (purpose: Purpose): string => viewName(projectionOf(wiring, purpose));
  return {
    views: {
      [nameOf('direct-care')]: { iw: [0], '-i': OTHERS },
      [nameOf('research')]: { '-w': OTHERS.slice(0, 4_500) },
    },
    basis: { ...view.basis!, policyVersion: 1 },
  };
}

/** A store that is killed before an append to the stream, once so many have come. */
function killedAfter({ store }: Wiring, stream: string, appends: number): EventStore {
  let left = appends;
  const append: EventStore['append'] = async (name, ...given) => {
    if (name === stream && left-- === 0) throw new EngineUnavailable('store', 'killed');
    return store.append(name, ...given);
  };
  return Object.create(store, { append: { value: append } }) as EventStore;
}

describe('an effect that is too large for one event', () => {
  const message = arriving(observation(ANNE, 'a'));
  const record = (wiring: Wiring): Promise<void> => new RecordCareEvents(wiring).handle({ messages: [message] });

  it('comes in events of its own, each in an append that the store takes, whose fold is the same view', async () => {
    const { wiring, key } = await onlyAnne();
    await record(wiring);
    const state = await loadNumber(wiring.store, key);
    const whole: Views = new Map([...state.views].map(([name, view]) => [name, { ...view, letters: new Map(view.letters) }]));
    const effect = await tooLarge(wiring, key);
    const parts = withTheirEffect(wiring, [], effect);
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.map((part) => part.effect?.basis)).toEqual([...parts.slice(1).map(() => undefined), effect.basis]);
    await appendToNumber(wiring, state, parts);
    evolveViews(whole, effect, state.revision, () => ID);
    const { views, revision } = await loadNumber(wiring.store, key);
    expect([views, revision]).toEqual([whole, state.revision]);
    expect(state.views).toEqual(whole);
  });

  it('is believed by no reader between two of its parts, and mended by the next delivery where it was killed there', async () => {
    const { wiring, key, stream } = await onlyAnne();
    await record(wiring);
    expect((await read(wiring, ANNE, 'direct-care')).fromView).toBe(true);
    const state = await loadNumber(wiring.store, key);
    const parts = withTheirEffect(wiring, [], await tooLarge(wiring, key));
    await expect(appendToNumber({ ...wiring, store: killedAfter(wiring, stream, 1) }, state, parts)).rejects.toThrow(
      EngineUnavailable,
    );
    expect(viewIn(await loadNumber(wiring.store, key), projectionOf(wiring, 'direct-care')).letters.get(ID)).toBe('w');
    const between = await read(wiring, ANNE, 'direct-care');
    expect([between.fromView, between.record.entries.map(({ id }) => id)]).toEqual([false, [ID]]);
    expect((await verifyViews(wiring, { patience: 1 })).differing).not.toEqual([]);
    await record(wiring);
    const mended = await read(wiring, ANNE, 'direct-care');
    expect([mended.fromView, mended.record.entries.map(({ id }) => id)]).toEqual([true, [ID]]);
    expect((await verifyViews(wiring)).differing).toEqual([]);
  });
});

describe('events that take several appends', () => {
  it('are in every view once those of the first come again by themselves, though the rest was never written', async () => {
    const { wiring, stream } = await onlyAnne();
    const large = (id: string) =>
      observation(ANNE, id, { resource: { resourceType: 'Observation', id, status: 'final', valueString: 'x'.repeat(600_000) } });
    const messages = ['a', 'b'].map((id, nth) => ({ ...arriving(large(id)), offset: 5_000 + nth }));
    const killed = new RecordCareEvents({ ...wiring, store: killedAfter(wiring, stream, 1) });
    await expect(killed.handle({ messages })).rejects.toThrow(EngineUnavailable);
    expect(await wiring.store.head(stream)).toBe(NO_STREAM + 1);
    await new RecordCareEvents(wiring).handle({ messages: messages.slice(0, 1) });
    const { fromView, record } = await read(wiring, ANNE, 'direct-care');
    expect([fromView, record.entries.map(({ id }) => id)]).toEqual([true, [ID]]);
  });
});
