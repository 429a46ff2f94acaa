import { provision, PURPOSES, type CareEvent, type Provision } from '@weft/domain';
import { World } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { Boundaries } from './boundaries.js';
import { bytesOf, textOf } from './encoding.js';
import { TooLarge } from './errors.js';
import { loadNumber } from './number.js';
import type { EventStore, Message, NewEvent } from './ports.js';
import { listQuarantine } from './quarantine.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, BERT, decisionMessage, ids, idleRegion, merge, observation, published, read } from './region.fixture.js';
import { careRecordStream } from './streams.js';
import type { Wiring } from './wiring.js';

let offset = 0;
const next = (message: Message): Message => ({ ...message, offset: (offset += 1) });
const says = (wiring: Wiring, subject: string, said: Provision): Message =>
  next({ ...decisionMessage(wiring, subject, said), partition: 0, offset: 0, timestamp: 0 });
const told = (event: CareEvent): Message => next(arriving(event));
const record = (wiring: Wiring, events: readonly CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map(told) });

/** The same wiring, whose store fails at every append that is meant. */
function failingAt(wiring: Wiring, isMeant: (stream: string, events: readonly NewEvent[]) => boolean, error: Error): Wiring {
  const append: EventStore['append'] = async (stream, expected, events, options) => {
    if (isMeant(stream, events)) throw error;
    return wiring.store.append(stream, expected, events, options);
  };
  return { ...wiring, store: Object.create(wiring.store, { append: { value: append } }) as EventStore };
}
const holding =
  (text: string) =>
  (_: string, events: readonly NewEvent[]): boolean =>
    events.some(({ data }) => textOf(data).includes(text));
const messagesOn = async ({ bus }: Wiring, purpose: string): Promise<number> =>
  (await bus.offsets(`weft.record-changes.${purpose}`)).reduce((sum, { high }) => sum + high, 0);
const inQuarantine = async ({ bus }: Wiring) =>
  (await listQuarantine(bus)).map(({ problems, closes }) => [problems[0]?.code, closes]);

describe('a care event that Weft fails at', () => {
  it('stands in quarantine, and what comes with it and behind it is recorded, also of the same person', async () => {
    const wiring = await idleRegion();
    const failing = failingAt(wiring, holding('poison'), new RangeError('Maximum call stack size exceeded'));
    const poison = observation(ANNE, 'poison');
    await record(failing, [observation(ANNE, 'a'), poison, observation(ANNE, 'b'), observation(BERT, 'c')]);
    expect(await inQuarantine(wiring)).toEqual([['unprocessable', false]]);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Observation/a', 'RX901/Observation/b']);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/c']);
  });
});

describe('a decision that Weft fails at', () => {
  const deny = provision('deny', ['research']);

  it('closes its person where it may deny anything, and nobody else', async () => {
    const wiring = await idleRegion();
    await record(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    const messages = [says(wiring, ANNE, deny), says(wiring, BERT, provision('deny', ['population-health']))];
    await applyDecisions(failingAt(wiring, holding('"purposes":["research"]'), new TooLarge('append', 2, 1)), { messages });
    expect(await inQuarantine(wiring)).toEqual([['unprocessable', true]]);
    for (const purpose of PURPOSES) expect(await ids(wiring, ANNE, purpose)).toEqual([]);
    expect(await ids(wiring, BERT, 'research')).toHaveLength(1);
    expect(await ids(wiring, BERT, 'population-health')).toEqual([]);
  });

  it('only stands in quarantine where it permits', async () => {
    const wiring = await idleRegion();
    await record(wiring, [observation(ANNE, 'a')]);
    const consents = (stream: string): boolean => stream.startsWith('careRecord-');
    const messages = [says(wiring, ANNE, provision('permit', ['research']))];
    await applyDecisions(failingAt(wiring, consents, new TypeError('ours')), { messages });
    expect(await inQuarantine(wiring)).toEqual([['unprocessable', false]]);
    expect(await ids(wiring, ANNE)).toHaveLength(1);
  });

  it('stands in quarantine as an objection also where not even the person can be closed', async () => {
    const wiring = await idleRegion();
    const consents = (stream: string): boolean => stream === careRecordStream(wiring.keys.patient(ANNE));
    const messages = [says(wiring, ANNE, deny), says(wiring, BERT, deny)];
    await applyDecisions(failingAt(wiring, consents, new TypeError('ours')), { messages });
    expect(await inQuarantine(wiring)).toEqual([['unprocessable', true]]);
    expect((await loadNumber(wiring.store, wiring.keys.patient(BERT))).decisions).toHaveLength(1);
  });
});

describe('dates of decisions', () => {
  const DAY_MS = 86_400_000;

  it('are all noted, however many one batch brings', async () => {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world);
    const now = wiring.clock.now();
    const exceptions = Array.from({ length: 100 }, (_, index) => index);
    const dated = (consent: number): Provision => ({
      ...provision('permit', ['research']),
      provisions: exceptions.map((one) => {
        const from = now + (consent * 100 + one + 1) * DAY_MS;
        return provision('deny', ['research'], { from, until: from + DAY_MS / 2 });
      }),
    });
    const messages = Array.from({ length: 80 }, (_, index) => says(wiring, ANNE, dated(index)));
    await applyDecisions(wiring, { messages });
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(Math.round(((await new Boundaries(wiring).runDue()) as number) / DAY_MS)).toBe(1);
  }, 60_000);

  it('come for others though one person’s views cannot be built', async () => {
    const wiring = await idleRegion();
    const from = wiring.clock.now() - DAY_MS;
    const people = [ANNE, ...Array.from({ length: 30 }, (_, index) => `98800${String(index).padStart(5, '0')}`)];
    await record(
      wiring,
      people.map((subject) => observation(subject, 'a')),
    );
    const messages = people.map((subject) => says(wiring, subject, provision('deny', ['research'], { from })));
    await applyDecisions(wiring, { messages });
    const streamOf = (subject: string) => careRecordStream(wiring.keys.patient(subject));
    const looked = new Set<string>();
    const readStream: EventStore['read'] = async (stream, options) => {
      looked.add(stream);
      if (stream === streamOf(ANNE)) throw new RangeError('Invalid string length');
      return wiring.store.read(stream, options);
    };
    const failing = { ...wiring, store: Object.create(wiring.store, { read: { value: readStream } }) as EventStore };
    await expect(new Boundaries(failing).runDue()).rejects.toThrow('Invalid string length');
    expect(people.filter((subject) => !looked.has(streamOf(subject)))).toEqual([]);
  });
});

