import { setImmediate as turn } from 'node:timers/promises';
import { simulate } from './simulate.js';

// Thousands of errors are thrown on purpose, and nobody looks at where.
Error.stackTraceLimit = 0;

/** `node until-broken.worker.js COUNT SEED…`: these seeds, then those below COUNT, until one breaks a guarantee; says which, as JSON. */
const [count = 0, ...first] = process.argv.slice(2).map(Number);
// Standard input ends with whoever started this: a search that nobody waits for would go on for an hour.
process.stdin.once('end', () => process.exit()).resume();
let caught: { readonly seed: number; readonly invariant: string } | null = null;
for (const seed of new Set([...first, ...Array(count).keys()])) {
  const [violation] = (await simulate(seed, { untilBroken: true })).violations;
  await turn();
  if (violation === undefined) continue;
  caught = { seed, invariant: violation.invariant };
  break;
}
process.stdout.write(JSON.stringify(caught));
process.exit();
