import type { Cluster, Message as KafkaMessage } from 'kafkajs';
import type { Coordinates } from '@weft/domain';
import { EngineError, EngineUnavailable, type OutgoingMessage, type Seat, SeatTaken, TooLarge } from '@weft/processing';
import type { ClusterConnection, Connections, Surroundings } from './client.js';
import { engineError, protocolError } from './errors.js';
import { sizeOf, toKafka, tooLargeFor } from './messages.js';
import { BATCH_MAX_BYTES, partitionOf } from './publisher.js';
import type { TopicDirectory } from './topic-directory.js';
import { isFencedProducer, type ProducerIdentity, TransactionCalls } from './transactions.js';

interface SeatSettings {
  /** After so long a caller is told EngineUnavailable. */
  readonly deadlineMs: number;
  readonly sendMaxBytes: number;
}

interface SeatParts {
  readonly connections: Connections<ClusterConnection>;
  readonly directory: TopicDirectory;
  readonly surroundings: Surroundings;
  readonly settings: SeatSettings;
}

/** How soon it is asked again whether a transaction is completed. */
const PAUSE_MS = 5;
/** So many deadlines of a call until the coordinator aborts a transaction by itself: until then readers wait for it. */
const TIMEOUT_DEADLINES = 4;
/** Sequence numbers begin again at 0 behind the largest number of 31 bits. */
const SEQUENCES = 2 ** 31;

interface Item {
  readonly index: number;
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
  readonly message: KafkaMessage;
}

/** What is under way for a caller. `isOver` once the caller has an answer: what still runs by then goes no further. */
interface Errand {
  isOver: boolean;
}

/** One call of publish: one transaction, begun anew after each failure until it was asked for its commit. */
interface Call extends Errand {
  readonly items: readonly Item[];
  readonly partitions: ReadonlyMap<string, ReadonlySet<number>>;
  coordinates: Coordinates[];
  /** How often the commit was asked for. */
  commits: number;
  isCommitted: boolean;
}

/** The seat's name is the transactional id, as a group's name is its group id. */
export async function takeSeat(name: string, parts: SeatParts): Promise<KafkaSeat> {
  const { connections, surroundings, settings } = parts;
  const errand: Errand = { isOver: false };
  const take = ({ cluster }: ClusterConnection) => {
    const calls = new TransactionCalls(cluster, name);
    return completed(surroundings, errand, () => calls.initProducer(timeoutOf(settings)));
  };
  try {
    return new KafkaSeat(name, await connections.use(`taking the seat ${name}`, take, settings.deadlineMs), parts);
  } finally {
    errand.isOver = true;
  }
}

/**
 * A transactional producer with the epoch of one taking. A failed transaction is aborted, and the messages are sent again under the next epoch:
 * what is still on its way under the last one can do nothing then. Brokers raise the epoch for everybody who asks, so one that is raised by
 * more than this seat's own request says that somebody else may have been the holder in between: the seat is given up.
 */