describe('merges into one person', () => {
  /** Nobody asks for its check digit here. */
  const number = (index: number): string => `98800${String(index).padStart(5, '0')}`;

  it('go on past the sixty-fourth, and hold up nobody', async () => {
    const wiring = await idleRegion();
    const merges = Array.from({ length: 70 }, (_, index) => merge(number(index), ANNE));
    await record(wiring, merges);
    await record(wiring, [observation(ANNE, 'a'), observation(number(69), 'b'), observation(BERT, 'c')]);
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(await ids(wiring, ANNE)).toEqual(['RX901/Observation/a', 'RX901/Observation/b']);
    expect(await ids(wiring, BERT)).toHaveLength(1);
  }, 60_000);

  it('cost a few reads each, and tell each entry under its own number and under the surviving one', async () => {
    const wiring = await idleRegion();
    const numbers = Array.from({ length: 40 }, (_, index) => number(index));
    await record(
      wiring,
      numbers.map((one) => observation(one, 'a')),
    );
    let reads = 0;
    const read: EventStore['read'] = (stream, options) => ((reads += 1), wiring.store.read(stream, options));
    const store = Object.create(wiring.store, { read: { value: read } }) as EventStore;
    await published(wiring);
    const before = await messagesOn(wiring, 'research');
    await record(
      { ...wiring, store },
      numbers.map((one) => merge(one, ANNE)),
    );
    expect(reads / numbers.length).toBeLessThan(80);
    await published(wiring);
    expect(((await messagesOn(wiring, 'research')) - before) / numbers.length).toBeLessThanOrEqual(2);
  }, 60_000);

  it('go on along a chain of seventy', async () => {
    const wiring = await idleRegion();
    await record(wiring, [observation(number(0), 'a')]);
    await record(
      wiring,
      Array.from({ length: 70 }, (_, index) => merge(number(index), number(index + 1))),
    );
    expect(await inQuarantine(wiring)).toEqual([]);
    expect(await ids(wiring, number(70))).toHaveLength(1);
  }, 60_000);

  it('are refused above five hundred numbers, and are not made', async () => {
    const wiring = await idleRegion();
    const { store, keys } = wiring;
    const members = Array.from({ length: 499 }, (_, index) => keys.patient(number(index)));
    const recordedAt = new Date(0).toISOString();
    const event = (type: string, data: object): NewEvent => ({
      id: wiring.random.uuid(),
      type,
      data: bytesOf(JSON.stringify(data)),
    });
    const anne = keys.patient(ANNE);
    await store.append(
      `careRecord-${anne}`,
      -1,
      members.map((key) => event('number-absorbed-1', { key, ownNhsNumber: ANNE, recordedAt })),
    );
    for (const key of members) {
      const superseded = { by: anne, byNhsNumber: ANNE, cause: 'c', recordedAt };
      await store.append(`careRecord-${key}`, -1, [event('number-superseded-1', superseded)]);
    }
    await record(wiring, [merge(number(600), ANNE), observation(ANNE, 'a')]);
    expect(await inQuarantine(wiring)).toEqual([['too-many-merged', false]]);
    expect((await loadNumber(store, anne)).identity.absorbed).toHaveLength(499);
    expect((await read(wiring, ANNE, 'direct-care')).record.entries).toHaveLength(1);
  }, 60_000);
});
