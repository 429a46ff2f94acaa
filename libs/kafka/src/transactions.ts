import type { Broker, Cluster, Message as KafkaMessage } from 'kafkajs';
import { coordinatorOf, leadersOf, TRANSACTION } from './broker-calls.js';
import { protocolError } from './errors.js';

/**
 * The requests of which a transaction consists. kafkajs's own transactional producer is not used: after a request that failed in part it goes back
 * to sequence numbers that a broker may have seen already, and that broker drops the next messages as repeats; it cannot ask again for a commit
 * that was not answered; and it shows no epoch, so nobody could go on after a failure without taking the seat from whoever has it by then.
 */

/** Who a transactional producer is to the brokers: they refuse every epoch but the newest of a transactional id. */
export interface ProducerIdentity {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly epoch: number;
}

/** What one produce request carries to one partition. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly firstSequence: number;
  readonly messages: readonly KafkaMessage[];
}

/** What kafkajs's brokers can do besides what its types say. */
interface TransactionBroker extends Omit<Broker, 'produce'> {
  initProducerId(request: { transactionalId: string; transactionTimeout: number }): Promise<{
    producerId: string;
    producerEpoch: number;
  }>;
  addPartitionsToTxn(request: {
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
    topics: { topic: string; partitions: number[] }[];
  }): Promise<unknown>;
  endTxn(request: {
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
    transactionResult: boolean;
  }): Promise<unknown>;
  produce(request: {
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
    topicData: { topic: string; partitions: Omit<PartitionBatch, 'topic'>[] }[];
  }): Promise<{ topics: { topicName: string; partitions: { partition: number; baseOffset: string }[] }[] }>;
}

/** The newest epoch is somebody else's, or the brokers have ended this one: in the versions that kafkajs speaks these are all its names. */
export function isFencedProducer(error: unknown): boolean {
  const type = protocolError(error);
  return type === 'INVALID_PRODUCER_EPOCH' || type === 'INVALID_PRODUCER_ID_MAPPING';
}

/** One connection's requests of a transactional id. It remembers the coordinator and the leaders: after a failure there is another. */
export class TransactionCalls {
  #coordinator: Promise<TransactionBroker> | undefined;
  readonly #leaders = new Map<string, Promise<Map<number, string>>>();

  constructor(
    readonly cluster: Cluster,
    private readonly transactionalId: string,
  ) {}

  /** Raises the epoch, which ends all that was under way under an earlier one; CONCURRENT_TRANSACTIONS until it has ended. */
  async initProducer(transactionTimeout: number): Promise<ProducerIdentity> {
    const { transactionalId } = this;
    const { producerId, producerEpoch } = await (
      await this.#coordinating()
    ).initProducerId({ transactionalId, transactionTimeout });
    return { transactionalId, producerId, epoch: producerEpoch };
  }

  async addPartitions(identity: ProducerIdentity, partitions: ReadonlyMap<string, ReadonlySet<number>>): Promise<void> {
    const coordinator = await this.#coordinating();
    const topics = [...partitions].map(([topic, some]) => ({ topic, partitions: [...some] }));
    const add = (of: typeof topics) => coordinator.addPartitionsToTxn({ ...named(identity), topics: of });
    try {
      await add(topics);
    } catch (error) {
      // One of the topics was refused, and kafkajs names the first answer, which may be of one beside it.
      if (protocolError(error) !== 'OPERATION_NOT_ATTEMPTED') throw error;
      for (const topic of topics) await add([topic]);
    }
  }

  /** Gives the first offset of each batch, by `topic/partition`. */
  async produce(identity: ProducerIdentity, batches: readonly PartitionBatch[]): Promise<Map<string, number>> {
    const byLeader = new Map<string, PartitionBatch[]>();
    for (const batch of batches) {
      const leader = await this.#leaderOf(batch);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
    }
    const answers = [...byLeader].map(async ([nodeId, some]) => {
      const broker = (await this.cluster.findBroker({ nodeId })) as unknown as TransactionBroker;
      return broker.produce({ ...named(identity), topicData: byTopic(some) });
    });
    const offsets = new Map<string, number>();
    for (const { topics } of await Promise.all(answers)) {
      for (const { topicName, partitions } of topics) {
        for (const { partition, baseOffset } of partitions) offsets.set(`${topicName}/${partition}`, Number(baseOffset));
      }
    }
    return offsets;
  }

  /**
   * The coordinator answers once the outcome is decided, and writes it into the partitions afterwards: until then the same request is
   * answered CONCURRENT_TRANSACTIONS, and from then on as the first was.
   */
  async end(identity: ProducerIdentity, outcome: 'commit' | 'abort'): Promise<void> {
    await (await this.#coordinating()).endTxn({ ...named(identity), transactionResult: outcome === 'commit' });
  }

  #coordinating(): Promise<TransactionBroker> {
    this.#coordinator ??= coordinatorOf(
      this.cluster,
      this.transactionalId,
      TRANSACTION,
    ) as Promise<unknown> as Promise<TransactionBroker>;
    return this.#coordinator;
  }

  async #leaderOf({ topic, partition }: PartitionBatch): Promise<string> {
    const leaders = this.#leaders.get(topic) ?? leadersOf(this.cluster, topic);
    this.#leaders.set(topic, leaders);
    const leader = (await leaders).get(partition);
    if (leader !== undefined) return leader;
    this.#leaders.delete(topic);
    throw new Error(`partition ${partition} of topic ${topic} has no leader`);
  }
}

const named = ({ transactionalId, producerId, epoch }: ProducerIdentity) => ({
  transactionalId,
  producerId,
  producerEpoch: epoch,
});

function byTopic(batches: readonly PartitionBatch[]) {
  const topics = new Map<string, Omit<PartitionBatch, 'topic'>[]>();
  for (const { topic, ...batch } of batches) topics.set(topic, [...(topics.get(topic) ?? []), batch]);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
