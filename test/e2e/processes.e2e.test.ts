import { provision } from '@weft/domain';
import { randomUUID } from 'node:crypto';
import { consentOf } from '@weft/care-events';
import { openEngines } from '@weft/service';
import { CONSENT_TOPIC, careEventsTopic, OPT_OUT_PROJECTOR_GROUP, RECORD_PROJECTOR_GROUP } from '@weft/processing';
import { eventStoreOrReason } from '../../infra/eventstoredb/server.mjs';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { FakeServer } from '../../libs/eventstoredb/src/fake-server/fake-server.js';
import { Processes, type Running } from './processes.js';
import { samples, type Sample } from './region.js';

const SAMPLES = samples().filter(({ nhsNumber }) => /[0257]$/.test(nhsNumber));
// Jest runs no afterAll where every test is skipped: without samples nothing is started.
const wanted = SAMPLES.length > 0;
const found = wanted ? await brokerOrReason() : { reason: 'no sample Bundles' };
const fake = new FakeServer();
const { server: store } = wanted ? await eventStoreOrReason() : {};
if (wanted && store === undefined) await fake.start();
const kafka = 'broker' in found ? { WEFT_KAFKA_BROKERS: found.broker.brokers.join() } : undefined;
const kafkaName = 'broker' in found ? `Apache Kafka (${found.broker.kind})` : '';
const storeUrl = store?.connectionString ?? fake.connectionString;
const ENGINES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['the embedded engines', {}],
  ...(kafka === undefined
    ? []
    : ([
        [`${kafkaName} and the embedded store`, kafka],
        [`${kafkaName} and EventStoreDB (${store?.kind ?? 'a fake server'})`, { ...kafka, WEFT_EVENTSTORE_URL: storeUrl }],
      ] as const)),
];

afterAll(async () => {
  if ('broker' in found) await found.broker.stop();
  if (store === undefined) fake.kill();
  else await store.stop();
});

if ('reason' in found) it.skip(`each app as its own process on Apache Kafka: no broker, ${found.reason}`, () => {});

const withSamples = wanted ? describe : describe.skip;

withSamples.each(ENGINES)('each app as its own process, on %s', (name, engines) => {
  let region: Processes;
  let gateway: Running;
  let recordApi: Running;
  let projectors: Running[];

  beforeAll(async () => {
    region = new Processes(engines);
    if ('WEFT_KAFKA_BROKERS' in engines) expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
    gateway = await region.start('gateway');
    recordApi = await region.start('record-api');
    projectors = [await region.start('record-projector'), await region.start('record-projector')];
    await region.start('opt-out-projector');
  }, 120_000);
  afterAll(() => region.close(), 60_000);

  async function publish({ organisation, text }: Sample): Promise<void> {
    const headers = { 'content-type': 'application/fhir+json' };
    const response = await region.as(['publisher'], `${gateway.url}/fhir`, { method: 'POST', organisation, body: text, headers });
    expect(response.status).toBe(200);
  }

  async function settled(): Promise<void> {
    const { bus, close } = await openEngines(region.settings);
    const groups = [
      ...region.settings.organisations.map(({ ods }) => [RECORD_PROJECTOR_GROUP, careEventsTopic(ods)] as const),
      [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC] as const,
    ];
    for (const [group, topic] of groups) {
      for (;;) {
        const [ends, committed] = await Promise.all([bus.offsets(topic), bus.committed(group, topic)]);
        const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
        if (ends.every(({ partition, low, high }) => high === low || (offsets.get(partition) ?? -1) >= high)) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    await close();
  }

  const direct = async (nhsNumber: string, purpose: string) =>
    (await region.as(['governance'], `${recordApi.url}/records/${nhsNumber}?purpose=${purpose}`)).json() as Promise<{
      entries: unknown[];
    }>;

  it('loses nothing though projectors are killed with -9 and come and go while organisations publish', async () => {
    const third = Math.ceil(SAMPLES.length / 3);
    for (const sample of SAMPLES.slice(0, third)) await publish(sample);
    await projectors[0]?.end('SIGKILL');
    for (const sample of SAMPLES.slice(third, 2 * third)) await publish(sample);
    const joining = region.start('record-projector');
    await projectors[1]?.end('SIGTERM');
    for (const sample of SAMPLES.slice(2 * third)) await publish(sample);
    await joining;
    await settled();
    const verified = await region.weft('verify', '--json');
    expect(verified).toMatchObject({ status: 0 });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      records: new Set(SAMPLES.map(({ nhsNumber }) => nhsNumber)).size,
      differing: [],
    });
    for (const [nhsNumber, ids] of expected()) expect((await direct(nhsNumber, 'direct-care')).entries).toHaveLength(ids.size);
  }, 240_000);

  it('answers a decision once the other processes obey it', async () => {
    // A region that is new to a topic reads the decisions that are there: each of these decides about somebody else.
    const nhsNumber = [...expected().keys()][ENGINES.findIndex(([one]) => one === name)] as string;
    expect((await direct(nhsNumber, 'research')).entries).not.toEqual([]);
    const about = { subject: nhsNumber, consentId: randomUUID(), decidedAt: new Date().toISOString() };
    const decision = { authority: 'local-dissent', status: 'active', decidedBy: 'patient' } as const;
    const consent = consentOf({ ...about, ...decision, provision: provision('deny', ['research']) });
    const headers = { 'content-type': 'application/fhir+json', prefer: 'wait=60' };
    const response = await region.as(['governance'], `${gateway.url}/consents`, {
      method: 'POST',
      body: JSON.stringify(consent),
      headers,
    });
    expect(response.status).toBe(200);
    expect((await direct(nhsNumber, 'research')).entries).toEqual([]);
    expect((await region.weft('verify')).status).toBe(0);
  }, 120_000);
});

/** Of each person the ids of all their entries. */
function expected(): Map<string, Set<string>> {
  const entries = new Map<string, Set<string>>();
  for (const { organisation, nhsNumber, text } of SAMPLES) {
    const ids = entries.get(nhsNumber) ?? new Set();
    entries.set(nhsNumber, ids);
    for (const { resource } of JSON.parse(text).entry) ids.add(`${organisation}/${resource.resourceType}/${resource.id}`);
  }
  return entries;
}
