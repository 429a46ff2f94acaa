import {
  EngineUnavailable,
  InvalidCall,
  MESSAGE_LIMIT_BYTES,
  TooLarge,
  UnknownTopic,
  type EventBus,
  type Message,
  type TopicSpec,
} from '@weft/processing';
import { describeConsumerGroups } from './consumer-group-contract.js';
import { describeSeats } from './seat-contract.js';
import { Connections, gate, range, textMessage, textOf, unique, until, type EventBusTraits } from './parts.js';

/** One engine with data of its own, or a server whose data the tests keep apart by unique names. */
export interface EventBusHarness {
  /** A further connection to the same data. The suite closes it. */
  open(): Promise<EventBus>;
  stop(): Promise<void>;
  /** Makes the engine do now what retention and compaction have it do in its time. May be called again and again. */
  maintain?(bus: EventBus): Promise<void>;
}

/**
 * Keys and what Apache Kafka's murmur2 makes of their UTF-8 bytes. Those from `21` on are the vectors of Kafka's own test of
 * org.apache.kafka.common.utils.Utils; all were computed with kafkajs's DefaultPartitioner too.
 */
const MURMUR2: readonly (readonly [string, number])[] = [
  ['', 275646681],
  ['a', -1563381124],
  ['ab', 316155434],
  ['abc', 479470107],
  ['abcd', -1323649548],
  ['9449305552', -875595280],
  ['9000000009', 608210543],
  ['Ünïcödé', 1099742038],
  ['患者', 831107165],
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
];
const partitionFor = (hash: number, partitions: number): number => (hash & 0x7fffffff) % partitions;

