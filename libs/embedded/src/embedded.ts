import { DataFile } from './data-file.js';
import { SqliteEventBus, type BusSettings, type EmbeddedBus } from './event-bus.js';
import { SqliteEventStore, type EmbeddedStore } from './event-store.js';
import type { FileOptions } from './data-file.js';

export interface EmbeddedOptions extends FileOptions, BusSettings {}

/** Both ports on one file. It is closed once each of the two is. */
export interface Embedded {
  readonly bus: EmbeddedBus;
  readonly store: EmbeddedStore;
}

/** Opens (or makes) `weft.db`. Throws EngineDamaged or EngineUnavailable. It does not replicate: one machine, one disk. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const file = await DataFile.open(options);
  const bus = file.join(() => new SqliteEventBus(file, options));
  return { bus, store: file.join(() => new SqliteEventStore(file, options.retryPauseMs)) };
}

/** The store alone, where the bus is elsewhere. */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
  const file = await DataFile.open(options);
  return file.join(() => new SqliteEventStore(file, options.retryPauseMs));
}

/** The bus alone, where the store is elsewhere. */
export async function openEmbeddedBus(options: EmbeddedOptions): Promise<EmbeddedBus> {
  const file = await DataFile.open(options);
  return file.join(() => new SqliteEventBus(file, options));
}
