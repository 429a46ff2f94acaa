import { randomUUID } from 'node:crypto';
import { CLOUD_EVENT_JSON, readCloudEvent } from '@weft/care-events';
import { Intake } from '@weft/gateway';
import { careEventsTopic, regionTopics, startRecordProjector } from '@weft/processing';
import kafkajs from 'kafkajs';
import { type BenchEvent, careEvent, ORGANISATIONS, patientNumbers } from './care-events.js';
import { Paced } from './paced.js';
import { openRegion, sealedMessage } from './region.js';
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

const PARTITIONS = 6;
const WARM_UP_SECONDS = 5;
const STEP = 1.25;
const HELD_P99_MS = 1_000;
const PLAIN_BATCH = 500;

function eventsOf(patients: number): (index: number) => BenchEvent {
  const numbers = patientNumbers(patients);
  // A step that shares no factor with the number of patients: neighbours in time are different people.
  return (index) => careEvent(index, numbers[(index * 7_919) % patients] as string);
}

/** The gateway's code, FHIR validation included, and the record-projector, in one process on Kafka and the embedded store. */
async function weft({ directory, brokers, patients, rate, seconds, stepSeconds }: Parameters): Promise<Found> {
  const region = await openRegion(directory, { WEFT_KAFKA_BROKERS: brokers });
  await region.service.bus.createTopics(regionTopics(region.service.settings.organisations, PARTITIONS));
  const paced = new Paced();
  let failures = 0;
  const projector = await startRecordProjector(region.wiring, ORGANISATIONS.map(careEventsTopic), {
    onBatch: ({ messages }) => paced.readable(messages.map(({ headers }) => Number(headers['ce_id']?.slice(2)))),
    // It comes again by itself, and shows in the times.
    onFailure: () => void (failures += 1),
  });
  const intake = new Intake(region.service);
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
  let highest = sustained.p99! < HELD_P99_MS ? rate : 0;
  for (let next = rate * STEP; highest > 0; next *= STEP) {
    const { p99, behindMs } = await paced.run(publish, next, stepSeconds);
    if (!(p99! < HELD_P99_MS && behindMs! < HELD_P99_MS)) break;
    highest = next;
  }
  await projector.stop();
  await region.close();
  return { ...sustained, highest, failures };
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

await candidates<Parameters>({ weft, plain });
