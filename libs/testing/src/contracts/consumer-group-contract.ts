import { InvalidCall, type Batch, type BatchContext, type ConsumeOptions, type Consumer, type EventBus } from '@weft/processing';
import { gate, range, textMessage, textOf, unique, until, type BusTest, type EventBusTraits } from './parts.js';

/** What EventBus promises of consumer groups. */
export function describeConsumerGroups({ bus: busOfTest, another, newTopic }: BusTest, traits: EventBusTraits): void {
  describe('consumer groups', () => {
    let bus: EventBus;
    let group: string;

    beforeEach(() => {
      bus = busOfTest();
      group = unique('group-');
    });

    const publish = (topic: string, texts: readonly string[], by: EventBus = bus): Promise<unknown> =>
      by.publish(texts.map((text, n) => textMessage(topic, `key ${n}`, text)));
    const numbers = (from: number, to: number): string[] => range(from, to).map(String);
    const committed = async (topic: string, partition = 0, by: EventBus = bus): Promise<number | undefined> =>
      (await by.committed(group, topic)).find((each) => each.partition === partition)?.offset;
    const committedInAll = async (topic: string): Promise<number> =>
      (await bus.committed(group, topic)).reduce((sum, { offset }) => sum + Math.max(offset, 0), 0);

    /** A member that notes what it handles. */
    const member = async (topic: string, options: Partial<ConsumeOptions> = {}, by: EventBus = bus) => {
      const texts: string[] = [];
      const failures: unknown[] = [];
      /** The batches that it was told it handled in vain, or could not handle. */
      const failed: Batch[] = [];
      const onBatch = async (batch: Batch, context: BatchContext): Promise<void> => {
        await options.onBatch?.(batch, context);
        texts.push(...batch.messages.map(textOf));
      };
      const onFailure = (error: unknown, batch?: Batch): void => {
        failures.push(error);
        if (batch !== undefined) failed.push(batch);
      };
      const consumer: Consumer = await by.consume({ group, topics: [topic], onFailure, ...options, onBatch });
      return { texts, failures, failed, consumer };
    };

    it('hand over everything from the beginning, each partition in its order, and commit behind it', async () => {
      const topic = await newTopic(3);
      await publish(topic, numbers(0, 40));
      const batches: Batch[] = [];
      const { texts, consumer } = await member(topic, { onBatch: async (batch) => void batches.push(batch) });
      await until('all were handled', () => texts.length === 40);
      await publish(topic, numbers(40, 60), await another());
      await until('all were committed', async () => (await committedInAll(topic)) === 60);
      expect([...texts].sort((a, b) => Number(a) - Number(b))).toEqual(numbers(0, 60));
      for (const { topic: of, partition, messages } of batches) {
        expect(messages.length).toBeGreaterThan(0);
        expect(messages.every((message) => message.topic === of && message.partition === partition)).toBe(true);
      }
      for (const partition of range(0, 3)) {
        const offsets = batches.filter((batch) => batch.partition === partition).flatMap(({ messages }) => messages);
        expect(offsets.map(({ offset }) => offset)).toEqual(range(0, offsets.length));
        expect(await committed(topic, partition)).toBe(offsets.length);
      }
      expect(consumer.assigned()).toHaveLength(3);
    });

    it('go on where they left off, whoever reads on', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 5));
      expect(await committed(topic)).toBe(-1);
      const first = await member(topic);
      await until('the first five were handled', () => first.texts.length === 5);
      await first.consumer.stop();
      expect(await committed(topic)).toBe(5);
      await publish(topic, numbers(5, 8));
      const second = await member(topic, {}, await another());
      await until('the rest was handled', () => second.texts.length === 3);
      expect(second.texts).toEqual(numbers(5, 8));
      expect(first.texts).toHaveLength(5);
    });

    it('may start at the end, and then miss nothing that comes later', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 3));
      const first = await member(topic, { from: 'end' });
      await until('it holds the partition', () => first.consumer.assigned().length === 1);
      await publish(topic, ['3']);
      await until('the new one was handled', () => first.texts.length === 1);
      await first.consumer.stop();
      await publish(topic, ['4']);
      const second = await member(topic, { from: 'end' });
      await until('what came meanwhile was handled', () => second.texts.length === 1);
      expect([...first.texts, ...second.texts]).toEqual(['3', '4']);
    });

    it('may start at the end, and it stays where it was then, also for one that comes after', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 3));
      const first = await member(topic, { from: 'end' });
      await until('it holds the partition', () => first.consumer.assigned().length === 1);
      await first.consumer.stop();
      await publish(topic, ['3']);
      const second = await member(topic, { from: 'end' });
      await until('what came meanwhile was handled', () => second.texts.length === 1);
      expect(second.texts).toEqual(['3']);
    });

    it('read apart from each other', async () => {
      const topic = await newTopic(2);
      await publish(topic, numbers(0, 10));
      const one = await member(topic);
      const other = await member(topic, { group: unique('group-') });
      await until('both handled all', () => one.texts.length === 10 && other.texts.length === 10);
    });

    it('read several topics at once', async () => {
      const [left, right] = [await newTopic(2), await newTopic(1)];
      await publish(left, numbers(0, 5));
      await publish(right, numbers(5, 8));
      const { texts, consumer } = await member(left, { topics: [left, right] });
      await until('all were handled', () => texts.length === 8);
      expect(
        consumer
          .assigned()
          .map(({ topic, partition }) => `${topic}/${partition}`)
          .sort(),
      ).toEqual([`${left}/0`, `${left}/1`, `${right}/0`].sort());
    });

    it('get batches no larger than asked for', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 20));
      const sizes: number[] = [];
      const { texts } = await member(topic, { maxBatch: 7, onBatch: async ({ messages }) => void sizes.push(messages.length) });
      await until('all were handled', () => texts.length === 20);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
      expect(texts).toEqual(numbers(0, 20));
    });

    it('commit a batch only once its handler has ended, and stop only then', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 3));
      const held = gate();
      let entered = 0;
      const { consumer } = await member(topic, {
        onBatch: async (_, context) => {
          entered += 1;
          await context.heartbeat();
          expect(context.isStale()).toBe(false);
          await held.opened;
        },
      });
      await until('the handler runs', () => entered === 1);
      let stopped = false;
      const stopping = consumer.stop().then(() => (stopped = true));
      expect(await committed(topic)).toBe(-1);
      expect(stopped).toBe(false);
      held.open();
      await stopping;
      expect(await committed(topic)).toBe(3);
      expect(entered).toBe(1);
    });

    it('show that a handler threw, commit nothing, and hand the batch over again before anything behind it', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 4));
      const fault = new Error('the store is away');
      const tries: string[][] = [];
      const commits: (number | undefined)[] = [];
      const { texts, failures } = await member(topic, {
        maxBatch: 2,
        onBatch: async ({ messages }) => {
          tries.push(messages.map(textOf));
          if (tries.length > 2) return;
          commits.push(await committed(topic));
          throw fault;
        },
      });
      await until('all were handled', () => texts.length === 4);
      expect(failures).toEqual([fault, fault]);
      expect(tries.slice(0, 3).map(([first]) => first)).toEqual(['0', '0', '0']);
      expect(commits).toEqual([-1, -1]);
      expect(texts).toEqual(numbers(0, 4));
      await until('all were committed', async () => (await committed(topic)) === 4);
    });

    it('keep one failing partition from holding up the others', async () => {
      const topic = await newTopic(2);
      const places = await bus.publish(range(0, 40).map((n) => textMessage(topic, `key ${n}`, String(n))));
      const healthy = places.filter(({ partition }) => partition === 1).length;
      const { texts, consumer } = await member(topic, {
        onBatch: async ({ partition }) => {
          if (partition === 0) throw new Error('never');
        },
      });
      await until('the other partition was committed', async () => (await committed(topic, 1)) === healthy);
      expect(texts).toHaveLength(healthy);
      expect(await committed(topic, 0)).toBe(-1);
      await consumer.stop();
    });

    it('share the partitions: each has one reader at a time, and every message is handled', async () => {
      const topic = await newTopic(6);
      const reading = new Map<number, number>();
      let overlaps = 0;
      const handled: string[] = [];
      const join = async (by: EventBus) =>
        member(
          topic,
          {
            maxBatch: 5,
            onBatch: async ({ partition, messages }) => {
              reading.set(partition, (reading.get(partition) ?? 0) + 1);
              if (reading.get(partition) !== 1) overlaps += 1;
              await new Promise((resolve) => setImmediate(resolve));
              reading.set(partition, (reading.get(partition) ?? 0) - 1);
              handled.push(...messages.map(textOf));
            },
          },
          by,
        );
      const held = (members: readonly { consumer: Consumer }[]): number[] =>
        members.flatMap(({ consumer }) => consumer.assigned().map(({ partition }) => partition)).sort();
      const all = (texts: readonly string[]): boolean => new Set(texts).size === published;
      let published = 0;
      const more = async (): Promise<void> => {
        await publish(topic, numbers(published, published + 60));
        published += 60;
      };

      await more();
      const one = await join(bus);
      const two = await join(await another());
      await until('the two share them', () => one.consumer.assigned().length === 3 && two.consumer.assigned().length === 3);
      await more();
      await until('all were handled', () => all(handled));
      expect(held([one, two])).toEqual(range(0, 6));

      const three = await join(await another());
      await more();
      await until('the three share them', () => [one, two, three].every(({ consumer }) => consumer.assigned().length === 2));
      expect(held([one, two, three])).toEqual(range(0, 6));
      await more();
      await until('all were handled', () => all(handled));

      await one.consumer.stop();
      await more();
      await until('two are left, and share them', () => two.consumer.assigned().length + three.consumer.assigned().length === 6);
      await until('all were handled', () => all(handled));
      await three.consumer.stop();
      await until('one is left, and holds them all', () => two.consumer.assigned().length === 6);
      await more();
      await until('all were handled', () => all(handled));
      await until('all were committed', async () => (await committedInAll(topic)) === published);
      expect(overlaps).toBe(0);
    });

    it('let a member that joins wait for the batch in hand, and hand nothing over twice', async () => {
      const topic = await newTopic(2);
      await publish(topic, numbers(0, 20));
      const held = gate();
      let entered = 0;
      const one = await member(topic, {
        onBatch: async (_, context) => {
          entered += 1;
          await held.opened;
          await context.heartbeat();
        },
      });
      await until('both partitions are being read', () => entered === 2);
      const joining = member(topic, {}, await another());
      await new Promise((resolve) => setImmediate(resolve));
      held.open();
      const two = await joining;
      await until('the two share them', () => one.consumer.assigned().length === 1 && two.consumer.assigned().length === 1);
      await publish(topic, numbers(20, 40));
      await until('all were handled', () => one.texts.length + two.texts.length >= 40);
      expect([...one.texts, ...two.texts].sort((a, b) => Number(a) - Number(b))).toEqual(numbers(0, 40));
    });

    const replacesSilentMembers = traits.keepsSilentMembers !== true;
    if (replacesSilentMembers) {
      it('replace a member whose handlers have fallen silent, and refuse what it commits later', async () => {
        const topic = await newTopic(4);
        // Keys that reach all four partitions.
        const publishAll = (from: number) => publish(topic, numbers(from, from + 20));
        await publishAll(0);
        const held = gate();
        const silent: BatchContext[] = [];
        const one = await member(topic, {
          onBatch: async (_, context) => {
            if (silent.length === 4) return;
            silent.push(context);
            await held.opened;
          },
        });
        await until('all its handlers run', () => silent.length === 4);
        const second = await another();
        const two = await member(topic, {}, second);
        await until('the other has taken over', () => new Set(two.texts).size === 20);
        for (const from of [20, 40, 60]) {
          await publishAll(from);
          await until('the other has committed', async () => (await committedInAll(topic)) === from + 20);
        }
        expect(new Set(two.texts).size).toBe(80);
        expect(silent.every((context) => context.isStale())).toBe(true);
        expect(one.failed).toEqual([]);
        held.open();
        await until('the silent one is told of every batch', () => one.failed.length === 4);
        expect(new Set(one.failed.map(({ partition }) => partition)).size).toBe(4);
        expect(await committedInAll(topic)).toBe(80);
        await two.consumer.stop();
        await publishAll(80);
        await until('it comes back and reads on', async () => (await committedInAll(topic)) === 100);
        expect(new Set([...one.texts, ...two.texts]).size).toBe(100);
      });
    }

    it('can be moved while they have no members, and only then', async () => {
      const topic = await newTopic(2);
      const places = await bus.publish(range(0, 20).map((n) => textMessage(topic, `key ${n}`, String(n))));
      const inFirst = places.filter(({ partition }) => partition === 0).length;
      const first = await member(topic);
      await until('all were committed', async () => (await committedInAll(topic)) === 20);
      await expect(bus.seek(group, topic, [{ partition: 0, offset: 0 }])).rejects.toThrow(InvalidCall);
      await first.consumer.stop();
      await bus.seek(group, topic, [{ partition: 0, offset: 1 }]);
      expect(await committed(topic, 0)).toBe(1);
      expect(await committed(topic, 1)).toBe(20 - inFirst);
      const second = await member(topic);
      await until('what is behind it comes again', () => second.texts.length === inFirst - 1);
      await until('it was committed again', async () => (await committed(topic, 0)) === inFirst);
      await second.consumer.stop();
      await expect(bus.seek(group, topic, [{ partition: 0, offset: -1 }])).rejects.toThrow(InvalidCall);
      await expect(bus.seek(group, topic, [{ partition: 9, offset: 0 }])).rejects.toThrow(InvalidCall);
    });

    it('can be moved before they have ever read', async () => {
      const topic = await newTopic(1);
      await publish(topic, numbers(0, 5));
      await bus.seek(group, topic, [{ partition: 0, offset: 3 }]);
      const { texts } = await member(topic);
      await until('the rest was handled', () => texts.length === 2);
      expect(texts).toEqual(['3', '4']);
    });
  });
}
