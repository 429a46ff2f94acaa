export { openEmbeddedStore, type EmbeddedStore, type EmbeddedStoreOptions } from './event-store.js';
