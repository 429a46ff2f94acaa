import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type Admin, type Cluster, type Kafka, type LogEntry } from 'kafkajs';
import { EngineUnavailable, type Clock, type Random, type Timers } from '@weft/processing';
import { registerCodecs } from './codecs.js';
import { engineError } from './errors.js';

/** Where and as whom. */
export interface KafkaConnection {
  /** `host:port` of some of the brokers; the rest is learned from them. */
  readonly brokers: readonly string[];
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly clientId?: string;
  readonly logger?: Logger;
}

/** As pino's. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ClusterConnection {
  readonly cluster: Cluster;
  end(): Promise<void>;
}

export interface AdminConnection {
  readonly admin: Admin;
  end(): Promise<void>;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

const { Kafka: KafkaClient, logLevel } = kafkajs;

/** Every field, because kafkajs fills gaps with other defaults when NODE_ENV is `test`. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 1000, factor: 0.2, multiplier: 2, retries: 2 };
/** Metadata older than this is asked for again: so long may a new partition go unnoticed. */
export const METADATA_AGE_MS = 30_000;
const PAUSE_MS = 250;

registerCodecs();

export function createKafka({ brokers, ssl, sasl, clientId = 'weft', logger }: KafkaConnection, retry = RETRY): Kafka {
  return new KafkaClient({
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as never }),
    connectionTimeout: 3000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    retry,
    // Not below INFO: at DEBUG kafkajs logs decoded responses, and keys of inbound topics are NHS numbers.
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => logger && forward(logger, entry),
  });
}

/** How kafkajs words CONCURRENT_TRANSACTIONS: the answer to a question whether a transaction is completed, a few after each. */
const NOT_COMPLETED = /concurrent operation on the same transaction/;

/** kafkajs calls every lost connection an error and every retry a warning; here these are what the adapter is for. */
function forward(logger: Logger, { level, namespace, log }: LogEntry): void {
  const { message, timestamp: _, stack: __, ...fields } = log;
  const isNoteworthy = level <= logLevel.WARN && !NOT_COMPLETED.test(String(fields['error']));
  logger[isNoteworthy ? 'info' : 'debug']({ ...fields, part: namespace }, `kafkajs: ${message}`);
}

/**
 * kafkajs's cluster without a consumer around it: requests to the brokers themselves, with offsets, members and generations
 * named by the caller. The one public way to it is the argument of a partition assigner.
 */
export async function openCluster(kafka: Kafka): Promise<ClusterConnection> {
  let cluster: Cluster | undefined;
  const consumer = kafka.consumer({
    groupId: 'none: it never joins one',
    allowAutoTopicCreation: false,
    partitionAssigners: [(given) => ((cluster = given.cluster), { name: 'none', version: 0 } as never)],
  });
  await consumer.connect();
  return { cluster: cluster as unknown as Cluster, end: () => consumer.disconnect() };
}

export async function openAdmin(kafka: Kafka): Promise<AdminConnection> {
  const admin = kafka.admin({ retry: RETRY });
  await admin.connect();
  return { admin, end: () => admin.disconnect() };
}

/** The work's own result, or EngineUnavailable after `ms`. */
export async function within<T>(timers: Timers, ms: number, doing: string, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = timers.sleep(ms, done.signal).then(() => {
    throw new EngineUnavailable('Kafka', `${doing}: no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
    late.catch(() => {});
  }
}

/** Connections that are made when first needed, and made anew after they have failed. For work that may be done again. */
export class Connections<T extends { end: () => Promise<void> }> {
  #current: Promise<T> | undefined;
  #closed = false;

  constructor(
    private readonly open: () => Promise<T>,
    private readonly surroundings: Surroundings,
  ) {}

  /** Tries again on fresh connections until `limitMs` have passed. Throws as the port's methods do. */
  async use<R>(doing: string, work: (connection: T) => Promise<R>, limitMs: number, topic?: string): Promise<R> {
    const { clock, timers } = this.surroundings;
    const until = clock.steady() + limitMs;
    let said: EngineUnavailable | undefined;
    for (;;) {
      if (this.#closed) throw new EngineUnavailable('Kafka', `${doing}: the bus is closed`);
      const current = (this.#current ??= this.open());
      try {
        return await within(timers, Math.max(1, until - clock.steady()), doing, current.then(work));
      } catch (error) {
        const known = engineError(error, doing, topic);
        if (!known.retriable) throw known;
        void this.#discard(current);
        // The last attempt may have had no time left to learn why: what an earlier one was told says more.
        const isLate = known.cause === undefined;
        if (clock.steady() + PAUSE_MS >= until) throw isLate ? (said ?? known) : known;
        if (!isLate && known instanceof EngineUnavailable) said = known;
        await timers.sleep(PAUSE_MS);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#current !== undefined) await this.#discard(this.#current);
  }

  #discard(connection: Promise<T>): Promise<void> {
    if (this.#current === connection) this.#current = undefined;
    return connection.then(({ end }) => end()).catch(() => {});
  }
}
