import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { EngineUnavailable, type EventBus, type Message, QUARANTINE_TOPIC, TooLarge } from '@weft/processing';
import { describeEventBus } from '@weft/testing';
import { brokerOrReason } from '../../../infra/kafka/broker.mjs';
import { Connections, createKafka, openCluster } from './client.js';
import { GroupConsumer } from './group-consumer.js';
import { openKafkaBus } from './kafka-bus.js';
import { systemClock, systemRandom, systemTimers } from './system.js';

const found = await brokerOrReason();

if ('reason' in found) {
  it.skip(`Apache Kafka is an EventBus: no broker, ${found.reason}`, () => {});
} else {
  const { broker } = found;
  const open = (): Promise<EventBus> =>
    openKafkaBus({ brokers: broker.brokers, metadataAgeMs: 500, sessionTimeoutMs: 6000, handlerSilenceMs: 3000 });
  afterAll(() => broker.stop());

  // Compaction and retention come in the broker's own time: segments that can go are looked for every five minutes.
  describeEventBus(`Apache Kafka (${broker.kind})`, async () => ({ open, stop: async () => {} }), { removesLater: true });

  describe('what only Kafka does', () => {
    let bus: EventBus;
    const newTopic = async () => {
      const topic = `kafka.${randomUUID()}`;
      await bus.createTopics([{ topic, partitions: 2 }]);
      return topic;
    };
    const message = (topic: string, bytes = 10) => ({ topic, key: 'k', value: new Uint8Array(bytes), headers: {} });
    const asAdmin = async (work: (admin: kafkajs.Admin) => Promise<unknown>) => {
      const admin = createKafka({ brokers: broker.brokers }).admin();
      await admin.connect();
      await work(admin);
      await admin.disconnect();
    };

    const codecs = kafkajs.CompressionCodecs as Record<number, () => unknown>;
    const asProducer = async (work: (producer: kafkajs.Producer) => Promise<unknown>) => {
      const producer = createKafka({ brokers: broker.brokers }).producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await work(producer);
      await producer.disconnect();
    };
    const until = async (what: string, condition: () => boolean) => {
      const limit = Date.now() + 60_000;
      while (!condition()) {
        if (Date.now() > limit) throw new Error(`it did not come to pass that ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };

    const configure = (topic: string, configEntries: { name: string; value: string }[]) =>
      asAdmin((admin) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
        }),
      );
    const textOf = ({ value }: { value: Uint8Array | null }) => (value === null ? 'tombstone' : Buffer.from(value).toString());

    beforeEach(async () => (bus = await open()));
    afterEach(() => bus.close());

    it('says what time it is by the brokers’ stamp, whether or not anything is published', async () => {
      await bus.createTopics([{ topic: QUARANTINE_TOPIC, partitions: 1, compacted: true }]);
      const said = (await bus.time?.()) ?? 0;
      expect(Math.abs(said - Date.now())).toBeLessThan(60_000);
      const topic = await newTopic();
      await bus.publish([message(topic)]);
      const stamped = (await bus.time?.()) ?? 0;
      expect(stamped).toBeGreaterThanOrEqual(said - 1_000);
    });

    it('refuses 2 MiB before anything is sent, and passes on a topic’s own lower limit', async () => {
      const topic = await newTopic();
      await expect(bus.publish([message(topic), message(topic, 2 * 1_048_576)])).rejects.toThrow(TooLarge);
      expect((await bus.offsets(topic)).map(({ high }) => high)).toEqual([0, 0]);
      await configure(topic, [{ name: 'max.message.bytes', value: '1000' }]);
      await expect(bus.publish([message(topic, 5000)])).rejects.toThrow(TooLarge);
      expect(await bus.publish([message(topic, 500)])).toMatchObject([{ offset: 0 }]);
    });

    it('leaves out the messages of an aborted transaction, for whoever reads, follows or consumes', async () => {
      const topic = await newTopic();
      const producer = createKafka({ brokers: broker.brokers }).producer({
        idempotent: true,
        maxInFlightRequests: 1,
        transactionalId: randomUUID(),
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      });
      await producer.connect();
      for (const [text, end] of [
        ['never', 'abort'],
        ['kept', 'commit'],
      ] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: [{ key: 'k', value: text, partition: 0 }] });
        await transaction[end]();
      }
      await producer.disconnect();
      const texts = { read: [] as string[], followed: [] as string[], consumed: [] as string[] };
      let heard!: () => void;
      const both = new Promise<void>((resolve) => (heard = () => texts.followed.length * texts.consumed.length > 0 && resolve()));
      await bus.follow({
        topic,
        from: 'beginning',
        onMessages: async (messages) => (texts.followed.push(...messages.map(textOf)), heard()),
      });
      await bus.consume({
        group: randomUUID(),
        topics: [topic],
        onBatch: async ({ messages }) => (texts.consumed.push(...messages.map(textOf)), heard()),
      });
      await both;
      texts.read.push(...(await bus.read(topic, 0, 0)).map(textOf));
      expect(texts).toEqual({ read: ['kept'], followed: ['kept'], consumed: ['kept'] });
    });

    it('brings a group to the end of a partition that holds nothing but an aborted transaction', async () => {
      const topic = await newTopic();
      const kafka = createKafka({ brokers: broker.brokers });
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: randomUUID() });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'k', value: 'never', partition: 0 }] });
      await transaction.abort();
      await producer.disconnect();
      const group = randomUUID();
      const handled: Message[] = [];
      await bus.consume({ group, topics: [topic], onBatch: async ({ messages }) => void handled.push(...messages) });
      const ends = async () => (await bus.offsets(topic)).map(({ high }) => high);
      const committed = async () => (await bus.committed(group, topic)).map(({ offset }) => Math.max(0, offset));
      while (JSON.stringify(await committed()) !== JSON.stringify(await ends()))
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect([await ends(), handled]).toEqual([[2, 0], []]);
    });

    it('goes past the gaps of a compacted topic, and shows what was withdrawn to nobody who comes late', async () => {
      const topic = `kafka.${randomUUID()}`;
      await bus.createTopics([{ topic, partitions: 1, compacted: true }]);
      // As wanted, and a hundred times as soon.
      const soon = ['segment.ms', 'max.compaction.lag.ms', 'delete.retention.ms'].map((name) => ({ name, value: '200' }));
      const configEntries = [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'min.cleanable.dirty.ratio', value: '0.01' },
        ...soon,
      ];
      await configure(topic, configEntries);
      const publish = (key: string, text: string | null) =>
        bus.publish([{ topic, key, value: text === null ? null : Buffer.from(text), headers: {} }]);
      for (let n = 0; n < 20; n++) await publish(n === 7 ? 'seven' : 'other', String(n));
      await publish('withdrawn', 'secret');
      await publish('withdrawn', null);
      const left = async () => (await bus.read(topic, 0, 0)).map(textOf);
      // A segment is closed, and can be compacted, only once something comes after it.
      for (let texts = await left(); texts.includes('secret') || texts.includes('18'); texts = await left()) {
        await publish('last', 'end');
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      const [followed, consumed]: [string[], string[]] = [[], []];
      await bus.follow({ topic, from: 'beginning', onMessages: async (messages) => void followed.push(...messages.map(textOf)) });
      const group = randomUUID();
      await bus.consume({ group, topics: [topic], onBatch: async ({ messages }) => void consumed.push(...messages.map(textOf)) });
      const committedAll = async () => (await bus.committed(group, topic))[0]!.offset === (await bus.offsets(topic))[0]!.high;
      while (!(await committedAll()) || followed.at(-1) !== 'end') await new Promise((resolve) => setTimeout(resolve, 20));
      for (const texts of [followed, consumed]) {
        expect(texts.slice(0, 2)).toEqual(['7', '19']);
        expect(texts).not.toContain('secret');
      }
    });

    it.each(['gzip', 'snappy', 'lz4', 'zstd'])(
      'reads what is compressed with %s, for whoever reads, follows or consumes',
      async (type) => {
        const topic = await newTopic();
        await configure(topic, [{ name: 'compression.type', value: type }]);
        const texts = Array.from({ length: 300 }, (_, index) => `${index} ${'of many '.repeat(index)}`);
        await bus.publish(texts.map((text) => ({ topic, key: 'k', value: Buffer.from(text), headers: { h: 'ü' } })));
        const { partition } = (await bus.offsets(topic)).find(({ high }) => high > 0)!;
        const readAll = await bus.read(topic, partition, 0);
        expect(readAll.map(textOf)).toEqual(texts);
        expect(readAll[0]).toMatchObject({ key: 'k', headers: { h: 'ü' } });
        const [consumed, followed]: [string[], string[]] = [[], []];
        await bus.consume({
          group: randomUUID(),
          topics: [topic],
          onBatch: async ({ messages }) => void consumed.push(...messages.map(textOf)),
        });
        const onMessages = async (messages: readonly { value: Uint8Array | null }[]) =>
          void followed.push(...messages.map(textOf));
        await bus.follow({ topic, from: 'beginning', onMessages });
        await until('all have come', () => consumed.length === 300 && followed.length === 300);
        expect([consumed, followed]).toEqual([texts, texts]);
      },
    );

    it('gives a batch that cannot be unpacked as messages that say so, each at its offset, and goes on behind it', async () => {
      const [topic, other] = [await newTopic(), await newTopic()];
      // Seventy megabytes of nothing in a few kilobytes: more than a batch may hold.
      const messages = Array.from({ length: 70 }, () => ({ key: 'k', value: Buffer.alloc(1_000_000), partition: 0 }));
      const own = codecs[kafkajs.CompressionTypes.GZIP]!;
      codecs[kafkajs.CompressionTypes.GZIP] = () => ({ compress: async ({ buffer }: { buffer: Buffer }) => gzipSync(buffer) });
      try {
        await asProducer((producer) => producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP }));
      } finally {
        codecs[kafkajs.CompressionTypes.GZIP] = own;
      }
      await bus.publish([message(topic), message(other)]);
      const handled: Message[] = [];
      await bus.consume({
        group: randomUUID(),
        topics: [topic, other],
        onBatch: async ({ messages }) => void handled.push(...messages),
      });
      await until('what is behind it has come', () => handled.filter(({ faults }) => faults === undefined).length === 2);
      const broken = handled.filter(({ faults }) => faults !== undefined);
      expect(broken.map(({ offset }) => offset)).toEqual(Array.from({ length: 70 }, (_, index) => index));
      expect(broken[0]).toMatchObject({ key: '', value: null, faults: [{ code: 'unreadable' }] });
    });

    it('reads the other topics on where one cannot be read at all, says so, and comes back to it', async () => {
      const [topic, other] = [await newTopic(), await newTopic()];
      await configure(topic, [{ name: 'compression.type', value: 'gzip' }]);
      await bus.publish([message(topic), message(other)]);
      const gzip = codecs[kafkajs.CompressionTypes.GZIP]!;
      const broken = () => ({ decompress: () => Promise.reject(new RangeError('as if it were no batch')) });
      codecs[kafkajs.CompressionTypes.GZIP] = broken;
      const [handled, failures]: [string[], string[]] = [[], []];
      await bus.consume({
        group: randomUUID(),
        topics: [topic, other],
        onBatch: async ({ topic: of, messages }) => void handled.push(...messages.map(() => of)),
        onFailure: (error, batch) => void failures.push(`${batch?.topic} ${String(error)}`),
      });
      try {
        await until('the other has come', () => handled.includes(other));
        await bus.publish([message(other)]);
        await until('it goes on', () => handled.length === 2);
        const said = () => failures.filter((failure) => failure.startsWith(`${topic} `) && failure.includes('from offset 0'));
        await until('it is said again', () => said().length > 1);
        expect(handled).toEqual([other, other]);
      } finally {
        codecs[kafkajs.CompressionTypes.GZIP] = gzip;
      }
      await until('it has come back', () => handled.includes(topic));
    }, 60_000);

    it('says of a key or header that is not UTF-8 that it is not, and makes no two of them one', async () => {
      const topic = await newTopic();
      const odd = [0xfe, 0xff].map((byte) => ({
        key: 'k',
        value: 'v',
        partition: 0,
        headers: { ce_id: Buffer.from([0x61, byte]) },
      }));
      await asProducer((producer) =>
        producer.send({ topic, messages: [...odd, { key: Buffer.from([0xff]), value: 'v', partition: 0 }] }),
      );
      const messages = await bus.read(topic, 0, 0);
      expect(messages.map(({ faults }) => faults?.map(({ field, code }) => `${field} ${code}`))).toEqual([
        ['headers.ce_id not-utf-8'],
        ['headers.ce_id not-utf-8'],
        ['key not-utf-8'],
      ]);
      expect(new Set(messages.map(({ headers }) => headers['ce_id'])).size).toBe(3);
    });

    it('notices that kafkajs has stopped fetching without a word, and starts it again', async () => {
      const topic = await newTopic();
      const kafka = createKafka({ brokers: broker.brokers });
      let made = 0;
      // The first of its consumers never takes a paused partition up again.
      const forgetful = new Proxy(kafka, {
        get: (target, name) =>
          name !== 'consumer'
            ? Reflect.get(target, name)
            : (config: kafkajs.ConsumerConfig) => ({ ...target.consumer(config), ...(made++ === 0 ? { resume: () => {} } : {}) }),
      });
      const surroundings = { clock: systemClock, timers: systemTimers, random: systemRandom };
      const connections = new Connections(() => openCluster(kafka), surroundings);
      const settings = {
        deadlineMs: 5000,
        metadataAgeMs: 30_000,
        sessionTimeoutMs: 6000,
        rebalanceTimeoutMs: 5000,
        handlerSilenceMs: 60_000,
        lagCheckMs: 500,
      };
      const failures: unknown[] = [];
      let handle!: () => void;
      const handled = new Promise<void>((resolve) => (handle = resolve));
      const options = {
        group: randomUUID(),
        topics: [topic],
        onBatch: async () => handle(),
        onFailure: (error: unknown) => void failures.push(error),
      };
      const consumer = await new GroupConsumer(options, forgetful, connections, surroundings, settings, undefined).start();
      try {
        await bus.publish([message(topic)]);
        await handled;
        expect(String(failures[0])).toContain('is not fetched');
      } finally {
        await consumer.stop();
        await connections.close();
      }
    });

    it('does not let a topic that was deleted keep the others from their messages', async () => {
      const [gone, kept] = [await newTopic(), await newTopic()];
      await bus.publish([message(gone), message(kept)]);
      await asAdmin((admin) => admin.deleteTopics({ topics: [gone] }));
      const quick = await openKafkaBus({ brokers: broker.brokers, deadlineMs: 3000 });
      try {
        await expect(quick.publish([message(gone)])).rejects.toMatchObject({ topic: gone });
        expect(await quick.publish([message(kept)])).toMatchObject([{ offset: 1 }]);
      } finally {
        await quick.close();
      }
    });

    it('says so when no broker answers, within the time that it was given', async () => {
      const started = Date.now();
      await expect(openKafkaBus({ brokers: ['127.0.0.1:1'], checkDeadlineMs: 1000 })).rejects.toThrow(EngineUnavailable);
      expect(Date.now() - started).toBeLessThan(5000);
    });
  });
}
