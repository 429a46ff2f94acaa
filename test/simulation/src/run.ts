import { simulate } from './simulate.js';

/** `node test/simulation/dist/run.js FIRST COUNT`: runs seeds one after the other; exit 1 when any broke a guarantee. */
const [first = 0, count = 100] = process.argv.slice(2).map(Number);
const begun = performance.now();
let steps = 0;
let broken = 0;
const byInvariant = new Map<string, number[]>();
for (let seed = first; seed < first + count; seed++) {
  const result = await simulate(seed);
  steps += result.steps;
  if (result.violations.length > 0) broken++;
  for (const invariant of new Set(result.violations.map((violation) => violation.invariant))) {
    byInvariant.set(invariant, [...(byInvariant.get(invariant) ?? []), seed]);
  }
}
const seconds = (performance.now() - begun) / 1_000;
for (const [invariant, seeds] of byInvariant)
  console.log(`${invariant}: ${seeds.length} seeds, first ${seeds.slice(0, 8).join(' ')}`);
const [rate, hourly] = [steps / seconds, (count / seconds) * 3_600].map(Math.round);
console.log(`${count} seeds, ${broken} broken, ${steps} steps, ${rate} steps/s, ${hourly} seeds/h`);
process.exitCode = broken > 0 ? 1 : 0;
