import { World } from '@weft/testing';
import { encode, textOf } from './encoding.js';
import { EngineUnavailable } from './errors.js';
import { NO_STREAM, type EventStore } from './ports.js';
import { isAllPublished, isPublished } from './publisher.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, idleRegion, observation, publishes, published, standingOnTopic } from './region.fixture.js';
import { CARE_RECORD_PREFIX, careRecordStream, PUBLISHER_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

let offset = 0;
const record = (wiring: Wiring, ...subjects: readonly string[]) =>
  new RecordCareEvents(wiring).handle({
    messages: subjects.map((subject) => ({ ...arriving(observation(subject, 'a')), offset: (offset += 1) })),
  });
const isStanding = async (wiring: Wiring, subject: string): Promise<boolean> => {
  const key = wiring.keys.patient(subject);
  for (const { partition } of await wiring.bus.offsets('weft.record-changes.direct-care'))
    for (const message of await wiring.bus.read('weft.record-changes.direct-care', partition, 0))
      if (message.key.startsWith(key)) return true;
  return false;
};

describe('a publisher', () => {
  it('is held up by no number that Weft itself fails at, says that it is behind, and tells of it whole once Weft does not fail', async () => {
    const world = new World({ seed: 1 });
    const fault = { stands: true, seen: [] as unknown[] };
    const failing = (wiring: Wiring): Wiring => {
      const read: EventStore['read'] = async (stream, options) => {
        if (fault.stands && stream === careRecordStream(wiring.keys.patient(ANNE))) throw new RangeError('Invalid string length');
        return wiring.store.read(stream, options);
      };
      return { ...wiring, store: Object.create(wiring.store, { read: { value: read } }) as EventStore };
    };
    const wiring = await idleRegion(
      world,
      publishes(failing, (error) => void fault.seen.push(error)),
    );
    await record(wiring, ANNE, BERT);
    const last = (await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] })).at(-1)!.position;
    const isOf = (subject: string): Promise<boolean> => isPublished(wiring.store, last, [wiring.keys.patient(subject)]);
    while (!(await isOf(BERT))) await new Promise((resolve) => setImmediate(resolve));
    expect(fault.seen).toEqual([expect.any(RangeError)]);
    expect(await isAllPublished(wiring.store)).toBe(false);
    expect(await isOf(ANNE)).toBe(false);
    expect([await isStanding(wiring, ANNE), await isStanding(wiring, BERT)]).toEqual([false, true]);
    fault.stands = false;
    await published(wiring);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(2);
  });

  it('that does not know whether its checkpoint was written puts none over that of who came after it', async () => {
    const world = new World({ seed: 1 });
    const at: number[] = [];
    const its = { state: 'at first' as 'at first' | 'unsure' | 'overtaken' };
    const overtaken = async (): Promise<void> => {
      its.state = 'overtaken';
      await record(wiring, BERT);
      const { position } = (await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] })).at(-1)!;
      await wiring.store.append(PUBLISHER_STREAM, NO_STREAM, [encode({ type: 'published-1', position }, wiring.random)]);
    };
    const doubting = (own: Wiring): Wiring => {
      const append: EventStore['append'] = async (stream, ...rest) => {
        if (stream !== PUBLISHER_STREAM || its.state !== 'at first') return own.store.append(stream, ...rest);
        its.state = 'unsure';
        throw new EngineUnavailable('store', 'is away');
      };
      const read: EventStore['read'] = async (stream, options) => {
        if (stream === PUBLISHER_STREAM && its.state === 'unsure') await overtaken();
        return own.store.read(stream, options);
      };
      return { ...own, store: Object.create(own.store, { append: { value: append }, read: { value: read } }) as EventStore };
    };
    const wiring = await idleRegion(world, publishes(doubting));
    world.store.observer = ({ type, data }) => {
      if (type === 'published-1') at.push(Number((JSON.parse(textOf(data)) as { position: string }).position));
    };
    await record(wiring, ANNE);
    while (its.state !== 'overtaken') await new Promise((resolve) => setImmediate(resolve));
    await record(wiring, BERT);
    await published(wiring);
    expect(at.length).toBeGreaterThan(1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
  });

  it('goes on where the one before it came to, and publishes nothing twice that was published before', async () => {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world);
    await record(wiring, ANNE);
    await published(wiring);
    const before = (await wiring.bus.offsets('weft.record-changes.direct-care')).reduce((sum, { high }) => sum + high, 0);
    world.process('next', publishes());
    await record(wiring, BERT);
    await published(wiring);
    const after = (await wiring.bus.offsets('weft.record-changes.direct-care')).reduce((sum, { high }) => sum + high, 0);
    expect(after - before).toBe(1);
  });
});
