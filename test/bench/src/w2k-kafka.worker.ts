import { Kafka, logLevel, type Producer } from 'kafkajs';
import { careEvent, patientNumbers } from './care-events.js';
import { Flow, type Pace } from './flow.js';
import { candidates, type Found } from './rounds.js';

interface Parameters extends Pace {
  readonly brokers: string;
  readonly patients: number;
}

interface Outgoing {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: { readonly id: string };
}

const PARTITIONS = 16;

/** As many partitions as Weft's four topics of four, one producer, one consumer, nothing else. */
async function plain(parameters: Parameters): Promise<Found> {
  const { brokers, events, patients } = parameters;
  const kafka = new Kafka({ clientId: 'bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const topic = `bench.plain-${Date.now()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  const flow = new Flow(parameters);
  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => flow.readable(batch.messages.map(({ headers }) => Number(headers?.['id']?.toString()))),
  });
  await joined;
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const numbers = patientNumbers(patients);
  const all = Array.from({ length: events }, (_, index): Outgoing => {
    const { subject, resource } = careEvent(index, numbers[(index * 7_919) % patients] as string);
    return { key: subject, value: Buffer.from(JSON.stringify(resource)), headers: { id: String(index) } };
  });
  const send = gathering(producer, topic);
  const found = await flow.run((first, last) => send(all.slice(first, last)));
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  return found;
}

/** While one send is under way, whoever comes waits for the next, and goes with all others who wait. */
function gathering(producer: Producer, topic: string): (messages: readonly Outgoing[]) => Promise<void> {
  let under: Promise<unknown> = Promise.resolve();
  let next: { readonly messages: Outgoing[]; readonly sent: Promise<void> } | null = null;
  return (messages) => {
    if (next === null) {
      const gathered: Outgoing[] = [];
      const sent = under.then(async () => {
        next = null;
        await producer.send({ topic, acks: -1, messages: gathered });
      });
      under = sent.catch(() => undefined);
      next = { messages: gathered, sent };
    }
    next.messages.push(...messages);
    return next.sent;
  };
}

await candidates<Parameters>({ plain });
