import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.js';

// Thousands of errors are thrown on purpose, and nobody looks at where.
Error.stackTraceLimit = 0;

/** Simulates the seed that it is sent, and answers what came of it. */
parentPort?.on('message', (seed: number) => {
  void simulate(seed).then(({ steps, violations }) => parentPort?.postMessage({ seed, steps, violations }));
});
