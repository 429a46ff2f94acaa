import type { EventBus, EventStore } from '@weft/processing';
import type { Settings } from './settings.js';

export interface Engines {
  readonly bus: EventBus;
  readonly store: EventStore;
  close(): Promise<void>;
}

/** Chooses by configuration alone, and loads only the clients that are used. Throws EngineUnavailable. */
export async function openEngines(settings: Settings): Promise<Engines> {
  const bus = await openBus(settings);
  try {
    const store = await openStore(settings);
    return { bus, store, close: async () => void (await Promise.all([bus.close(), store.close()])) };
  } catch (error) {
    await bus.close();
    throw error;
  }
}

async function openBus({ kafka, dataDirectory }: Settings): Promise<EventBus> {
  if (kafka !== undefined) {
    const { openKafkaBus } = await import('@weft/kafka');
    return openKafkaBus(kafka);
  }
  const { openEmbeddedBus } = await import('@weft/embedded');
  return openEmbeddedBus({ directory: dataDirectory });
}

async function openStore({ eventStoreUrl, dataDirectory }: Settings): Promise<EventStore> {
  if (eventStoreUrl !== undefined) {
    const { openEventStoreDb } = await import('@weft/eventstoredb');
    return openEventStoreDb({ connectionString: eventStoreUrl });
  }
  const { openEmbeddedStore } = await import('@weft/embedded');
  return openEmbeddedStore({ directory: dataDirectory });
}
