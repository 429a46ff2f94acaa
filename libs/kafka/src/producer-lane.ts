import kafkajs, { type Producer } from 'kafkajs';
import { createKafka, type KafkaConnection, METADATA_AGE_MS, RETRY } from './client.js';

const PAUSE_MAX_MS = 500;
const { KafkaJSNonRetriableError } = kafkajs;

/**
 * One kafkajs producer, from its connection to its end. Retries are never the first to give up: there are enough of them for
 * twice the callers' deadline, and no more, since kafkajs goes on by itself with a request that nobody waits for.
 */
export class ProducerLane {
  readonly connected: Promise<Producer>;
  #retired = false;

  constructor(connection: KafkaConnection, deadlineMs: number) {
    const retry = { ...RETRY, maxRetryTime: PAUSE_MAX_MS, retries: 10 + Math.ceil((2 * deadlineMs) / PAUSE_MAX_MS) };
    // The client has to retry as often as the producer: what its inner loop gives up, the outer one takes for final.
    const producer = createKafka(connection, retry).producer({
      idempotent: true,
      // With more in flight a lost one lets those behind it overtake it.
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_AGE_MS,
      retry,
      createPartitioner:
        () =>
        ({ message }) =>
          this.#given(message.partition),
    });
    this.connected = producer.connect().then(() => producer);
    this.connected.catch(() => {});
  }

  /** The end: what it was still retrying is not written later, behind the callers' backs. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.connected.then((producer) => producer.disconnect()).catch(() => {});
  }

  /** kafkajs asks again at every attempt: the partition stays the one that was chosen, and a retired producer stops. */
  #given(partition: number | undefined): number {
    if (this.#retired) throw new KafkaJSNonRetriableError('the producer is retired');
    return partition!;
  }
}
