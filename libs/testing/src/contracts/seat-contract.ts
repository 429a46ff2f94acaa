import {
  EngineUnavailable,
  InvalidCall,
  MESSAGE_LIMIT_BYTES,
  SeatTaken,
  TooLarge,
  UnknownTopic,
  type EventBus,
  type Message,
  type Seat,
} from '@weft/processing';
import { range, textMessage, textOf, unique, until, type BusTest } from './parts.js';

/** What EventBus promises of seats. */
export function describeSeats({ bus: busOfTest, another, newTopic }: BusTest): void {
  describe('seats', () => {
    let bus: EventBus;
    let name: string;

    beforeEach(() => {
      bus = busOfTest();
      name = unique('seat-');
    });

    const publish = (by: Seat | EventBus, topic: string, texts: readonly string[]) =>
      by.publish(texts.map((text) => textMessage(topic, `key ${text}`, text)));
    const numbers = (from: number, to: number): string[] => range(from, to).map(String);
    /** What each partition holds, in its order. */
    const held = async (topic: string): Promise<string[][]> =>
      Promise.all(
        (await bus.offsets(topic)).map(async ({ partition }) => (await bus.read(topic, partition, 0, 5_000)).map(textOf)),
      );

    it('are published under as the bus is: durable and readable once it resolves, each message where it says', async () => {
      const [one, other] = [await newTopic(3), await newTopic(1)];
      const seat = await bus.takeSeat(name);
      const messages = range(0, 40).map((n) => textMessage(n % 4 === 0 ? other : one, `key ${n}`, String(n)));
      for (const some of [messages.slice(0, 25), messages.slice(25)]) {
        const places = await seat.publish(some);
        for (const [index, { topic, partition, offset }] of places.entries()) {
          const [message] = await bus.read(topic, partition, offset, 1);
          expect(message).toMatchObject({ topic: some[index]?.topic, key: some[index]?.key, offset });
          expect(textOf(message as Message)).toBe(Buffer.from(some[index]?.value ?? []).toString());
        }
      }
      for (const texts of await held(one)) expect(texts).toEqual([...texts].sort((a, b) => Number(a) - Number(b)));
      expect((await held(one)).flat()).toHaveLength(30);
      expect(await held(other)).toEqual([range(0, 10).map((n) => String(n * 4))]);
      expect(await seat.publish([])).toEqual([]);
    });

    it('put a message where the bus puts it, with the same bytes, headers and tombstones', async () => {
      const topic = await newTopic(7);
      const message = { topic, key: '患者', partitionKey: 'abc', value: Uint8Array.of(0, 255), headers: { ce_note: 'Zoë' } };
      const [plain] = await bus.publish([message]);
      const [seated, tombstone] = await (await bus.takeSeat(name)).publish([message, { ...message, value: null }]);
      expect([seated?.partition, tombstone?.partition]).toEqual([plain?.partition, plain?.partition]);
      const [first, second, third] = await bus.read(topic, plain?.partition ?? -1, 0);
      expect(second).toEqual({ ...first, offset: seated?.offset, timestamp: second?.timestamp });
      expect(third).toMatchObject({ key: message.key, value: null, headers: message.headers, offset: tombstone?.offset });
    });

    it('take 4,000 messages in one call, and several calls at once, each in its order', async () => {
      const topic = await newTopic(2);
      const seat = await bus.takeSeat(name);
      const places = await seat.publish(range(0, 4_000).map((n) => textMessage(topic, `key ${n % 100}`, String(n))));
      expect(places).toHaveLength(4_000);
      await Promise.all(range(0, 10).map((call) => publish(seat, topic, numbers(4_000 + call * 10, 4_010 + call * 10))));
      const texts = (await held(topic)).map((own) => own.map(Number));
      expect(texts.flat().sort((a, b) => a - b)).toEqual(range(0, 4_100));
      const calls = [range(0, 4_000), ...range(0, 10).map((call) => range(4_000 + call * 10, 4_010 + call * 10))];
      for (const own of texts) {
        for (const call of calls) {
          const written = own.filter((n) => call.includes(n));
          expect(written).toEqual([...written].sort((a, b) => a - b));
        }
      }
    });

    it('take several messages that each nearly fill the limit, and small ones between them, in one call', async () => {
      const topic = await newTopic(1);
      const large = { topic, key: 'key', value: new Uint8Array(MESSAGE_LIMIT_BYTES - 100), headers: {} };
      const places = await (await bus.takeSeat(name)).publish([large, textMessage(topic, 'key', 'small'), large, large]);
      const offsets = places.map(({ offset }) => offset);
      expect(offsets).toEqual(range(offsets[0] ?? -1, (offsets[0] ?? -1) + 4));
      expect((await bus.read(topic, 0, 0)).map(({ value }) => value?.length)).toEqual([
        large.value.length,
        'small'.length,
        large.value.length,
        large.value.length,
      ]);
    });

    it('are somebody else’s once they are taken: the earlier holder publishes nothing more', async () => {
      const topic = await newTopic(2);
      const earlier = await bus.takeSeat(name);
      await publish(earlier, topic, ['before']);
      const holder = await (await another()).takeSeat(name);
      await expect(publish(earlier, topic, numbers(0, 10))).rejects.toThrow(SeatTaken);
      await publish(holder, topic, ['after']);
      await expect(publish(earlier, topic, ['too late'])).rejects.toMatchObject({ type: 'seat-taken', seat: name });
      expect((await held(topic)).flat().sort()).toEqual(['after', 'before']);
    });

    it('end an earlier taking also where the same process takes them again', async () => {
      const topic = await newTopic(1);
      const earlier = await bus.takeSeat(name);
      await publish(earlier, topic, ['first']);
      const holder = await bus.takeSeat(name);
      await expect(publish(earlier, topic, ['too late'])).rejects.toThrow(SeatTaken);
      await publish(holder, topic, ['second']);
      expect(await held(topic)).toEqual([['first', 'second']]);
    });

    it('go to and fro, and only the last taking counts', async () => {
      const topic = await newTopic(1);
      const second = await another();
      const takings: Seat[] = [];
      for (const n of range(0, 6)) {
        takings.push(await (n % 2 === 0 ? bus : second).takeSeat(name));
        const outcomes = await Promise.allSettled(takings.map((seat, taking) => publish(seat, topic, [`${taking} after ${n}`])));
        expect(outcomes.map(({ status }) => status)).toEqual([...range(0, n).map(() => 'rejected'), 'fulfilled']);
      }
      expect(await held(topic)).toEqual([range(0, 6).map((n) => `${n} after ${n}`)]);
    });

    it('let what was on its way come whole before the taking, or not at all', async () => {
      const topic = await newTopic(3);
      const second = await another();
      for (const round of range(0, 20)) {
        const own = unique('seat-');
        const earlier = await bus.takeSeat(own);
        const onTheirWay = range(0, 4).map((call) =>
          publish(
            earlier,
            topic,
            range(0, 30).map((n) => `${round} old ${call}/${n}`),
          ).then(
            () => 'written',
            (error: Error) => error.name,
          ),
        );
        // Each round takes it at another moment, as far as a test has that in its hand.
        for (let turn = 0; turn < round * 3; turn++) await new Promise((resolve) => setImmediate(resolve));
        const holder = await second.takeSeat(own);
        await publish(
          holder,
          topic,
          range(0, 30).map((n) => `${round} new ${n}`),
        );
        const outcomes = await Promise.all(onTheirWay);
        const ofRound = (await held(topic)).map((texts) => texts.filter((text) => text.startsWith(`${round} `)));
        for (const [call, outcome] of outcomes.entries()) {
          const written = ofRound.flat().filter((text) => text.startsWith(`${round} old ${call}/`)).length;
          // Of a commit that the engine fails to answer nobody knows: it is whole or nothing all the same.
          expect(`${outcome} ${written}`).toMatch(/^(written 30|SeatTaken 0|EngineUnavailable (0|30))$/);
        }
        for (const texts of ofRound) {
          const isNew = texts.map((text) => text.includes(' new '));
          expect(isNew).toEqual([...isNew].sort((a, b) => Number(a) - Number(b)));
        }
      }
    });

    it('disturb neither other seats nor those who publish without one', async () => {
      const topic = await newTopic(1);
      const other = await bus.takeSeat(unique('seat-'));
      const earlier = await bus.takeSeat(name);
      await (await another()).takeSeat(name);
      await publish(other, topic, ['other seat']);
      await publish(bus, topic, ['no seat']);
      await expect(publish(earlier, topic, ['too late'])).rejects.toThrow(SeatTaken);
      await publish(bus, topic, ['no seat again']);
      expect(await held(topic)).toEqual([['other seat', 'no seat', 'no seat again']]);
    });

    it('are free at once when their holder has gone', async () => {
      const topic = await newTopic(1);
      const leaving = await another();
      await publish(await leaving.takeSeat(name), topic, ['before']);
      await leaving.close();
      await publish(await bus.takeSeat(name), topic, ['after']);
      expect(await held(topic)).toEqual([['before', 'after']]);
    });

    it('refuse what the bus refuses, before anything is written, and go on', async () => {
      const topic = await newTopic(1);
      const missing = unique('contract.');
      const seat = await bus.takeSeat(name);
      const large = { topic, key: 'key', value: new Uint8Array(MESSAGE_LIMIT_BYTES), headers: {} };
      await expect(seat.publish([textMessage(topic, 'a', 'sound'), large])).rejects.toThrow(TooLarge);
      const unknown = seat.publish([textMessage(topic, 'a', 'sound'), textMessage(missing, 'a', 'lost')]);
      await expect(unknown).rejects.toThrow(UnknownTopic);
      await expect(unknown).rejects.toMatchObject({ topic: missing });
      await expect(bus.takeSeat('')).rejects.toThrow(InvalidCall);
      expect(await held(topic)).toEqual([[]]);
      await publish(seat, topic, ['sound']);
      expect(await held(topic)).toEqual([['sound']]);
    });

    it('show their messages to followers and groups like any other, each group’s offsets coming to the end', async () => {
      const topic = await newTopic(3);
      const [followed, consumed]: [string[], string[]] = [[], []];
      const heard = await bus.follow({
        topic,
        from: 'beginning',
        onMessages: async (messages) => void followed.push(...messages.map(textOf)),
      });
      const group = unique('group-');
      await bus.consume({ group, topics: [topic], onBatch: async ({ messages }) => void consumed.push(...messages.map(textOf)) });
      const seat = await bus.takeSeat(name);
      for (const n of range(0, 5)) {
        await publish(seat, topic, numbers(n * 20, n * 20 + 10));
        await publish(bus, topic, numbers(n * 20 + 10, n * 20 + 20));
      }
      await publish(seat, topic, numbers(100, 130));
      await until('both have all', () => followed.length >= 130 && consumed.length >= 130);
      await until('the group has come to the end of each partition', async () => {
        const ends = await bus.offsets(topic);
        return (await bus.committed(group, topic)).every(({ partition, offset }) => offset === ends[partition]?.high);
      });
      const sorted = (texts: readonly string[]) => [...texts].sort((a, b) => Number(a) - Number(b));
      expect(sorted(followed)).toEqual(numbers(0, 130));
      expect(sorted(consumed)).toEqual(numbers(0, 130));
      await heard.stop();
    });

    it('let somebody read a partition from its beginning to its end, and begin where it ends', async () => {
      const topic = await newTopic(1);
      const seat = await bus.takeSeat(name);
      for (const n of range(0, 3)) await publish(seat, topic, numbers(n * 10, n * 10 + 10));
      const [end] = await bus.offsets(topic);
      const texts: string[] = [];
      for (let from = end?.low ?? -1; from < (end?.high ?? -1);) {
        const page = await bus.read(topic, 0, from, 7);
        if (page.length === 0) break;
        texts.push(...page.map(textOf));
        from = (page.at(-1) as Message).offset + 1;
      }
      expect(texts).toEqual(numbers(0, 30));
      expect(await bus.read(topic, 0, end?.high ?? -1)).toEqual([]);
      const heard: string[] = [];
      await bus.follow({ topic, from: 'end', onMessages: async (messages) => void heard.push(...messages.map(textOf)) });
      const [place] = await publish(seat, topic, ['30']);
      expect(place?.offset).toBeGreaterThanOrEqual(end?.high ?? Infinity);
      await until('what came behind the end was heard', () => heard.length > 0);
      expect(heard).toEqual(['30']);
    });

    it('say that the bus is closed, once it is', async () => {
      const topic = await newTopic(1);
      const closing = await another();
      const seat = await closing.takeSeat(name);
      await closing.close();
      await expect(publish(seat, topic, ['x'])).rejects.toThrow(EngineUnavailable);
      await expect(closing.takeSeat(name)).rejects.toThrow(EngineUnavailable);
      expect(await held(topic)).toEqual([[]]);
    });
  });
}
