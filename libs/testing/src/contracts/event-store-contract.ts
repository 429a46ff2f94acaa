import { randomUUID } from 'node:crypto';
import {
  APPEND_LIMIT_BYTES,
  EngineUnavailable,
  InvalidCall,
  NO_STREAM,
  TooLarge,
  WrongExpectedRevision,
  type EventStore,
  type Meta,
  type NewEvent,
  type StoredEvent,
} from '@weft/processing';
import { Connections, newEvent, numbered, numberOf, range, unique } from './parts.js';
import { describeSubscriptions } from './subscription-contract.js';

/** One engine with data of its own, or a server whose data the tests keep apart by unique names. */
export interface EventStoreHarness {
  /** A further connection to the same data. The suite closes it. */
  open(): Promise<EventStore>;
  stop(): Promise<void>;
}

/** Where an engine rightly does less. Absent: it does everything. */
export interface EventStoreTraits {
  /** EventStoreDB shows truncated events in the order of all streams until it is scavenged. */
  readonly truncatedStayInAll?: boolean;
}

const revisions = (events: readonly StoredEvent[]): number[] => events.map(({ revision }) => revision);

/** Everything that EventStore promises, as tests that run on any adapter of it. */
export function describeEventStore(name: string, start: () => Promise<EventStoreHarness>, traits: EventStoreTraits = {}): void {
  describe(`${name} is an EventStore`, () => {
    const connections = new Connections<EventStore>();
    let harness: EventStoreHarness;
    let store: EventStore;
    const another = (): Promise<EventStore> => connections.add(harness.open());

    beforeAll(async () => {
      harness = await start();
    });
    beforeEach(async () => {
      store = await another();
    });
    afterEach(() => connections.close());
    afterAll(() => harness.stop());

    const readAllOf = async (from: EventStore, prefix: string): Promise<StoredEvent[]> => {
      const found: StoredEvent[] = [];
      for (;;) {
        const page = await from.readAll({ after: found.at(-1)?.position, maxCount: 500, prefixes: [prefix] });
        if (page.length === 0) return found;
        found.push(...page);
      }
    };

    describe('appending', () => {
      it('gives the revision of the last event, and back what went in', async () => {
        const stream = unique('careRecord-');
        const events = [
          { ...newEvent({ text: 'Zoë 患者 🩺 \u0000 "\\"', b: 1, a: [2.5, null] }), meta: { who: 'Zoë 患者 🩺' } },
          newEvent('a string', 'another-type-2'),
        ];
        expect(await store.append(stream, NO_STREAM, events)).toBe(1);
        expect(await store.append(stream, 1, [newEvent()])).toBe(2);
        const stored = (await store.read(stream)).slice(0, 2);
        expect(stored.map(({ stream: of, revision, type }) => ({ of, revision, type }))).toEqual([
          { of: stream, revision: 0, type: 'care-event-recorded-1' },
          { of: stream, revision: 1, type: 'another-type-2' },
        ]);
        expect(stored.map(({ data }) => [...data])).toEqual(events.map(({ data }) => [...data]));
        expect(stored.map(({ meta }) => meta)).toEqual([{ who: 'Zoë 患者 🩺' }, {}]);
        expect(stored.map(({ id }) => id.toLowerCase())).toEqual(events.map(({ id }) => id));
      });

      it('gives bytes back as they were: every one of the 256, none, and what is no text', async () => {
        const stream = unique('careRecord-');
        const every = Uint8Array.from({ length: 512 }, (_, n) => n % 256);
        const all = [every, new Uint8Array(), new Uint8Array([0]), new Uint8Array([0, 0, 0xff, 0xfe, 0xc3]), every.reverse()];
        const events = all.map((data, n) => ({ id: randomUUID(), type: 't', data, ...(n % 2 === 0 ? { meta: { n } } : {}) }));
        await store.append(stream, NO_STREAM, events);
        const read = (await store.read(stream)).map(({ data }) => [...data]);
        expect(read).toEqual(all.map((data) => [...data]));
        expect((await readAllOf(store, stream)).map(({ data }) => [...data])).toEqual(read);
      });

      it('gives meta back as the same value, its members in the order given', async () => {
        const stream = unique('careRecord-');
        const metas: Meta[] = [
          { z: 1, a: -1, m: { y: null, b: [true, false, { deep: ['\u0000 "é"', []] }] }, empty: '', none: {} },
          { at: ['RX901', 0, Number.MAX_SAFE_INTEGER], __proto__x: Number.MIN_SAFE_INTEGER },
          {},
          { half: '\ud800', data: 'of the meta', id: 1, type: 2, eventId: 'mine', stream: 3 },
        ];
        await store.append(
          stream,
          NO_STREAM,
          metas.map((meta) => ({ ...newEvent(), meta })),
        );
        for (const from of [store, await another()]) {
          const read = (await from.read(stream)).map(({ meta }) => meta);
          expect(read).toEqual(metas);
          expect(JSON.stringify(read)).toBe(JSON.stringify(metas));
        }
        expect((await readAllOf(store, stream)).map(({ meta }) => meta)).toEqual(metas);
      });

      it('refuses a meta that would not come back as the same value, before anything is written', async () => {
        const stream = unique('careRecord-');
        const circle: Record<string, unknown> = {};
        circle['again'] = circle;
        const bad: unknown[] = [
          null,
          'text',
          [],
          new Date(0),
          new Map([['a', 1]]),
          { fraction: 0.5 },
          { large: 2 ** 53 },
          { none: NaN },
          { big: 1n },
          { absent: undefined },
          { deep: [{ absent: undefined }] },
          { hole: [1, , 2] }, // eslint-disable-line no-sparse-arrays
          { call: () => 1 },
          { date: new Date(0) },
          { bytes: new Uint8Array([1]) },
          { $weft: {} },
          { $correlationId: 'x' },
          circle,
        ];
        for (const meta of bad) {
          const events = [newEvent(), { ...newEvent(), meta: meta as Meta }];
          await expect(store.append(stream, NO_STREAM, events)).rejects.toThrow(InvalidCall);
        }
        expect(await store.head(stream)).toBe(NO_STREAM);
      });

      it('keeps what it was given, whatever its caller does with it meanwhile', async () => {
        const stream = unique('careRecord-');
        const data = new Uint8Array([1, 2, 3]);
        const meta = { list: [1] };
        const appended = store.append(stream, NO_STREAM, [{ ...newEvent(), meta, data }]);
        data.fill(9);
        meta.list.push(2);
        await appended;
        expect(await store.read(stream)).toMatchObject([{ meta: { list: [1] } }]);
        expect([...((await store.read(stream))[0]?.data ?? [])]).toEqual([1, 2, 3]);
      });

      it('takes a batch of 4,000 events, and keeps all of it in order', async () => {
        const stream = unique('careRecord-');
        expect(await store.append(stream, NO_STREAM, numbered(4_000))).toBe(3_999);
        expect((await store.read(stream, { maxCount: 5_000 })).map(numberOf)).toEqual(range(0, 4_000));
      });

      it('refuses NO_STREAM for a stream that exists, and a revision for one that does not', async () => {
        const stream = unique('careRecord-');
        await expect(store.append(stream, 0, [newEvent()])).rejects.toMatchObject({ stream, expected: 0, actual: NO_STREAM });
        await store.append(stream, NO_STREAM, numbered(3));
        const refused = store.append(stream, NO_STREAM, [newEvent()]);
        await expect(refused).rejects.toThrow(WrongExpectedRevision);
        await expect(refused).rejects.toMatchObject({ type: 'wrong-expected-revision', expected: NO_STREAM, actual: 2 });
        await expect(store.append(stream, 1, [newEvent()])).rejects.toThrow(WrongExpectedRevision);
        await expect(store.append(stream, 3, [newEvent()])).rejects.toThrow(WrongExpectedRevision);
        expect((await store.read(stream)).map(numberOf)).toEqual([0, 1, 2]);
      });

      it('goes on at the right revision after a conflict', async () => {
        const stream = unique('careRecord-');
        await store.append(stream, NO_STREAM, numbered(2));
        for (const wrong of [NO_STREAM, 0, 7]) {
          await expect(store.append(stream, wrong, numbered(3, 100))).rejects.toThrow(WrongExpectedRevision);
        }
        expect(await store.append(stream, 1, numbered(1, 2))).toBe(2);
        expect(await store.head(stream)).toBe(2);
        expect((await store.read(stream)).map(numberOf)).toEqual([0, 1, 2]);
      });

      it('writes nothing of a rejected append beside good ones of the same moment', async () => {
        const good = Array.from({ length: 20 }, () => unique('careRecord-'));
        const taken = unique('careRecord-');
        await store.append(taken, NO_STREAM, numbered(1));
        const outcomes = await Promise.allSettled(
          good.flatMap((stream) => [
            store.append(stream, NO_STREAM, numbered(2)),
            store.append(taken, NO_STREAM, numbered(2, 50)),
            store.append(stream, 1, numbered(1, 2)),
          ]),
        );
        const refusals = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
        expect(refusals.every((reason) => reason instanceof WrongExpectedRevision)).toBe(true);
        expect((await store.read(taken)).map(numberOf)).toEqual([0]);
        for (const [index, stream] of good.entries()) {
          const third = outcomes[index * 3 + 2]?.status === 'fulfilled';
          expect((await store.read(stream)).map(numberOf)).toEqual(third ? [0, 1, 2] : [0, 1]);
        }
      });

      it('lets exactly one of many win who append to one stream at the same revision', async () => {
        const stream = unique('careRecord-');
        const second = await another();
        const outcomes = await Promise.allSettled(
          range(0, 32).map((n) => (n % 2 === 0 ? store : second).append(stream, NO_STREAM, numbered(2, n * 10))),
        );
        const winners = range(0, 32).filter((n) => outcomes[n]?.status === 'fulfilled');
        expect(winners).toHaveLength(1);
        const winner = winners[0] as number;
        expect((await store.read(stream)).map(numberOf)).toEqual([winner * 10, winner * 10 + 1]);
      });

      it('takes 64 appends in flight, and all succeed', async () => {
        const streams = Array.from({ length: 64 }, () => unique('careRecord-'));
        for (let revision = NO_STREAM; revision < 4; revision += 1) {
          const appended = await Promise.all(streams.map((stream) => store.append(stream, revision, numbered(1, revision + 1))));
          expect(appended).toEqual(streams.map(() => revision + 1));
        }
        for (const stream of streams) expect((await store.read(stream)).map(numberOf)).toEqual([0, 1, 2, 3, 4]);
      });

      it('refuses what no engine could take, and writes nothing of the call', async () => {
        const stream = unique('careRecord-');
        const sound = newEvent();
        const bad: NewEvent[][] = [
          [sound, { ...sound, id: 'not-a-uuid' }],
          [sound, { ...sound, id: '' }],
          [sound, { ...sound, type: '' }],
          [],
        ];
        for (const events of bad) await expect(store.append(stream, NO_STREAM, events)).rejects.toThrow(InvalidCall);
        await expect(store.append('', NO_STREAM, [sound])).rejects.toThrow(InvalidCall);
        await expect(store.append(stream, -2, [sound])).rejects.toThrow(InvalidCall);
        await expect(store.append(stream, 0.5, [sound])).rejects.toThrow(InvalidCall);
        expect(await store.head(stream)).toBe(NO_STREAM);
        expect(await store.append(stream, NO_STREAM, [sound])).toBe(0);
      });

      it('bounds the bytes of a whole call, writes nothing of one above, and takes one just below', async () => {
        const stream = unique('careRecord-');
        const sized = (bytes: number, meta?: Meta): NewEvent => ({
          id: randomUUID(),
          type: 'é',
          data: new Uint8Array(bytes).fill(0x78),
          ...(meta === undefined ? {} : { meta }),
        });
        const half = sized(APPEND_LIMIT_BYTES / 2);
        await expect(store.append(stream, NO_STREAM, [half, half])).rejects.toThrow(TooLarge);
        // Three bytes each in UTF-8: it is bytes that are counted, of types and meta too.
        const wide = sized(0, { wide: '患'.repeat(APPEND_LIMIT_BYTES / 3 + 1) });
        await expect(store.append(stream, NO_STREAM, [wide])).rejects.toMatchObject({
          type: 'too-large',
          limit: APPEND_LIMIT_BYTES,
        });
        const meta = { é: 1 };
        const beside = 2 * Buffer.byteLength('é') + Buffer.byteLength(JSON.stringify(meta));
        const filling = [sized(100, meta), sized(APPEND_LIMIT_BYTES - 100 - beside)];
        const above = [filling[0] as NewEvent, sized(APPEND_LIMIT_BYTES - 100 - beside + 1)];
        await expect(store.append(stream, NO_STREAM, above)).rejects.toThrow(TooLarge);
        expect(await store.head(stream)).toBe(NO_STREAM);
        expect(await store.append(stream, NO_STREAM, filling)).toBe(1);
        const [first, second] = await store.read(stream);
        expect(first).toMatchObject({ meta });
        expect(Buffer.compare(second?.data ?? new Uint8Array(), filling[1]?.data as Uint8Array)).toBe(0);
      });

      it('is seen by other connections, and by those opened after it was closed', async () => {
        const stream = unique('careRecord-');
        const second = await another();
        await store.append(stream, NO_STREAM, numbered(2));
        expect(await second.head(stream)).toBe(1);
        expect(await second.append(stream, 1, numbered(1, 2))).toBe(2);
        await expect(store.append(stream, 1, numbered(1, 9))).rejects.toMatchObject({ actual: 2 });
        expect(await store.append(stream, 2, numbered(1, 3))).toBe(3);
        await connections.close();
        expect((await (await another()).read(stream)).map(numberOf)).toEqual([0, 1, 2, 3]);
      });

      it('can be opened twice at once on new data', async () => {
        const fresh = await start();
        const opened = new Connections<EventStore>();
        try {
          const stores = await Promise.all(range(0, 4).map(() => opened.add(fresh.open())));
          const stream = unique('careRecord-');
          await Promise.all(stores.map((each, n) => each.append(`${stream}${n}`, NO_STREAM, numbered(1))));
          for (const n of range(0, 4)) expect(await stores[0]?.head(`${stream}${n}`)).toBe(0);
        } finally {
          await opened.close();
          await fresh.stop();
        }
      });
    });

    describe('reading a stream', () => {
      it('honours from, maxCount and direction', async () => {
        const stream = unique('careRecord-');
        await store.append(stream, NO_STREAM, numbered(10));
        expect(revisions(await store.read(stream, { from: 5, maxCount: 3 }))).toEqual([5, 6, 7]);
        expect(revisions(await store.read(stream, { from: 8, maxCount: 9 }))).toEqual([8, 9]);
        expect(revisions(await store.read(stream, { maxCount: 1 }))).toEqual([0]);
        expect(revisions(await store.read(stream, { backwards: true, maxCount: 3 }))).toEqual([9, 8, 7]);
        expect(revisions(await store.read(stream, { backwards: true, from: 4, maxCount: 2 }))).toEqual([4, 3]);
        expect(revisions(await store.read(stream, { backwards: true, from: 1 }))).toEqual([1, 0]);
        expect(revisions(await store.read(stream, { backwards: true, from: 50, maxCount: 2 }))).toEqual([9, 8]);
      });

      it('leaves the data where it is for who asks for meta alone', async () => {
        const stream = unique('careRecord-');
        const events = numbered(5).map((event, n) => ({ ...event, meta: { n } }));
        await store.append(stream, NO_STREAM, events);
        const whole = await store.read(stream, { from: 1, maxCount: 3, backwards: true });
        const beside = await store.read(stream, { from: 1, maxCount: 3, backwards: true, meta: true });
        expect(beside).toEqual(whole.map((event) => ({ ...event, data: new Uint8Array() })));
        const forwards = await store.read(stream, { meta: true });
        expect(forwards.map(({ meta, data }) => [meta, data.length])).toEqual(range(0, 5).map((n) => [{ n }, 0]));
      });

      it('returns at most 1,000 unless told otherwise', async () => {
        const stream = unique('careRecord-');
        await store.append(stream, NO_STREAM, numbered(1_001));
        expect(revisions(await store.read(stream))).toEqual(range(0, 1_000));
        expect(revisions(await store.read(stream, { from: 1_000 }))).toEqual([1_000]);
      });

      it('finds nothing in a missing stream and past the end', async () => {
        const stream = unique('careRecord-');
        expect(await store.read(stream)).toEqual([]);
        expect(await store.read(stream, { backwards: true })).toEqual([]);
        expect(await store.head(stream)).toBe(NO_STREAM);
        await store.append(stream, NO_STREAM, numbered(2));
        expect(await store.read(stream, { from: 2 })).toEqual([]);
      });

      it('refuses a count below one and a revision below zero', async () => {
        const stream = unique('careRecord-');
        await expect(store.read(stream, { maxCount: 0 })).rejects.toThrow(InvalidCall);
        await expect(store.read(stream, { from: -1 })).rejects.toThrow(InvalidCall);
        await expect(store.readAll({ maxCount: 0 })).rejects.toThrow(InvalidCall);
      });

      it('tells streams apart whose names differ little', async () => {
        const stream = unique('careRecord-');
        const names = [stream, `${stream}a`, `${stream}A`, `${stream}%`, `${stream}_`, `${stream}é`];
        for (const [n, each] of names.entries()) await store.append(each, NO_STREAM, numbered(1, n));
        for (const [n, each] of names.entries()) expect((await store.read(each)).map(numberOf)).toEqual([n]);
      });
    });

    describe('truncation', () => {
      it('hides everything before the append, while revisions go on and the head stays', async () => {
        const stream = unique('view-');
        await store.append(stream, NO_STREAM, numbered(5));
        expect(await store.append(stream, 4, numbered(2, 5), { truncatesPrevious: true })).toBe(6);
        expect(revisions(await store.read(stream))).toEqual([5, 6]);
        expect(revisions(await store.read(stream, { from: 2, maxCount: 1 }))).toEqual([5]);
        expect(revisions(await store.read(stream, { backwards: true }))).toEqual([6, 5]);
        expect(await store.read(stream, { backwards: true, from: 4 })).toEqual([]);
        expect(await store.head(stream)).toBe(6);
        expect(await store.append(stream, 6, numbered(1, 7))).toBe(7);
        expect(await store.append(stream, 7, numbered(1, 8), { truncatesPrevious: true })).toBe(8);
        expect((await store.read(stream)).map(numberOf)).toEqual([8]);
        expect(revisions(await (await another()).read(stream))).toEqual([8]);
      });

      it('does nothing to other streams, nor when the append is refused', async () => {
        const [stream, beside] = [unique('view-'), unique('view-')];
        await store.append(stream, NO_STREAM, numbered(2), { truncatesPrevious: true });
        await store.append(beside, NO_STREAM, numbered(2));
        await expect(store.append(stream, 0, numbered(1), { truncatesPrevious: true })).rejects.toThrow(WrongExpectedRevision);
        await store.append(stream, 1, numbered(1), { truncatesPrevious: true });
        expect(revisions(await store.read(stream))).toEqual([2]);
        expect(revisions(await store.read(beside))).toEqual([0, 1]);
      });

      const hidesInAll = traits.truncatedStayInAll !== true;
      if (hidesInAll) {
        it('hides them in the order of all streams too', async () => {
          const stream = unique('view-');
          await store.append(stream, NO_STREAM, numbered(3));
          await store.append(stream, 2, numbered(2, 3), { truncatesPrevious: true });
          expect((await readAllOf(store, stream)).map(numberOf)).toEqual([3, 4]);
        });
      }
    });

    describe('the one order of all streams', () => {
      it('holds every event once, in the order of the appends, for any size of page', async () => {
        const prefix = unique('order');
        for (let n = 0; n < 30; n += 1) await store.append(`${prefix}-${n % 7}`, Math.floor(n / 7) - 1, numbered(1, n));
        for (const maxCount of [1, 4, 100]) {
          const found: StoredEvent[] = [];
          for (;;) {
            const page = await store.readAll({ after: found.at(-1)?.position, maxCount, prefixes: [prefix] });
            expect(page.length).toBeLessThanOrEqual(maxCount);
            if (page.length === 0) break;
            found.push(...page);
          }
          expect(found.map(numberOf)).toEqual(range(0, 30));
        }
      });

      it('gives only streams of the prefixes asked for', async () => {
        const [one, two, three] = [unique('one'), unique('two'), unique('three')] as const;
        for (const [n, prefix] of [one, two, three, one].entries())
          await store.append(`${prefix}-${n}`, NO_STREAM, numbered(1, n));
        expect((await store.readAll({ prefixes: [one, three] })).map(numberOf)).toEqual([0, 2, 3]);
        expect((await store.readAll({ prefixes: [two] })).map(numberOf)).toEqual([1]);
        expect((await store.readAll({ prefixes: [`${one}-3`] })).map(numberOf)).toEqual([3]);
      });

      it('hands every event to one who reads along while many write: nothing commits later before it', async () => {
        const prefix = unique('along');
        const writers = [store, await another(), await another()];
        const reader = await another();
        let writing = true;
        const wrote = Promise.all(
          range(0, 24).map(async (writer) => {
            const stream = `${prefix}-${writer}`;
            for (let n = 0; n < 40; n += 2) {
              await (writers[writer % 3] as EventStore).append(stream, n - 1, numbered(2, writer * 1_000 + n));
            }
          }),
        ).finally(() => (writing = false));
        const seen: number[] = [];
        let after: string | undefined;
        for (;;) {
          const wasWriting = writing;
          const page = await reader.readAll({ after, maxCount: 37, prefixes: [prefix] });
          seen.push(...page.map(numberOf));
          after = page.at(-1)?.position ?? after;
          if (!wasWriting && page.length === 0) break;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await wrote;
        const expected = range(0, 24).flatMap((writer) => range(0, 40).map((n) => writer * 1_000 + n));
        expect([...seen].sort((a, b) => a - b)).toEqual(expected);
        for (const writer of range(0, 24)) {
          const own = seen.filter((n) => Math.floor(n / 1_000) === writer);
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
      });

      it('compares positions: an event comes after all before it, and beside itself', async () => {
        const prefix = unique('order');
        for (let n = 0; n < 12; n += 1) await store.append(`${prefix}-${n % 3}`, 2 * Math.floor(n / 3) - 1, numbered(2, 2 * n));
        const positions = (await readAllOf(store, prefix)).map(({ position }) => position);
        for (const [a, one] of positions.entries()) {
          for (const [b, other] of positions.entries()) {
            expect(Math.sign(store.comparePositions(one, other))).toBe(Math.sign(a - b));
          }
        }
      });

      it('refuses a position that is none of its own', async () => {
        await expect(store.readAll({ after: 'nowhere' })).rejects.toThrow(InvalidCall);
        expect(() => store.comparePositions('nowhere', 'elsewhere')).toThrow(InvalidCall);
      });
    });

    describe('listing streams', () => {
      const list = async (prefix: string, after?: string): Promise<{ stream: string; position: string }[]> => {
        const found = [];
        for await (const entry of store.streams(prefix, after)) found.push(entry);
        return found;
      };

      it('names each stream of a prefix once, oldest first, and resumes after any of them', async () => {
        const prefix = unique('list');
        const names = range(0, 12).map((n) => `${prefix}-${n}`);
        for (const name of names) {
          await store.append(name, NO_STREAM, numbered(1));
          await store.append(unique('other-'), NO_STREAM, numbered(1));
        }
        for (const name of names) await store.append(name, 0, numbered(2));
        const found = await list(prefix);
        expect(found.map(({ stream }) => stream)).toEqual(names);
        for (const [index, { position }] of found.entries()) {
          expect((await list(prefix, position)).map(({ stream }) => stream)).toEqual(names.slice(index + 1));
        }
      });

      it('still names a stream whose beginning was truncated', async () => {
        const prefix = unique('list');
        await store.append(`${prefix}-1`, NO_STREAM, numbered(2));
        await store.append(`${prefix}-2`, NO_STREAM, numbered(2));
        await store.append(`${prefix}-1`, 1, numbered(1), { truncatesPrevious: true });
        expect((await list(prefix)).map(({ stream }) => stream).sort()).toEqual([`${prefix}-1`, `${prefix}-2`]);
      });
    });

    describe('its connection', () => {
      it('answers a check', async () => {
        await expect(store.check()).resolves.toBeUndefined();
      });

      it('finishes what is under way when it is closed, and refuses what comes after', async () => {
        const stream = unique('careRecord-');
        const closing = await harness.open();
        const appended = closing.append(stream, NO_STREAM, numbered(1));
        await closing.close();
        const outcome = await appended.catch((error: unknown) => error);
        const head = await store.head(stream);
        if (outcome === 0) expect(head).toBe(0);
        else expect(outcome).toBeInstanceOf(EngineUnavailable);
        await expect(closing.append(stream, head, numbered(1))).rejects.toThrow(EngineUnavailable);
        await expect(closing.read(stream)).rejects.toThrow(EngineUnavailable);
        await expect(closing.close()).resolves.toBeUndefined();
        expect(await store.head(stream)).toBe(head);
      });
    });

    describeSubscriptions(() => store, another);
  });
}
