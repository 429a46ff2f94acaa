import { simulate } from './simulate.js';

// Thousands of errors are thrown on purpose, and nobody looks at where.
Error.stackTraceLimit = 0;

/** `node until-broken.worker.js FIRST COUNT`: seeds one after the other, until one breaks a guarantee; says which, as JSON. */
const [first = 0, count = 0] = process.argv.slice(2).map(Number);
let caught: { readonly seed: number; readonly invariant: string } | null = null;
for (let seed = first; seed < first + count && caught === null; seed++) {
  const [violation] = (await simulate(seed)).violations;
  if (violation !== undefined) caught = { seed, invariant: violation.invariant };
}
process.stdout.write(JSON.stringify(caught));
process.exit();
