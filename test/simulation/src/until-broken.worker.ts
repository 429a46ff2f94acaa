import { simulate } from './simulate.js';

// Thousands of errors are thrown on purpose, and nobody looks at where.
Error.stackTraceLimit = 0;

/** `node until-broken.worker.js COUNT SEED…`: these seeds, then those below COUNT, until one breaks a guarantee; says which, as JSON. */
const [count = 0, ...first] = process.argv.slice(2).map(Number);
let caught: { readonly seed: number; readonly invariant: string } | null = null;
for (const seed of new Set([...first, ...Array(count).keys()])) {
  const [violation] = (await simulate(seed, { untilBroken: true })).violations;
  if (violation === undefined) continue;
  caught = { seed, invariant: violation.invariant };
  break;
}
process.stdout.write(JSON.stringify(caught));
process.exit();
