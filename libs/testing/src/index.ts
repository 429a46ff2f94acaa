export * from './simulation/faults.js';
export * from './simulation/keys.js';
export * from './simulation/prng.js';
export * from './simulation/world.js';
