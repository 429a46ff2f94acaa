import { EngineUnavailable, type EventBus, type EventStore } from '@weft/processing';
import type { KafkaSettings, Settings } from './settings.js';

export interface Engines {
  readonly bus: EventBus;
  readonly store: EventStore;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Another thread of this process has the embedded engines open and checks their files whole. */
  readonly isChecked?: boolean;
}

/** Chooses by configuration alone, and loads only the clients that are used. Throws EngineUnavailable. */
export async function openEngines(settings: Settings, options: EngineOptions = {}): Promise<Engines> {
  const { bus, store } = await openBoth(settings, options);
  return { bus, store, close: async () => void (await Promise.all([bus.close(), store.close()])) };
}

async function openBoth(settings: Settings, options: EngineOptions): Promise<Omit<Engines, 'close'>> {
  const { kafka, eventStoreUrl, dataDirectory } = settings;
  if (kafka === undefined && eventStoreUrl === undefined) {
    const { openEmbedded } = await import('@weft/embedded');
    return openEmbedded({ ...options, directory: dataDirectory });
  }
  const bus = await openBus(settings, options);
  try {
    return { bus, store: await openStore(settings, options) };
  } catch (error) {
    await bus.close();
    throw error;
  }
}

async function openBus({ kafka, dataDirectory }: Settings, options: EngineOptions): Promise<EventBus> {
  if (kafka !== undefined) {
    const { openKafkaBus } = await import('@weft/kafka');
    try {
      return await openKafkaBus(kafka);
    } catch (error) {
      throw error instanceof EngineUnavailable ? unavailable(kafka, error) : error;
    }
  }
  const { openEmbeddedBus } = await import('@weft/embedded');
  return openEmbeddedBus({ ...options, directory: dataDirectory });
}

async function openStore({ eventStoreUrl, dataDirectory }: Settings, options: EngineOptions): Promise<EventStore> {
  if (eventStoreUrl !== undefined) {
    const { openEventStoreDb } = await import('@weft/eventstoredb');
    return openEventStoreDb({ connectionString: eventStoreUrl });
  }
  const { openEmbeddedStore } = await import('@weft/embedded');
  return openEmbeddedStore({ ...options, directory: dataDirectory });
}

/** Says where it was looked for, and which settings say so: what a broker refuses looks much like one that is not there. */
function unavailable({ brokers, ssl, sasl }: KafkaSettings, error: EngineUnavailable): EngineUnavailable {
  const named = ['WEFT_KAFKA_BROKERS'];
  if (/SASL|authenticat/i.test(error.message)) named.unshift('WEFT_KAFKA_SASL_*');
  else if (/certificate|SSL|TLS|disconnected|socket|closed connection|no answer/i.test(error.message)) {
    named.push(ssl === false ? 'WEFT_KAFKA_SSL' : 'WEFT_KAFKA_CA_FILE', ...(sasl === undefined ? ['WEFT_KAFKA_SASL_*'] : []));
  }
  const reason = error.message.replace(/^Kafka: /, '');
  return new EngineUnavailable(`Kafka at ${brokers.join(', ')} (${named.join(', ')})`, reason, { cause: error });
}
