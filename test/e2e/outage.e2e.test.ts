import { readFileSync } from 'node:fs';
import { openEngines } from '@weft/service';
import { careEventsTopic, type EventBus, RECORD_PROJECTOR_GROUP } from '@weft/processing';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { FakeServer } from '../../libs/eventstoredb/src/fake-server/fake-server.js';
import { expectAllRecorded, lag, settled } from './account.js';
import { Load } from './load.js';
import { Processes, type Running } from './processes.js';

const found = await brokerOrReason();
const AWAY_MS = 40_000;
const GROWTH_MAX_BYTES = 96 * 1_048_576;
/** Some 120 MB. */
const MEANWHILE = 2_400;
const PADDING = 'x'.repeat(50_000);

if ('reason' in found) {
  it.skip(`a region whose store is away: no broker, ${found.reason}`, () => {});
} else {
  const { broker } = found;

  describe(`a region on Apache Kafka (${broker.kind}) whose EventStoreDB (a fake server) is away for forty seconds`, () => {
    const store = new FakeServer();
    let region: Processes;
    let gateway: Running;
    let recordApi: Running;
    let projectors: Running[];
    let bus: EventBus;
    let close: () => Promise<void>;

    const readiness = async ({ url }: Running) => (await fetch(`${url}/readyz`)).status;
    const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
      const limit = Date.now() + 90_000;
      while (!(await condition())) {
        if (Date.now() > limit) throw new Error(`it did not come to pass that ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };

    beforeAll(async () => {
      await store.start();
      region = new Processes({ WEFT_KAFKA_BROKERS: broker.brokers.join(), WEFT_EVENTSTORE_URL: store.connectionString });
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
      gateway = await region.start('gateway');
      recordApi = await region.start('record-api');
      projectors = [await region.start('record-projector'), await region.start('opt-out-projector')];
      ({ bus, close } = await openEngines(region.settings));
    }, 120_000);

    afterAll(async () => {
      await close?.();
      await region?.close();
      store.kill();
      await broker.stop();
    }, 60_000);

    it('loses nothing, holds no more in memory than before, says that it is not ready, and catches up by itself', async () => {
      const load = new Load(region, gateway, PADDING);
      await load.more(400);
      await settled(region, bus);
      const before = projectors.map(residentBytes);

      store.kill();
      const back = Date.now() + AWAY_MS;
      await until('everybody says so', async () =>
        (await Promise.all([gateway, recordApi, ...projectors].map(readiness))).every((status) => status === 503),
      );
      let most = projectors.map(residentBytes);
      // What the gateway takes meanwhile is more than the projectors may hold.
      while (Date.now() < back) {
        if (load.acknowledged.length < MEANWHILE) await load.more(40);
        else await new Promise((resolve) => setTimeout(resolve, 250));
        most = projectors.map((projector, index) => Math.max(most[index]!, residentBytes(projector)));
      }
      expect(load.acknowledged.length).toBeGreaterThanOrEqual(MEANWHILE);
      expect(await lag(bus, RECORD_PROJECTOR_GROUP, careEventsTopic('RX901'))).toBeGreaterThan(0);

      await store.start();
      await until('everybody is ready again', async () =>
        (await Promise.all([gateway, recordApi, ...projectors].map(readiness))).every((status) => status === 200),
      );
      await settled(region, bus);
      const growth = most.map((bytes, index) => bytes - before[index]!);
      expect(growth.filter((bytes) => bytes > GROWTH_MAX_BYTES)).toEqual([]);
      await expectAllRecorded(region, recordApi, load.acknowledged);
    }, 300_000);
  });
}

/** What a process holds of the machine's memory, as Linux counts it; nothing where there is no such count. */
function residentBytes({ pid }: Running): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
