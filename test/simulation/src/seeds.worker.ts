import { parentPort } from 'node:worker_threads';
import { simulate } from './simulate.js';

/** Simulates the seed that it is sent, and answers what came of it. */
parentPort?.on('message', (seed: number) => {
  void simulate(seed).then(({ steps, violations }) => parentPort?.postMessage({ seed, steps, violations }));
});
