export { openEmbedded, openEmbeddedBus, openEmbeddedStore, type Embedded, type EmbeddedOptions } from './embedded.js';
export { type EmbeddedBus } from './event-bus.js';
export { type EmbeddedStore } from './event-store.js';
export { lockDirectory, type DirectoryLock } from './lock-directory.js';
