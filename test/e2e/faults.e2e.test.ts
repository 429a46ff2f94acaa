import { randomUUID } from 'node:crypto';
import { openEngines } from '@weft/service';
import { careEventsTopic, type EventBus, RECORD_PROJECTOR_GROUP } from '@weft/processing';
import { Prng } from '@weft/testing';
import kafkajs from 'kafkajs';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { expectAllRecorded, lag, settled } from './account.js';
import { careEvent, Load } from './load.js';
import { Processes, type Running } from './processes.js';

const found = await brokerOrReason();
const reason = 'reason' in found ? found.reason : found.broker.kind === 'named' ? 'the broker is not ours to break' : '';
const TRUST = careEventsTopic('RX901');

if (reason !== '' || 'reason' in found) {
  it.skip(`a region on a real broker that breaks: ${reason}`, () => {});
} else {
  const { broker } = found;

  describe(`a region on Apache Kafka (${broker.kind}), each app its own process`, () => {
    let region: Processes;
    let recordApi: Running;
    let load: Load;
    let bus: EventBus;
    let close: () => Promise<void>;
    let projectors: Running[] = [];

    const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
      const limit = Date.now() + 90_000;
      while (!(await condition())) {
        if (Date.now() > limit) throw new Error(`it did not come to pass that ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const acknowledgedMore = async (count: number) => {
      const before = load.acknowledged.length;
      await until('events are acknowledged', () => load.acknowledged.length >= before + count);
    };
    const waiting = () => lag(bus, RECORD_PROJECTOR_GROUP, TRUST);
    const expectNothingLost = async () => {
      await settled(region, bus);
      await expectAllRecorded(region, recordApi, load.acknowledged);
    };
    /** What stands in quarantine of a topic. */
    const quarantined = async () => {
      const answer = await region.as(['operations'], `${recordApi.url}/quarantine`);
      return (await answer.json()) as { from: { topic: string }; bytes: number; problems: object[] }[];
    };

    beforeAll(async () => {
      region = new Processes({ WEFT_KAFKA_BROKERS: broker.brokers.join() });
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
      const gateway = await region.start('gateway');
      recordApi = await region.start('record-api');
      projectors = [await region.start('record-projector'), await region.start('record-projector')];
      await region.start('opt-out-projector');
      ({ bus, close } = await openEngines(region.settings));
      load = new Load(region, gateway);
    }, 120_000);

    afterAll(async () => {
      await load?.stop();
      await close?.();
      await region?.close();
      await broker.stop();
    }, 60_000);

    it('loses nothing while the broker is killed with -9 and started again under load', async () => {
      load.start();
      for (let kill = 0; kill < 2; kill += 1) {
        await acknowledgedMore(200);
        await broker.kill();
        await broker.restart();
      }
      await acknowledgedMore(200);
      await load.stop();
      await expectNothingLost();
    }, 240_000);

    it('loses nothing while projectors are killed with -9, join and leave in the midst of batches', async () => {
      const random = new Prng(2026);
      load.start();
      await acknowledgedMore(100);
      await projectors.shift()!.end('SIGKILL');
      projectors.push(await region.start('record-projector'));
      for (let round = 0; round < 3; round += 1) {
        const joining = region.start('record-projector');
        const leaving = projectors.splice(Math.floor(random.fraction() * projectors.length), 1)[0]!;
        await acknowledgedMore(Math.floor(random.fraction() * 100));
        await Promise.all([leaving.end('SIGTERM'), joining.then((joined) => projectors.push(joined))]);
      }
      await acknowledgedMore(100);
      await load.stop();
      await expectNothingLost();
    }, 240_000);

    it('takes an event that its publisher sends twice for one, through the gateway or into the topic itself', async () => {
      const [told] = await load.publish('RX901', 1);
      await settled(region, bus);
      const again = await region.as(['publisher'], `${load.gateway.url}/events`, {
        method: 'POST',
        organisation: 'RX901',
        body: JSON.stringify(careEvent(told!)),
        headers: { 'content-type': 'application/cloudevents+json' },
      });
      expect(again.status).toBe(202);
      const { partition, offset } = (await again.json()) as { partition: number; offset: number };
      const [sent] = await bus.read(TRUST, partition, offset, 1);
      await bus.publish([{ topic: TRUST, key: sent!.key, value: sent!.value, headers: sent!.headers }]);
      const before = await quarantined();
      await expectNothingLost();
      expect(await quarantined()).toEqual(before);
    }, 120_000);

    it('puts poison and 2 MiB of a foreign producer in quarantine, and goes on behind them', async () => {
      const kafka = new kafkajs.Kafka({ brokers: broker.brokers, logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 2 } });
      const [admin, producer] = [kafka.admin(), kafka.producer()];
      await Promise.all([admin.connect(), producer.connect()]);
      const [subject] = load.people;
      const large = careEvent({ organisation: 'RX901', nhsNumber: subject!, id: randomUUID() }, 'x'.repeat(2 * 1_048_576));
      const headers = { 'content-type': 'application/cloudevents+json' };
      const send = (value: Buffer | null, more: object = {}) =>
        producer.send({ topic: TRUST, messages: [{ key: subject!, value, partition: 0, ...more }] });
      try {
        // As `weft topics` makes it, the topic takes nothing of that size.
        await expect(send(Buffer.from(JSON.stringify(large)), { headers })).rejects.toThrow(/larger than/);
        const limit = { name: 'max.message.bytes', value: String(4 * 1_048_576) };
        const topic = { type: kafkajs.ConfigResourceTypes.TOPIC, name: TRUST, configEntries: [limit] };
        await admin.alterConfigs({ validateOnly: false, resources: [topic] });
        await until('the broker takes it', () =>
          send(Buffer.from(JSON.stringify(large)), { headers }).then(
            () => true,
            () => false,
          ),
        );
        for (const value of [Buffer.from('{"not": "an event"'), Buffer.alloc(0), null, Buffer.from([0xff, 0xfe, 0x00])])
          await send(value);
        await send(Buffer.from('no key'), { key: null, headers: { ce_specversion: 'nonsense' } });
      } finally {
        await Promise.all([admin.disconnect(), producer.disconnect()]);
      }
      await load.more(40);
      await expectNothingLost();
      const messages = (await quarantined()).filter(({ from }) => from.topic === TRUST);
      expect(messages).toHaveLength(6);
      expect(messages.every(({ problems }) => problems.length > 0)).toBe(true);
      expect(Math.max(...messages.map(({ bytes }) => bytes))).toBeGreaterThan(2 * 1_048_576);
      expect(await region.weft('topics')).toMatchObject({ status: 1, stdout: expect.stringContaining('max.message.bytes') });
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
    }, 120_000);

    it('shares what waits with a projector that joins while a batch is being processed', async () => {
      await Promise.all(projectors.splice(0).map((projector) => projector.end('SIGTERM')));
      for (let n = 0; n < 8; n += 1) await load.publish('RX901', 500);
      const all = await waiting();
      expect(all).toBe(4000);
      projectors.push(await region.start('record-projector'));
      await until('some of it is dealt with', async () => (await waiting()) < all);
      projectors.push(await region.start('record-projector'));
      await expectNothingLost();
    }, 240_000);

    it('gives topics partitions only while nothing waits in them, and then loses nothing', async () => {
      await Promise.all(projectors.splice(0).map((projector) => projector.end('SIGTERM')));
      await load.publish('RX901');
      const refused = await region.weft('topics', '--apply', '--partitions', '9');
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('10 messages not dealt with yet') });
      expect(await bus.offsets(TRUST)).toHaveLength(6);
      projectors = [await region.start('record-projector'), await region.start('record-projector')];
      await settled(region, bus);
      // Status 1: the compacted topics stay as they are.
      const given = await region.weft('topics', '--apply', '--partitions', '9');
      expect(given).toMatchObject({ status: 1, stdout: expect.stringContaining('never be compacted away') });
      expect(await bus.offsets(TRUST)).toHaveLength(9);
      load.start();
      await until('the new partitions are written to', async () =>
        (await bus.offsets(TRUST)).slice(6).every(({ high }) => high > 0),
      );
      await load.stop();
      await expectNothingLost();
    }, 240_000);
  });
}