export class KafkaSeat implements Seat {
  #identity: ProducerIdentity;
  readonly #sequences = new Map<string, number>();
  /** No transaction of ours is under way at the brokers. */
  #isClean = true;
  #isTaken = false;
  #calls: TransactionCalls | undefined;
  /** One transaction at a time. */
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly name: string,
    identity: ProducerIdentity,
    private readonly parts: SeatParts,
  ) {
    this.#identity = identity;
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<Coordinates[]> {
    const sizes = messages.map(sizeOf);
    if (messages.length === 0) return [];
    const { directory } = this.parts;
    const topics = new Set(messages.map(({ topic }) => topic));
    const counts = directory.known(topics) ?? (await directory.find(topics));
    const items = messages.map((message, index): Item => {
      const { topic, key, partitionKey } = message;
      const partition = partitionOf(partitionKey ?? key, counts.get(topic)!);
      return { index, topic, partition, bytes: sizes[index]!, message: toKafka(message, partition) };
    });
    const partitions = new Map([...topics].map((topic) => [topic, new Set<number>()]));
    for (const { topic, partition } of items) partitions.get(topic)!.add(partition);
    const call: Call = { items, partitions, coordinates: [], commits: 0, isCommitted: false, isOver: false };
    const published = this.#last.then(() => this.#publish(call));
    this.#last = published.then(
      () => {},
      (error: unknown) => this.#tidy(error),
    );
    return published;
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#last;
  }

  async #publish(call: Call): Promise<Coordinates[]> {
    if (this.#isTaken) throw new SeatTaken(this.name);
    const outcome = await this.#use(`publishing under the seat ${this.name}`, call, (calls) => this.#attempt(calls, call));
    if (outcome instanceof EngineUnavailable) throw outcome;
    return outcome;
  }

  /** Gives EngineUnavailable where trying again would tell no more. */
  async #attempt(calls: TransactionCalls, call: Call): Promise<Coordinates[] | EngineUnavailable> {
    try {
      if (call.commits === 0) await this.#write(calls, call);
      const identity = this.#identity;
      const commit = () => calls.end(identity, 'commit');
      if (!call.isCommitted) {
        call.commits += 1;
        await this.#completed(call, commit);
        call.isCommitted = true;
      }
      await this.#completed(call, commit);
      this.#isClean = true;
      return call.coordinates;
    } catch (error) {
      this.#calls = undefined;
      if (isFencedProducer(error)) return this.#fenced(call, error);
      for (const topic of call.partitions.keys()) this.parts.directory.forget(topic);
      if (engineError(error, '') instanceof TooLarge) {
        throw tooLargeFor(
          [...call.partitions.keys()].join(' or '),
          call.items.map(({ bytes }) => bytes),
        );
      }
      throw error;
    }
  }

  #fenced(call: Call, cause: unknown): Coordinates[] | EngineUnavailable {
    this.#isTaken = true;
    if (call.isCommitted) return call.coordinates;
    if (call.commits <= 1) throw new SeatTaken(this.name);
    const message = `the seat ${this.name} was taken while it was not known whether a publish had been committed`;
    return new EngineUnavailable('Kafka', message, { cause });
  }

  async #write(calls: TransactionCalls, call: Call): Promise<void> {
    // After a failure they are asked for again: one may be gone.
    await this.parts.directory.find(call.partitions.keys());
    if (!this.#isClean) await this.#renew(calls, call);
    const identity = this.#identity;
    this.#isClean = false;
    await this.#completed(call, () => calls.addPartitions(identity, call.partitions));
    for (const round of roundsOf(call.items, this.parts.settings.sendMaxBytes)) {
      goOn(call);
      const batches = [...round.values()].map((items) => {
        const { topic, partition } = items[0]!;
        const firstSequence = this.#sequences.get(placeOf(items[0]!)) ?? 0;
        return { topic, partition, firstSequence, messages: items.map(({ message }) => message) };
      });
      const offsets = await calls.produce(identity, batches);
      goOn(call);
      for (const { topic, partition, firstSequence, messages } of batches) {
        this.#sequences.set(placeOf({ topic, partition }), (firstSequence + messages.length) % SEQUENCES);
      }
      for (const [place, items] of round) {
        const first = offsets.get(place);
        if (first === undefined)
          throw new EngineUnavailable('Kafka', `the broker did not say what became of the messages for ${place}`);
        for (const [n, { index, topic, partition }] of items.entries()) {
          call.coordinates[index] = { topic, partition, offset: first + n };
        }
      }
    }
  }

  /** Ends what is under way; the brokers refuse it where the seat is somebody else's by now. */
  async #abort(calls: TransactionCalls, errand: Errand): Promise<void> {
    const identity = this.#identity;
    const abort = async () => {
      try {
        await calls.end(identity, 'abort');
      } catch (error) {
        // There is none, or it is being committed.
        if (protocolError(error) !== 'INVALID_TXN_STATE') throw error;
      }
    };
    await this.#completed(errand, abort);
  }

  /** Ends what is under way, and raises the epoch so that nothing of it can come later. */
  async #renew(calls: TransactionCalls, errand: Errand): Promise<void> {
    const identity = this.#identity;
    await this.#abort(calls, errand);
    const next = await this.#completed(errand, () => calls.initProducer(timeoutOf(this.parts.settings)));
    if (next.producerId !== identity.producerId || next.epoch !== identity.epoch + 1) {
      this.#isTaken = true;
      throw new SeatTaken(this.name);
    }
    this.#identity = next;
    this.#sequences.clear();
    this.#isClean = true;
  }

  /**
   * After a refusal the brokers can be reached: readers need not wait until the transaction times out. Who publishes nothing raises no epoch, which
   * may be another holder's by then: the next publish does.
   */
  async #tidy(error: unknown): Promise<void> {
    if (this.#isClean || this.#isTaken || !(error instanceof EngineError) || error.retriable) return;
    const errand: Errand = { isOver: false };
    const doing = `ending a transaction under the seat ${this.name}`;
    await this.#use(doing, errand, (calls) => this.#abort(calls, errand)).catch(() => {});
  }

  async #use<T>(doing: string, errand: Errand, work: (calls: TransactionCalls) => Promise<T>): Promise<T> {
    const { connections, settings } = this.parts;
    try {
      return await connections.use(doing, ({ cluster }) => work(this.#callsOf(cluster)), settings.deadlineMs);
    } finally {
      errand.isOver = true;
    }
  }

  #callsOf(cluster: Cluster): TransactionCalls {
    if (this.#calls?.cluster !== cluster) this.#calls = new TransactionCalls(cluster, this.name);
    return this.#calls;
  }

  #completed<T>(errand: Errand, ask: () => Promise<T>): Promise<T> {
    return completed(this.parts.surroundings, errand, ask);
  }
}

/** Asks again while the transactional id's last transaction is being completed. */
async function completed<T>({ timers }: Surroundings, errand: Errand, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const answer = await ask();
      goOn(errand);
      return answer;
    } catch (error) {
      if (protocolError(error) !== 'CONCURRENT_TRANSACTIONS') throw error;
    }
    await timers.sleep(PAUSE_MS);
    goOn(errand);
  }
}

function goOn({ isOver }: Errand): void {
  if (isOver) throw new EngineUnavailable('Kafka', 'nobody waits for it any more');
}

/** In the order given, as many at a time as one produce request may carry: one batch a partition. */
function roundsOf(items: readonly Item[], maxBytes: number): Map<string, Item[]>[] {
  const rounds: Map<string, Item[]>[] = [];
  let bytesOf = new Map<string, number>();
  let bytes = 0;
  for (const item of items) {
    const place = placeOf(item);
    const batchBytes = bytesOf.get(place) ?? 0;
    const isFull = bytes + item.bytes > maxBytes || (batchBytes > 0 && batchBytes + item.bytes > BATCH_MAX_BYTES);
    if (rounds.length === 0 || isFull) {
      rounds.push(new Map());
      bytesOf = new Map();
      bytes = 0;
    }
    const round = rounds.at(-1)!;
    const batch = round.get(place);
    if (batch === undefined) round.set(place, [item]);
    else batch.push(item);
    bytesOf.set(place, (bytesOf.get(place) ?? 0) + item.bytes);
    bytes += item.bytes;
  }
  return rounds;
}

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}/${partition}`;

const timeoutOf = ({ deadlineMs }: SeatSettings): number => TIMEOUT_DEADLINES * deadlineMs;
