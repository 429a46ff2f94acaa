export { describeEventStore, type EventStoreHarness, type EventStoreTraits } from './contracts/event-store-contract.js';
export * from './simulation/faults.js';
export * from './simulation/generators.js';
export * from './simulation/keys.js';
export * from './simulation/prng.js';
export * from './simulation/sim-reader.js';
export * from './simulation/small-region.js';
export * from './simulation/world.js';