/** Everything that EventBus promises, as tests that run on any adapter of it. */
export function describeEventBus(name: string, start: () => Promise<EventBusHarness>, traits: EventBusTraits = {}): void {
  describe(`${name} is an EventBus`, () => {
    const connections = new Connections<EventBus>();
    let harness: EventBusHarness;
    let bus: EventBus;
    const another = (): Promise<EventBus> => connections.add(harness.open());
    const newTopic = async (partitions: number, spec: Partial<TopicSpec> = {}): Promise<string> => {
      const topic = unique('contract.');
      await bus.createTopics([{ topic, partitions, ...spec }]);
      return topic;
    };

    beforeAll(async () => {
      harness = await start();
    });
    beforeEach(async () => {
      bus = await another();
    });
    afterEach(() => connections.close());
    afterAll(() => harness.stop());

    /** Everything that follows a topic from its beginning, as `onMessages` got it. */
    const followed = async (topic: string, from: 'beginning' | 'end' | Map<number, number> = 'beginning', by = bus) => {
      const messages: Message[] = [];
      const failures: unknown[] = [];
      const subscription = await by.follow({
        topic,
        from,
        onMessages: async (arrived) => void messages.push(...arrived),
        onFailure: (error) => void failures.push(error),
      });
      return { messages, failures, stop: () => subscription.stop() };
    };

    describe('publishing', () => {
      it('puts a key where every Kafka client would', async () => {
        for (const partitions of [1, 6, 25]) {
          const topic = await newTopic(partitions);
          const coordinates = await bus.publish(MURMUR2.map(([key]) => textMessage(topic, key, key)));
          expect(coordinates.map(({ partition }) => partition)).toEqual(
            MURMUR2.map(([, hash]) => partitionFor(hash, partitions)),
          );
        }
      });

      it('lets another key decide the partition', async () => {
        const topic = await newTopic(25);
        const [, hash] = MURMUR2[9] as readonly [string, number];
        const [place] = await bus.publish([{ ...textMessage(topic, 'abc', 'x'), partitionKey: '21' }]);
        expect(place?.partition).toBe(partitionFor(hash, 25));
        expect((await bus.read(topic, place?.partition ?? -1, 0))[0]?.key).toBe('abc');
      });

      it('gives the coordinates of each message in the order given, offsets from 0 without gaps', async () => {
        const topic = await newTopic(3);
        const texts = range(0, 60).map(String);
        const first = await bus.publish(texts.slice(0, 50).map((text) => textMessage(topic, `key ${text}`, text)));
        const rest = await bus.publish(texts.slice(50).map((text) => textMessage(topic, `key ${text}`, text)));
        const places = [...first, ...rest];
        for (const partition of range(0, 3)) {
          const own = places.filter((place) => place.partition === partition);
          expect(own.map(({ offset }) => offset)).toEqual(range(0, own.length));
          const expected = texts.filter((_, index) => places[index]?.partition === partition);
          expect((await bus.read(topic, partition, 0)).map(textOf)).toEqual(expected);
        }
        expect(places.every((place) => place.topic === topic)).toBe(true);
      });

      it('gives back the bytes, the headers and the key that went in, and the time it took them', async () => {
        const topic = await newTopic(1);
        const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
        const headers = {
          ce_id: '1',
          'content-type': 'application/fhir+json; charset=utf-8',
          ce_note: 'Zoë 患者 🩺 "',
          ce_empty: '',
        };
        const before = Date.now();
        await bus.publish([
          { topic, key: '患者 🩺', value: bytes, headers },
          { topic, key: '', value: new Uint8Array(0), headers: {} },
          { topic, key: 'gone', value: null, headers: { why: 'withdrawn' } },
        ]);
        const [full, empty, tombstone] = await bus.read(topic, 0, 0);
        expect(full).toMatchObject({ topic, partition: 0, offset: 0, key: '患者 🩺', headers });
        expect(Buffer.from(full?.value ?? []).equals(bytes)).toBe(true);
        expect(Object.keys(full?.headers ?? {})).toHaveLength(4);
        expect(full?.timestamp).toBeGreaterThan(before - 60_000);
        expect(full?.timestamp).toBeLessThan(Date.now() + 60_000);
        expect(empty?.key).toBe('');
        expect(empty?.value).not.toBeNull();
        expect(empty?.value).toHaveLength(0);
        expect(tombstone).toMatchObject({ key: 'gone', value: null, headers: { why: 'withdrawn' } });
      });

      it('takes 64 publishers in flight, from two connections, and loses and repeats nothing', async () => {
        const topic = await newTopic(4);
        const second = await another();
        const published = await Promise.all(
          range(0, 64).map(async (publisher) => {
            const places = [];
            for (const n of range(0, 10)) {
              const by = publisher % 2 === 0 ? bus : second;
              places.push(...(await by.publish([textMessage(topic, `publisher ${publisher}`, `${publisher}/${n}`)])));
            }
            return places;
          }),
        );
        const places = published.flat().map(({ partition, offset }) => `${partition}/${offset}`);
        expect(new Set(places).size).toBe(640);
        const held = (await Promise.all(range(0, 4).map((partition) => bus.read(topic, partition, 0, 1_000)))).flat().map(textOf);
        for (const publisher of range(0, 64)) {
          const own = held.filter((text) => text.startsWith(`${publisher}/`));
          expect(own).toEqual(range(0, 10).map((n) => `${publisher}/${n}`));
        }
      });

      it('takes 4,000 messages in one call, and none', async () => {
        const topic = await newTopic(2);
        const places = await bus.publish(range(0, 4_000).map((n) => textMessage(topic, `key ${n % 100}`, String(n))));
        expect(places).toHaveLength(4_000);
        const highs = (await bus.offsets(topic)).map(({ high }) => high);
        expect(highs.reduce((sum, high) => sum + high, 0)).toBe(4_000);
        expect(await bus.publish([])).toEqual([]);
      });

      it('refuses an unknown topic before anything is written', async () => {
        const topic = await newTopic(1);
        const missing = unique('contract.');
        const refused = bus.publish([textMessage(topic, 'a', 'sound'), textMessage(missing, 'a', 'lost')]);
        await expect(refused).rejects.toThrow(UnknownTopic);
        await expect(refused).rejects.toMatchObject({ topic: missing });
        expect(await bus.read(topic, 0, 0)).toEqual([]);
      });

      it('refuses a message above the limit before anything is written, and takes one that nearly fills it', async () => {
        const topic = await newTopic(1);
        const large = { topic, key: 'key', value: new Uint8Array(MESSAGE_LIMIT_BYTES - 3 - 100), headers: {} };
        const headers = { filling: 'x'.repeat(200) };
        await expect(bus.publish([textMessage(topic, 'a', 'sound'), { ...large, headers }])).rejects.toThrow(TooLarge);
        expect(await bus.read(topic, 0, 0)).toEqual([]);
        await bus.publish([large]);
        expect((await bus.read(topic, 0, 0))[0]?.value).toHaveLength(MESSAGE_LIMIT_BYTES - 103);
      });

      it('is durable for those who connect after everybody has left', async () => {
        const topic = await newTopic(1);
        await bus.publish([textMessage(topic, 'a', 'kept')]);
        await connections.close();
        expect((await (await another()).read(topic, 0, 0)).map(textOf)).toEqual(['kept']);
      });
    });

    describe('reading', () => {
      it('honours from and maxCount, and finds nothing past the end', async () => {
        const topic = await newTopic(1);
        await bus.publish(range(0, 10).map((n) => textMessage(topic, 'a', String(n))));
        expect((await bus.read(topic, 0, 4, 3)).map(textOf)).toEqual(['4', '5', '6']);
        expect((await bus.read(topic, 0, 8)).map(({ offset }) => offset)).toEqual([8, 9]);
        expect(await bus.read(topic, 0, 10)).toEqual([]);
        await bus.publish(range(10, 510).map((n) => textMessage(topic, 'a', String(n))));
        expect(await bus.read(topic, 0, 0)).toHaveLength(500);
      });

      it('refuses partitions, offsets, counts and topics that are none', async () => {
        const topic = await newTopic(2);
        const missing = unique('contract.');
        await expect(bus.read(topic, 2, 0)).rejects.toThrow(InvalidCall);
        await expect(bus.read(topic, 0, -1)).rejects.toThrow(InvalidCall);
        await expect(bus.read(topic, 0, 0, 0)).rejects.toThrow(InvalidCall);
        await expect(bus.read(missing, 0, 0)).rejects.toThrow(UnknownTopic);
        await expect(bus.offsets(missing)).rejects.toThrow(UnknownTopic);
        await expect(bus.offsetsAt(missing, 0)).rejects.toThrow(UnknownTopic);
        await expect(bus.follow({ topic: missing, from: 'end', onMessages: async () => undefined })).rejects.toThrow(
          UnknownTopic,
        );
        await expect(bus.consume({ group: unique('g'), topics: [missing], onBatch: async () => undefined })).rejects.toThrow(
          UnknownTopic,
        );
      });

      it('says where each partition begins and ends, and which offset a time stands for', async () => {
        const topic = await newTopic(2);
        expect(await bus.offsets(topic)).toEqual([
          { partition: 0, low: 0, high: 0 },
          { partition: 1, low: 0, high: 0 },
        ]);
        const publish = async (text: string): Promise<number> => {
          const [place] = await bus.publish([textMessage(topic, 'a', text)]);
          return place?.partition ?? -1;
        };
        const partition = await publish('0');
        for (const n of range(1, 5)) {
          // The next message must be of a later millisecond.
          const before = (await bus.read(topic, partition, n - 1))[0]?.timestamp ?? 0;
          await until('a millisecond passed', () => Date.now() > before + 1);
          await publish(String(n));
        }
        const times = (await bus.read(topic, partition, 0)).map(({ timestamp }) => timestamp);
        const at = async (time: number): Promise<number | undefined> =>
          (await bus.offsetsAt(topic, time)).find((offset) => offset.partition === partition)?.offset;
        for (const [offset, time] of times.entries()) {
          expect(await at(time)).toBe(offset);
          expect(await at(time + 1)).toBe(offset + 1);
        }
        expect(await at(0)).toBe(0);
        expect((await bus.offsetsAt(topic, 0)).find((offset) => offset.partition !== partition)?.offset).toBe(0);
      });
    });

    describe('following', () => {
      it('hands over the past and then what comes, of every partition in its order', async () => {
        const topic = await newTopic(3);
        const second = await another();
        await bus.publish(range(0, 30).map((n) => textMessage(topic, `key ${n % 5}`, String(n))));
        const heard = await followed(topic);
        await until('the past arrived', () => heard.messages.length === 30);
        await second.publish(range(30, 60).map((n) => textMessage(topic, `key ${n % 5}`, String(n))));
        await until('the rest arrived', () => heard.messages.length === 60);
        await heard.stop();
        for (const partition of range(0, 3)) {
          const own = heard.messages.filter((message) => message.partition === partition);
          expect(own.map(({ offset }) => offset)).toEqual(range(0, own.length));
        }
        expect(heard.messages.map(textOf).sort((a, b) => Number(a) - Number(b))).toEqual(range(0, 60).map(String));
      });

      it('starts at the end, or at the offset of each partition', async () => {
        const topic = await newTopic(1);
        await bus.publish(range(0, 5).map((n) => textMessage(topic, 'a', String(n))));
        const fromEnd = await followed(topic, 'end');
        const fromThree = await followed(topic, new Map([[0, 3]]));
        await bus.publish([textMessage(topic, 'a', '5')]);
        await until('both have heard the last', () =>
          [fromEnd, fromThree].every(({ messages }) => messages.at(-1)?.offset === 5),
        );
        expect(fromEnd.messages.map(textOf)).toEqual(['5']);
        expect(fromThree.messages.map(textOf)).toEqual(['3', '4', '5']);
      });

      it('shows that a handler threw, and hands the same messages over again', async () => {
        const topic = await newTopic(1);
        await bus.publish(range(0, 3).map((n) => textMessage(topic, 'a', String(n))));
        const fault = new Error('not now');
        const [tries, failures]: [string[][], unknown[]] = [[], []];
        await bus.follow({
          topic,
          from: 'beginning',
          onMessages: async (messages) => {
            tries.push(messages.map(textOf));
            if (tries.length < 3) throw fault;
          },
          onFailure: (error) => void failures.push(error),
        });
        await until('it was handed over a third time', () => tries.length === 3);
        expect(failures).toEqual([fault, fault]);
        expect(tries[2]?.[0]).toBe('0');
      });

      it('stops only once its handler has ended', async () => {
        const topic = await newTopic(1);
        await bus.publish([textMessage(topic, 'a', '0')]);
        const held = gate();
        let entered = false;
        const following = await bus.follow({
          topic,
          from: 'beginning',
          onMessages: () => {
            entered = true;
            return held.opened;
          },
        });
        await until('the handler runs', () => entered);
        let stopped = false;
        const stopping = following.stop().then(() => (stopped = true));
        await new Promise((resolve) => setImmediate(resolve));
        expect(stopped).toBe(false);
        held.open();
        await stopping;
      });
    });

    describe('topics', () => {
      it('are created once, listed with what they were created with, and changed by nothing but more partitions', async () => {
        const [plain, compacted, expiring] = [unique('contract.'), unique('contract.'), unique('contract.')];
        const specs: TopicSpec[] = [
          { topic: plain, partitions: 2 },
          { topic: compacted, partitions: 1, compacted: true },
          { topic: expiring, partitions: 3, retentionMs: 3_600_000 },
        ];
        await bus.createTopics(specs);
        await bus.publish([textMessage(plain, 'a', 'kept')]);
        await Promise.all([bus.createTopics(specs), (await another()).createTopics([{ topic: plain, partitions: 1 }])]);
        const listed = async (): Promise<TopicSpec[]> =>
          (await bus.topics()).filter(({ topic }) => specs.some((spec) => spec.topic === topic));
        const found = await listed();
        expect(found).toHaveLength(3);
        for (const spec of specs) {
          const {
            compacted: isCompacted = false,
            retentionMs,
            partitions,
          } = found.find(({ topic }) => topic === spec.topic) ?? spec;
          expect({ isCompacted, partitions }).toEqual({ isCompacted: spec.compacted ?? false, partitions: spec.partitions });
          expect(retentionMs).toBe(spec.retentionMs);
        }
        const highs = (await bus.offsets(plain)).map(({ high }) => high);
        expect(highs.reduce((sum, high) => sum + high, 0)).toBe(1);
      });

      it('are not made of odd names or no partitions', async () => {
        await expect(bus.createTopics([{ topic: 'a topic?', partitions: 1 }])).rejects.toThrow(InvalidCall);
        await expect(bus.createTopics([{ topic: unique('contract.'), partitions: 0 }])).rejects.toThrow(InvalidCall);
      });

      it('can be given partitions while they are read', async () => {
        const topic = await newTopic(1);
        const second = await another();
        const heard = await followed(topic, 'end');
        const consumed: Message[] = [];
        const consumer = await second.consume({
          group: unique('g'),
          topics: [topic],
          onBatch: async ({ messages }) => void consumed.push(...messages),
        });
        await bus.createTopics([{ topic, partitions: 4 }]);
        await until('publishers use all four', async () => {
          const places = await bus.publish(range(0, 20).map((n) => textMessage(topic, `key ${n}`, String(n))));
          return new Set(places.map(({ partition }) => partition)).size === 4;
        });
        const total = (await bus.offsets(topic)).reduce((sum, { high }) => sum + high, 0);
        await until('all were followed and consumed', () => heard.messages.length >= total && consumed.length >= total);
        expect(consumer.assigned()).toHaveLength(4);
        const places = (messages: readonly Message[]): Set<string> =>
          new Set(messages.map(({ partition, offset }) => `${partition}/${offset}`));
        expect(places(heard.messages).size).toBe(total);
        expect(places(consumed).size).toBe(total);
      });
    });

    const removesInTime = traits.removesLater !== true;
    if (removesInTime) {
      describe('removing', () => {
        const maintain = async (): Promise<void> => harness.maintain?.(bus);

        it('keeps the last message of each key of a compacted topic, in its place', async () => {
          const topic = await newTopic(1, { compacted: true });
          for (const n of range(0, 12)) await bus.publish([textMessage(topic, `key ${n % 3}`, String(n))]);
          await bus.publish(['a', 'b', 'c'].map((text) => textMessage(topic, 'key 0', text)));
          await until('only the last are left', async () => {
            await maintain();
            return (await bus.read(topic, 0, 0)).length === 3;
          });
          const left = await bus.read(topic, 0, 0);
          expect(left.map(textOf)).toEqual(['10', '11', 'c']);
          expect(left.map(({ offset }) => offset)).toEqual([10, 11, 14]);
          expect(await bus.offsets(topic)).toEqual([{ partition: 0, low: 10, high: 15 }]);
        });

        it('shows a tombstone to those who follow, and one who comes late only what survives', async () => {
          const topic = await newTopic(2, { compacted: true });
          const early = await followed(topic);
          await bus.publish([textMessage(topic, 'withdrawn', 'secret'), textMessage(topic, 'kept', 'open')]);
          await until('both arrived', () => early.messages.length === 2);
          await bus.publish([{ topic, key: 'withdrawn', value: null, headers: {} }]);
          await until('the withdrawal arrived', () => early.messages.some(({ value }) => value === null));
          await until('the withdrawn is gone', async () => {
            await maintain();
            const left = await Promise.all(range(0, 2).map((partition) => bus.read(topic, partition, 0)));
            return !left.flat().some((message) => textOf(message) === 'secret');
          });
          const late = await followed(topic, 'beginning', await another());
          await until('the late one has heard what is kept', () => late.messages.some((message) => textOf(message) === 'open'));
          expect(late.messages.map(textOf)).not.toContain('secret');
        });

        it('hands a follower and a consumer what survived, past the gaps', async () => {
          const topic = await newTopic(1, { compacted: true });
          for (const n of range(0, 20)) await bus.publish([textMessage(topic, n === 7 ? 'seven' : 'other', String(n))]);
          await until('the gaps are there', async () => {
            await maintain();
            return (await bus.read(topic, 0, 0)).length === 2;
          });
          const consumed: string[] = [];
          const group = unique('g');
          await bus.consume({
            group,
            topics: [topic],
            onBatch: async ({ messages }) => void consumed.push(...messages.map(textOf)),
          });
          const heard = await followed(topic);
          await until('both have the last', () => consumed.at(-1) === '19' && heard.messages.at(-1)?.offset === 19);
          expect(consumed).toEqual(['7', '19']);
          expect(heard.messages.map(textOf)).toEqual(['7', '19']);
          await until('its offset is behind the last', async () => (await bus.committed(group, topic))[0]?.offset === 20);
        });

        it('lets messages go that are older than their topic keeps them, and never gives an offset twice', async () => {
          const topic = await newTopic(1, { retentionMs: 1 });
          const lasting = await newTopic(1);
          await bus.publish([textMessage(lasting, 'a', 'stays'), ...range(0, 5).map((n) => textMessage(topic, 'a', String(n)))]);
          await until('they are gone', async () => {
            await maintain();
            return (await bus.offsets(topic))[0]?.low === 5;
          });
          expect(await bus.offsets(topic)).toEqual([{ partition: 0, low: 5, high: 5 }]);
          expect(await bus.read(topic, 0, 0)).toEqual([]);
          const reopened = await another();
          expect(await reopened.publish([textMessage(topic, 'a', '5')])).toEqual([{ topic, partition: 0, offset: 5 }]);
          expect((await bus.read(lasting, 0, 0)).map(textOf)).toEqual(['stays']);
        });
      });
    }

    describe('its connection', () => {
      it('answers a check, and refuses everything once it is closed', async () => {
        await expect(bus.check()).resolves.toBeUndefined();
        const topic = await newTopic(1);
        const closing = await harness.open();
        await closing.consume({ group: unique('g'), topics: [topic], onBatch: async () => undefined });
        await closing.follow({ topic, from: 'beginning', onMessages: async () => undefined });
        await closing.close();
        await expect(closing.publish([textMessage(topic, 'a', 'x')])).rejects.toThrow(EngineUnavailable);
        await expect(closing.read(topic, 0, 0)).rejects.toThrow(EngineUnavailable);
        await expect(closing.close()).resolves.toBeUndefined();
      });

      it('can be opened several times at once on new data', async () => {
        const fresh = await start();
        const opened = new Connections<EventBus>();
        try {
          const buses = await Promise.all(range(0, 4).map(() => opened.add(fresh.open())));
          const topic = unique('contract.');
          await Promise.all(buses.map((each) => each.createTopics([{ topic, partitions: 2 }])));
          await Promise.all(buses.map((each, n) => each.publish([textMessage(topic, 'a', String(n))])));
          const highs = (await Promise.all(buses.map((each) => each.offsets(topic)))).flat().map(({ high }) => high);
          expect(highs.reduce((sum, high) => sum + high, 0)).toBe(16);
        } finally {
          await opened.close();
          await fresh.stop();
        }
      });
    });

    describeConsumerGroups({ bus: () => bus, another, newTopic }, traits);
    describeSeats({ bus: () => bus, another, newTopic });
  });
}
