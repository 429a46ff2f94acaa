import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptEvent, consentOf, readCloudEvent, toMessage } from '@weft/care-events';
import { openKafkaBus, type Principal, subscriberGroupPrefix } from '@weft/kafka';
import { careEventsTopic, CONSENT_TOPIC, type EventBus, QUARANTINE_TOPIC, recordChangesTopic } from '@weft/processing';
import { PURPOSES, provision } from '@weft/domain';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { expectAllRecorded, settled } from './account.js';
import { careEvent, Load, type Told } from './load.js';
import { type AppName, Processes, type Running } from './processes.js';

const APPS = ['gateway', 'record-projector', 'opt-out-projector', 'record-api'] as const satisfies readonly AppName[];
const ORGANISATIONS = ['Y90001', 'RX901', 'RX902', 'RX903'];
const principals: Principal[] = [
  ...APPS.map((role) => ({ user: `weft-${role}`, role })),
  ...ORGANISATIONS.map((ods) => ({ user: ods, role: 'organisation', ods }) as const),
  { user: 'registry', role: 'subscriber', purposes: ['population-health'] },
  { user: 'ops', role: 'operations' },
];
const users = [...principals.map(({ user }) => user), 'nobody'];
const found = await brokerOrReason({ sasl: true, users });

/** Whatever is in neither list is refused. */
const inbound = [...ORGANISATIONS.map(careEventsTopic), CONSENT_TOPIC];
const changes = PURPOSES.map(recordChangesTopic);
const topics = [...inbound, ...changes, QUARANTINE_TOPIC];
const writes: Record<string, readonly string[]> = {
  'weft-gateway': inbound,
  'weft-record-projector': [QUARANTINE_TOPIC],
  'weft-opt-out-projector': [...changes, QUARANTINE_TOPIC],
  'weft-record-api': [...inbound, QUARANTINE_TOPIC],
  ...Object.fromEntries(ORGANISATIONS.map((ods) => [ods, [careEventsTopic(ods)]])),
  ops: topics,
};
const reads: Record<string, readonly string[]> = {
  'weft-gateway': [CONSENT_TOPIC],
  'weft-record-projector': inbound,
  'weft-opt-out-projector': [CONSENT_TOPIC, QUARANTINE_TOPIC, ...changes],
  'weft-record-api': [...inbound, QUARANTINE_TOPIC],
  registry: [recordChangesTopic('population-health')],
  ops: topics,
};

