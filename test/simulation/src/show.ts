import { simulate } from './simulate.js';
import { shrink } from './shrink.js';

/** `node test/simulation/dist/show.js SEED`: runs a seed, leaves out what it can, and prints what is left of the history. */
const [seed = 0, last = 0] = process.argv.slice(2).map(Number);
const whole = await simulate(seed);
const [first] = whole.violations;
if (first === undefined) {
  console.log(`seed ${seed} breaks nothing in ${whole.steps} steps`);
} else {
  const small = await shrink(seed, first.invariant);
  for (const { step, at, owner, what, detail } of small.world.trace.slice(-last)) {
    if (last > 0) console.log(`${step}\t${new Date(at).toISOString()}\t${owner}\t${what}\t${detail}`);
  }
  for (const violation of small.violations) console.log(JSON.stringify(violation));
  console.log('faults', JSON.stringify(small.injected));
  console.log(`of ${whole.injected.length} faults ${small.injected.length} are left`);
  process.exitCode = 1;
}
