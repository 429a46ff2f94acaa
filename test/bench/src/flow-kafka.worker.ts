import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { CLOUD_EVENT_JSON, readCloudEvent } from '@weft/care-events';
import { Intake, Judging } from '@weft/gateway';
import { AuditLog } from '@weft/service';
import kafkajs from 'kafkajs';
import { type BenchEvent, careEvent, patientNumbers } from './care-events.js';
import { type Said, startProjecting } from './projecting.js';
import { Paced } from './paced.js';
import { openRegion, type Region, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
  readonly brokers: string;
  readonly patients: number;
  /** Events a second, for so long. */
  readonly rate: number;
  readonly seconds: number;
  /** Then faster and faster, for so long each; plain kafkajs: as fast as it goes for so long. */
  readonly stepSeconds: number;
}

const PROJECTOR = new URL('./flow-projector.worker.js', import.meta.url);
/** As many as Weft's topics have together. */
const PARTITIONS = 16;
const WARM_UP_SECONDS = 5;
const STEP = 1.25;
/** A lower rate is not looked for. */
const LEAST_RATE = 50;
const HELD_MS = 1_000;
const PLAIN_BATCH = 500;

function eventsOf(patients: number): (index: number) => BenchEvent {
  const numbers = patientNumbers(patients);
  // A step that shares no factor with the number of patients: neighbours in time are different people.
  return (index) => careEvent(index, numbers[(index * 7_919) % patients] as string);
}

/** Gateway and record-projector in one process, as `weft up` runs them. */
async function together(parameters: Parameters): Promise<Found> {
  const region = await openRegion(parameters.directory, { WEFT_KAFKA_BROKERS: parameters.brokers });
  const paced = new Paced();
  let failures = 0;
  const projector = await startProjecting(region, {
    onReadable: (indices) => paced.readable(indices),
    onFailure: () => (failures += 1),
  });
  const found = await throughGateway(region, paced, parameters);
  await projector.stop();
  await region.close();
  return { ...found, failures };
}

/** Gateway and record-projector each in a process of its own, as infra/docker runs them. */
async function apart(parameters: Parameters): Promise<Found> {
  const region = await openRegion(parameters.directory, { WEFT_KAFKA_BROKERS: parameters.brokers });
  const paced = new Paced();
  let failures = 0;
  const projector = fork(PROJECTOR, [parameters.directory, parameters.brokers]);
  const ended = new Promise<void>((resolve) => projector.once('exit', () => resolve()));
  void ended.then(() => paced.fail(new Error('the record-projector ended')));
  const started = new Promise<void>((resolve, reject) => {
    void ended.then(() => reject(new Error('the record-projector did not start')));
    projector.on('message', (said: Said) => {
      if (said.what === 'started') resolve();
      else if (said.what === 'failed') failures += 1;
      else paced.readable(said.indices, said.since);
    });
  });
  await started;
  const found = await throughGateway(region, paced, parameters);
  projector.disconnect();
  await ended;
  await region.close();
  return { ...found, failures };
}

/** Publishes through the gateway's code, FHIR validation included: at the rate, then at the highest that holds. */
async function throughGateway(
  region: Region,
  paced: Paced,
  { patients, rate, seconds, stepSeconds }: Parameters,
): Promise<Found> {
  const intake = new Intake(region.service, region.wiring, new AuditLog(region.service), new Judging(region.service));
  const eventOf = eventsOf(patients);
  const publish = async (indices: readonly number[]): Promise<void> => {
    await Promise.all(
      indices.map(async (index) => {
        const { id, source, ods, subject, time, resource } = eventOf(index);
        const attributes = { specversion: '1.0', type: 'care-event-recorded-1', datacontenttype: 'application/fhir+json' };
        const body = Buffer.from(JSON.stringify({ ...attributes, id, source, subject, time, data: resource }));
        const received = readCloudEvent({ headers: { 'content-type': CLOUD_EVENT_JSON }, body, mode: 'http' });
        const rules = intake.rulesFor({ subject: 'bench', roles: ['publisher'], organisation: ods });
        const [outcome] = await intake.take([received], rules);
        if (outcome?.ok !== true) throw new Error('the gateway refused an event of the bench');
        paced.acknowledged(index);
      }),
    );
  };
  await paced.run(publish, rate, WARM_UP_SECONDS);
  const sustained = await paced.run(publish, rate, seconds);
  const holds = async (asked: number): Promise<boolean> => {
    const { p99, behindMs } = await paced.run(publish, asked, stepSeconds);
    return p99! < HELD_MS && behindMs! < HELD_MS;
  };
  let highest = rate;
  if (sustained.p99! < HELD_MS) while (await holds(highest * STEP)) highest *= STEP;
  else
    do highest /= STEP;
    while (highest > LEAST_RATE && !(await holds(highest)));
  return { ...sustained, highest: highest > LEAST_RATE ? highest : 0 };
}

/** What anybody would write with kafkajs: the same bytes, produced, consumed and committed, and nothing done with them. */
async function plain({ directory, brokers, patients, rate, seconds, stepSeconds }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const [messageOf, eventOf] = [sealedMessage(region), eventsOf(patients)];
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR });
  const topic = `plain.${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer({
    ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false },
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  const consumer = kafka.consumer({ groupId: topic });
  const paced = new Paced();
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) =>
      paced.readable(batch.messages.map(({ headers }) => Number(String(headers?.['ce_id']).slice(2)))),
  });
  const publish = async (indices: readonly number[]): Promise<void> => {
    const messages = indices.map((index) => {
      const { key, value, headers } = messageOf(eventOf(index));
      return { key, value: value === null ? null : Buffer.from(value), headers: { ...headers } };
    });
    await producer.send({ topic, acks: -1, messages });
    for (const index of indices) paced.acknowledged(index);
  };
  await paced.run(publish, rate, WARM_UP_SECONDS);
  const sustained = await paced.run(publish, rate, seconds);
  const highest = await paced.flatOut(publish, PLAIN_BATCH, stepSeconds);
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
  await region.close();
  return { ...sustained, highest };
}

await candidates<Parameters>({ apart, together, plain });
