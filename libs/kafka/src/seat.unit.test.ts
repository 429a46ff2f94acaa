import type { Cluster } from 'kafkajs';
import { SeatTaken, TooLarge } from '@weft/processing';
import type { ClusterConnection, Connections, Surroundings } from './client.js';
import { takeSeat } from './seat.js';
import type { TopicDirectory } from './topic-directory.js';

const TOPIC = 'weft.record-changes.research';

const refusal = (type: string): Error => Object.assign(new Error(type), { type });

/** Brokers as one coordinator sees them: a transactional id with its epoch, and the transactions that are open. */
class Brokers {
  epoch = -1;
  open = false;
  ended: string[] = [];
  /** What a produce request is refused with. */
  refuses: string | null = null;
  /** Right behind an abort. */
  onAborted = (): void => undefined;

  readonly broker = {
    findGroupCoordinator: async () => ({ coordinator: { nodeId: 1 } }),
    metadata: async () => ({ topicMetadata: [{ topic: TOPIC, partitionMetadata: [{ partitionId: 0, leader: 1 }] }] }),
    initProducerId: async () => {
      this.epoch += 1;
      this.open = false;
      return { producerId: '7', producerEpoch: this.epoch };
    },
    addPartitionsToTxn: async ({ producerEpoch }: { producerEpoch: number }) => {
      this.refuseUnlessNewest(producerEpoch);
      this.open = true;
    },
    produce: async ({ producerEpoch }: { producerEpoch: number }) => {
      this.refuseUnlessNewest(producerEpoch);
      if (this.refuses !== null) throw refusal(this.refuses);
      return { topics: [{ topicName: TOPIC, partitions: [{ partition: 0, baseOffset: '40' }] }] };
    },
    endTxn: async ({ producerEpoch, transactionResult }: { producerEpoch: number; transactionResult: boolean }) => {
      this.refuseUnlessNewest(producerEpoch);
      this.open = false;
      this.ended.push(transactionResult ? 'commit' : 'abort');
      if (!transactionResult) this.onAborted();
    },
  };

  private refuseUnlessNewest(epoch: number): void {
    if (epoch !== this.epoch) throw refusal('INVALID_PRODUCER_EPOCH');
  }

  take() {
    const cluster = { getNodeIds: () => ['1'], findBroker: async () => this.broker } as unknown as Cluster;
    const connections = {
      use: (_: string, work: (connection: ClusterConnection) => unknown) => work({ cluster } as ClusterConnection),
    } as unknown as Connections<ClusterConnection>;
    const counts = new Map([[TOPIC, 1]]);
    const directory = { known: () => counts, find: async () => counts, forget: () => undefined } as unknown as TopicDirectory;
    const surroundings = { timers: { sleep: async () => undefined } } as unknown as Surroundings;
    return takeSeat('seat', { connections, directory, surroundings, settings: { deadlineMs: 1_000, sendMaxBytes: 1_000_000 } });
  }
}

const MESSAGE = { topic: TOPIC, key: 'key', value: Buffer.from('value'), headers: {} };

describe('a seat whose publish was refused', () => {
  it('ends its transaction, so that readers go on, and publishes under the next epoch', async () => {
    const brokers = new Brokers();
    const seat = await brokers.take();
    brokers.refuses = 'MESSAGE_TOO_LARGE';
    await expect(seat.publish([MESSAGE])).rejects.toThrow(TooLarge);
    await seat.idle();
    expect([brokers.open, brokers.ended]).toEqual([false, ['abort']]);
    brokers.refuses = null;
    expect(await seat.publish([MESSAGE])).toEqual([{ topic: TOPIC, partition: 0, offset: 40 }]);
    expect([brokers.epoch, brokers.open]).toEqual([1, false]);
  });

  it('raises no epoch that is another holder’s by then', async () => {
    const brokers = new Brokers();
    const seat = await brokers.take();
    brokers.refuses = 'MESSAGE_TOO_LARGE';
    let taking: ReturnType<Brokers['take']> | undefined;
    const taken = new Promise<void>((resolve) => {
      brokers.onAborted = () => {
        taking ??= brokers.take();
        void taking.then(() => resolve());
      };
    });
    await expect(seat.publish([MESSAGE])).rejects.toThrow(TooLarge);
    await Promise.all([seat.idle(), taken]);
    brokers.refuses = null;
    const holder = await taking!;
    expect(await holder.publish([MESSAGE])).toHaveLength(1);
    await expect(seat.publish([MESSAGE])).rejects.toThrow(SeatTaken);
    expect(await holder.publish([MESSAGE])).toHaveLength(1);
  });
});