if ('reason' in found) {
  it.skip(`a region whose every organisation is a user of the broker: no broker, ${found.reason}`, () => {});
} else {
  const { broker } = found;
  const as = (username: string) => ({
    WEFT_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    WEFT_KAFKA_SASL_USERNAME: username,
    WEFT_KAFKA_SASL_PASSWORD: broker.users![username]!,
  });

  describe('a region whose every organisation and app is a user of the broker, with no more rights than it needs', () => {
    let region: Processes;
    let load: Load;
    let gateway: Running;
    let recordApi: Running;
    const buses = new Map<string, EventBus>();
    const busOf = async (username: string): Promise<EventBus> => {
      const sasl = { mechanism: 'scram-sha-512', username, password: broker.users![username]! } as const;
      const bus = buses.get(username) ?? (await openKafkaBus({ brokers: broker.brokers, sasl }));
      buses.set(username, bus);
      return bus;
    };

    beforeAll(async () => {
      region = new Processes({ WEFT_KAFKA_BROKERS: broker.brokers.join(), ...as('admin') });
    });
    afterAll(async () => {
      await Promise.all([...buses.values()].map((bus) => bus.close()));
      await region?.close();
      await broker.stop();
    }, 60_000);

    it('is made by weft topics, which shows first what it will do, and then finds nothing left to do', async () => {
      const file = join(region.directory, 'users.json');
      writeFileSync(file, JSON.stringify(principals));
      const shown = await region.weft('topics', '--users', file, '--min-insync', '1', '--retention', '90d');
      expect(shown.status).toBe(1);
      expect(shown.stdout).toMatch(/weft\.care-events\.RX901 +6 +missing/);
      expect(shown.stdout).toMatch(/User:RX901 +write topic weft\.care-events\.RX901 +missing/);
      expect(JSON.parse((await region.weft('topics', '--json')).stdout)).toMatchObject({ same: [], access: 'not looked at' });
      const applied = await region.weft(
        'topics',
        '--apply',
        '--users',
        file,
        '--min-insync',
        '1',
        '--retention',
        '90d',
        '--replication',
        '1',
      );
      expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('permitted') });
      const again = await region.weft('topics', '--users', file, '--min-insync', '1', '--retention', '90d', '--replication', '1');
      expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') });
    }, 60_000);

    it('says who is not wanted, and takes rights away only when it is told', async () => {
      const file = join(region.directory, 'fewer.json');
      writeFileSync(
        file,
        JSON.stringify([...principals.filter(({ user }) => user !== 'ops'), { user: 'nobody', role: 'operations' }]),
      );
      expect(await region.weft('topics', '--users', file)).toMatchObject({
        status: 1,
        stdout: expect.stringMatching(/User:ops .*surplus/),
      });
      const kept = await region.weft('topics', '--users', file, '--apply', '--retention', '90d');
      expect(kept).toMatchObject({ status: 1, stdout: expect.stringContaining('surplus') });
      writeFileSync(file, JSON.stringify(principals));
      const removed = await region.weft('topics', '--users', file, '--apply', '--remove-surplus', '--retention', '90d');
      expect(removed).toMatchObject({ status: 0, stdout: expect.stringMatching(/User:nobody .*taken away/) });
      expect(await region.weft('topics', '--users', join(region.directory, 'none.json'))).toMatchObject({ status: 2 });
    }, 60_000);

    it('publishes, decides, reads, subscribes and verifies', async () => {
      gateway = await region.start('gateway', as('weft-gateway'));
      recordApi = await region.start('record-api', as('weft-record-api'));
      for (const app of ['record-projector', 'record-projector', 'opt-out-projector'] as const)
        await region.start(app, as(`weft-${app}`));
      load = new Load(region, gateway);
      await load.more(200);
      const own = await publishedByItself('RX901', { organisation: 'RX901', nhsNumber: load.people[0]!, id: randomUUID() });
      await settled(region, await busOf('ops'));
      await expectAllRecorded(region, recordApi, [...load.acknowledged, own]);

      const got: string[] = [];
      const subscriber = await (
        await busOf('registry')
      ).consume({
        group: `${subscriberGroupPrefix('registry')}copy`,
        topics: [recordChangesTopic('population-health')],
        onBatch: async ({ messages }) => void got.push(...messages.map(({ key }) => key)),
      });
      const consent = consentOf({
        ...{ subject: load.people[1]!, consentId: randomUUID(), decidedAt: new Date().toISOString(), decidedBy: 'patient' },
        ...{ authority: 'local-dissent', status: 'active' },
        provision: provision('deny', ['research']),
      });
      const headers = { 'content-type': 'application/fhir+json', prefer: 'wait=60' };
      const decided = await region.as(['governance'], `${gateway.url}/consents`, {
        method: 'POST',
        body: JSON.stringify(consent),
        headers,
      });
      expect(decided.status).toBe(200);
      const { entries } = (await (
        await region.as(['governance'], `${recordApi.url}/records/${load.people[1]!}?purpose=research`)
      ).json()) as { entries: unknown[] };
      expect(entries).toEqual([]);
      while (got.length < load.acknowledged.length) await new Promise((resolve) => setTimeout(resolve, 50));
      await subscriber.stop();
    }, 180_000);

    it('shows operations how it stands, and mends what a publisher sent wrongly', async () => {
      const told = { organisation: 'RX902', nhsNumber: load.people[2]!, id: randomUUID() };
      const broken = { topic: careEventsTopic('RX902'), key: told.nhsNumber, value: Buffer.from('{'), headers: {} };
      await (await busOf('RX902')).publish([broken]);
      await settled(region, await busOf('ops'));
      const status = await region.as(['operations'], `${recordApi.url}/status`);
      expect(status.status).toBe(200);
      const listed = await region.as(['operations'], `${recordApi.url}/quarantine`);
      const [standing] = (await listed.json()) as { id: string }[];
      const post = (subject: string, act: string, body: object) =>
        region.as(['governance'], `${recordApi.url}/quarantine/${standing!.id}/${act}`, {
          ...{ subject, method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
        });
      const headers = { 'content-type': 'application/cloudevents+json' };
      const mend = { headers, text: JSON.stringify(careEvent(told)), reason: 'it was cut off' };
      const { digest } = (await (await post('anna', 'mend', mend)).json()) as { digest: string };
      const approved = await post('bert', 'approve', { digest });
      expect([approved.status, await approved.json()]).toEqual([
        200,
        expect.objectContaining({ topic: careEventsTopic('RX902') }),
      ]);
      await settled(region, await busOf('ops'));
      expect(await (await region.as(['operations'], `${recordApi.url}/quarantine`)).json()).toEqual([]);
    }, 120_000);

    it('lets every user read and write what it needs, and refuses everything else', async () => {
      const ops = await busOf('ops');
      await ops.publish(topics.map((topic) => ({ topic, key: 'k', value: null, headers: {} })));
      const holding = new Map(await Promise.all(topics.map(async (topic) => [topic, await somewhereIn(ops, topic)] as const)));
      for (const user of users) {
        const bus = await busOf(user);
        const may = async (work: (topic: string) => Promise<unknown>) => {
          const allowed = await Promise.all(
            topics.map(async (topic) => ((await outcome(work(topic))) === 'done' ? [topic] : [])),
          );
          return allowed.flat();
        };
        const written = await may((topic) => bus.publish([{ topic, key: 'k', value: null, headers: {} }]));
        const read = await may((topic) => bus.read(topic, holding.get(topic)!.partition, holding.get(topic)!.low, 1));
        expect({ user, written, read }).toEqual({
          user,
          written: topics.filter((topic) => writes[user]?.includes(topic)),
          read: topics.filter((topic) => reads[user]?.includes(topic)),
        });
      }
    }, 180_000);

    /** An event that an organisation writes into its own topic, without the gateway. */
    async function publishedByItself(organisation: string, told: Told): Promise<Told> {
      const received = readCloudEvent({
        mode: 'http',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: Buffer.from(JSON.stringify(careEvent(told))),
      });
      if (!received.ok) throw new Error('the event cannot be read');
      const rules = {
        organisations: new Map(region.settings.organisations.map((one) => [one.ods, one])),
        now: Date.now(),
        sender: organisation,
      };
      const accepted = acceptEvent(received.event, rules);
      if (!accepted.ok) throw new Error('the event is not accepted');
      await (await busOf(organisation)).publish([toMessage(accepted.event)]);
      return told;
    }
  });
}

async function somewhereIn(bus: EventBus, topic: string): Promise<{ readonly partition: number; readonly low: number }> {
  return (await bus.offsets(topic)).find(({ low, high }) => high > low)!;
}

/** `done`, or the name of the error. */
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: Error) => error.name,
  );
