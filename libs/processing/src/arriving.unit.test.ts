import type { CareEvent } from '@weft/domain';
import { ArrivingEvents } from './arriving.js';
import { EngineUnavailable } from './errors.js';
import { partitionOf } from './partition-of.js';
import type { EventBus, Timers } from './ports.js';
import { RECORD_PROJECTOR_GROUP, careEventsTopic } from './topics.js';
import { ANNE, BERT, careEventMessage, idleRegion, observation } from './region.fixture.js';

const TOPIC = careEventsTopic('RX901');
const PARTITIONS = 2;

/** Everybody has patience. */
const timers: Timers = {
  sleep: (_, signal) => new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true })),
};

/** A region in which nobody projects, a clock that goes on when it is told to, and a bus that can be made to refuse. */
async function region() {
  const wiring = await idleRegion();
  const state = { now: 0, reads: 0, readFails: false, isAway: false };
  const bus: EventBus = Object.create(wiring.bus, {
    offsets: {
      value: async (topic: string) => {
        if (state.isAway) throw new EngineUnavailable('bus', 'no answer');
        return wiring.bus.offsets(topic);
      },
    },
    read: {
      value: async (...asked: Parameters<EventBus['read']>) => {
        state.reads += 1;
        if (state.readFails) throw new Error('not authorised');
        return wiring.bus.read(...asked);
      },
    },
  });
  const arriving = new ArrivingEvents({ ...wiring, bus, timers, clock: { now: () => state.now, steady: () => state.now } });
  const of = (nhsNumber: string) => arriving.mayConcern([wiring.keys.patient(nhsNumber)], nhsNumber);
  return {
    state,
    of,
    publish: (...events: readonly CareEvent[]) => wiring.bus.publish(events.map(careEventMessage)),
    /** The projector has dealt with everything. */
    async deal(): Promise<void> {
      const ends = (await wiring.bus.offsets(TOPIC)).map(({ partition, high }) => ({ partition, offset: high }));
      await wiring.bus.seek(RECORD_PROJECTOR_GROUP, TOPIC, ends);
    },
    /** Later than what was seen counts. */
    pass: () => void (state.now += 1_000),
  };
}

describe('a care event that the bus has accepted', () => {
  it('is arriving, of whom it is about and of nobody else, until the projector has dealt with it', async () => {
    const { of, publish, deal, pass } = await region();
    expect(await of(ANNE)).toBe(false);
    await publish(observation(ANNE, 'a'));
    pass();
    expect([await of(ANNE), await of(BERT)]).toEqual([true, false]);
    await deal();
    // Nothing has to pass: whoever would be told is looked for once more.
    expect(await of(ANNE)).toBe(false);
    await publish(observation(BERT, 'b'));
    pass();
    expect([await of(ANNE), await of(BERT)]).toEqual([false, true]);
  });

  it('is one of a merged person’s, whichever of their keys is asked for', async () => {
    const wiring = await idleRegion();
    await wiring.bus.publish([careEventMessage(observation(BERT, 'b'))]);
    const keys = [ANNE, BERT].map((nhsNumber) => wiring.keys.patient(nhsNumber));
    expect(await new ArrivingEvents({ ...wiring, timers }).mayConcern(keys, ANNE)).toBe(true);
  });

  it('says nothing where it is a merge, which brings no entry', async () => {
    const wiring = await idleRegion();
    const of = (nhsNumber: string) =>
      new ArrivingEvents({ ...wiring, timers }).mayConcern([wiring.keys.patient(nhsNumber)], nhsNumber);
    const message = { ...careEventMessage(observation(ANNE, 'p')), headers: { ce_type: 'patient-merged-1' } };
    await wiring.bus.publish([message]);
    expect(await of(ANNE)).toBe(false);
    await wiring.bus.publish([{ ...message, headers: { ce_type: 'patient-died-1' } }]);
    expect(await of(ANNE)).toBe(true);
  });

  it('is read once, and not at all where nothing is arriving', async () => {
    const { state, of, publish, pass } = await region();
    await of(ANNE);
    expect(state.reads).toBe(0);
    await publish(observation(ANNE, 'a'));
    for (let times = 0; times < 3; times += 1) {
      pass();
      await of(BERT);
    }
    expect(state.reads).toBe(1);
  });

  it('may be anybody’s of its partition where the partition cannot be read, and nobody’s of another', async () => {
    const { state, of, publish } = await region();
    state.readFails = true;
    await publish(observation(ANNE, 'a'));
    const others = ['9990000018', '9990000026', '9990000034', '9990000042', '9990000050'];
    const told = await Promise.all(others.map(of));
    expect(told).toEqual(others.map((one) => partitionOf(one, PARTITIONS) === partitionOf(ANNE, PARTITIONS)));
    expect(new Set(told)).toEqual(new Set([true, false]));
  });

  it('is as it was seen before while the bus is away', async () => {
    const { state, of, publish, pass } = await region();
    await publish(observation(ANNE, 'a'));
    expect(await of(ANNE)).toBe(true);
    state.isAway = true;
    pass();
    expect([await of(ANNE), await of(BERT)]).toEqual([true, false]);
  });
});
