export { openEventStoreDb, type EventStoreDbOptions } from './event-store.js';
