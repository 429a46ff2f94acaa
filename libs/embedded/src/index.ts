export { openEmbeddedBus, type EmbeddedBus, type EmbeddedBusOptions } from './event-bus.js';
export { openEmbeddedStore, type EmbeddedStore, type EmbeddedStoreOptions } from './event-store.js';
export { lockDirectory, type DirectoryLock } from './lock-directory.js';
