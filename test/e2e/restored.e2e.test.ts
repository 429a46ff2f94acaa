import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { consentOf } from '@weft/care-events';
import { provision } from '@weft/domain';
import { type EventBus, recordChangesTopic } from '@weft/processing';
import { openEngines } from '@weft/service';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { expectAllRecorded, settled } from './account.js';
import { Load } from './load.js';
import { type AppName, Processes, type Running } from './processes.js';

const found = await brokerOrReason();
const APPS: readonly AppName[] = ['gateway', 'record-api', 'record-projector', 'opt-out-projector'];
const DIRECT = recordChangesTopic('direct-care');
const FHIR = 'application/fhir+json';

if ('reason' in found) {
  it.skip(`a region whose store or topics are restored: no broker, ${found.reason}`, () => {});
} else {
  const { broker } = found;

  describe(`a region on Apache Kafka (${broker.kind}), each app as its own process, of which nobody sets anything back by hand`, () => {
    const backup = mkdtempSync(join(tmpdir(), 'weft-backup-'));
    const kafka = new kafkajs.Kafka({ brokers: broker.brokers, logLevel: kafkajs.logLevel.NOTHING });
    let region: Processes;
    let running = new Map<AppName, Running>();

    const start = async (...apps: readonly AppName[]): Promise<void> => {
      for (const app of apps) running.set(app, await region.start(app));
    };
    const stopAll = async (): Promise<void> => {
      await Promise.all([...running.values()].map((one) => one.end('SIGTERM')));
      running = new Map();
    };
    const urlOf = (app: AppName): string => running.get(app)!.url;
    const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
      const limit = Date.now() + 120_000;
      while (!(await condition())) {
        if (Date.now() > limit) throw new Error(`it did not come to pass that ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const read = async (nhsNumber: string): Promise<Response> =>
      region.as(['clinician'], `${urlOf('record-api')}/records/${nhsNumber}`);
    const status = async () =>
      (await (await region.as(['operations'], `${urlOf('record-api')}/status`)).json()) as {
        readonly published: boolean;
        readonly messagesLost: number;
        readonly epoch: number;
      };
    const isContent = async (): Promise<boolean> => {
      const { published, messagesLost } = await status();
      return published && messagesLost === 0;
    };
    async function withBus<T>(work: (bus: EventBus) => Promise<T>): Promise<T> {
      const { bus, close } = await openEngines(region.settings);
      return work(bus).finally(close);
    }
    /** Keys of entries that the topic says are shared. */
    const standing = (): Promise<ReadonlySet<string>> =>
      withBus(async (bus) => {
        const last = new Map<string, boolean>();
        for (const { partition, low, high } of await bus.offsets(DIRECT)) {
          for (let from = low; from < high;) {
            const messages = await bus.read(DIRECT, partition, from);
            for (const { key, value } of messages) last.set(key, value !== null);
            from = (messages.at(-1)?.offset ?? high) + 1;
          }
        }
        return new Set([...last].flatMap(([key, isShared]) => (isShared ? [key] : [])));
      });

    beforeAll(async () => {
      region = new Processes({ WEFT_KAFKA_BROKERS: broker.brokers.join() });
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
      await start(...APPS);
    }, 180_000);
    afterAll(async () => {
      await region?.close();
      rmSync(backup, { recursive: true, force: true });
      await broker.stop();
    }, 60_000);

    it('gives a store of an older backup what it lost, shows nobody anything before, and tells everything anew', async () => {
      const load = new Load(region, running.get('gateway')!);
      await load.more(40);
      await withBus((bus) => settled(region, bus));
      await stopAll();
      cpSync(region.directory, backup, { recursive: true });

      await start(...APPS);
      const [objector] = load.people as [string, ...string[]];
      const since = new Load(region, running.get('gateway')!);
      await since.more(40);
      const about = { subject: objector, consentId: 'objection', decidedBy: 'patient', status: 'active' } as const;
      const denial = consentOf({ ...about, authority: 'local-dissent', provision: provision('deny', ['direct-care']) });
      const headers = { 'content-type': FHIR, prefer: 'wait=60' };
      const body = JSON.stringify(denial);
      const decided = await region.as(['governance'], `${urlOf('gateway')}/consents`, { method: 'POST', body, headers });
      expect(decided.status).toBe(200);
      await withBus((bus) => settled(region, bus));
      await until('all is published', isContent);
      const shared = await standing();
      await stopAll();
      cpSync(backup, region.directory, { recursive: true });

      await start('record-api');
      const answer = await read(objector);
      expect([answer.status, ((await answer.json()) as { type: string }).type]).toEqual([503, 'urn:weft:problem:catching-up']);
      expect((await status()).messagesLost).toBeGreaterThan(0);
      await start('record-projector', 'opt-out-projector');
      await until('all is read again', async () => (await read(objector)).status !== 503);
      // Denied is what there is of them: so it is as if nothing were known.
      expect((await read(objector)).status).toBe(404);
      await until('all is told anew', isContent);
      expect((await status()).epoch).toBe(1);
      expect(await standing()).toEqual(shared);
      await expectAllRecorded(
        region,
        running.get('record-api')!,
        [...load.acknowledged, ...since.acknowledged].filter(({ nhsNumber }) => nhsNumber !== objector),
      );
    }, 400_000);

    it('publishes anew what topics lost that were made anew while it runs', async () => {
      const shared = await standing();
      const admin = kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [DIRECT] });
      await admin.disconnect();
      await until('the topic is gone', () => withBus(async (bus) => !(await bus.topics()).some(({ topic }) => topic === DIRECT)));
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
      await until('what is shared stands on the topic', async () => (await standing()).size === shared.size);
      expect(await standing()).toEqual(shared);
      await until('all is told anew', isContent);
      expect((await status()).epoch).toBe(1);
    }, 400_000);
  });
}
