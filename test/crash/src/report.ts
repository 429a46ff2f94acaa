import type { Part } from './part.js';

const WIDTH = 68;

export type TimedPart = Part & { readonly seconds: number };

/** One part: what became of its cases, and what was broken, with what is needed to see it again. */
export function reportPart({ name, cases, counts, findings, skipped, seconds }: TimedPart): void {
  if (skipped !== undefined) {
    console.log(`${name}: skipped, ${skipped}`);
    return;
  }
  const verdict = findings.length === 0 ? 'every promise kept' : `${findings.length} BROKEN`;
  console.log(`${name}: ${cases} cases in ${seconds.toFixed(1)} s, ${verdict}`);
  for (const [what, count] of Object.entries(counts)) console.log(`  ${what.padEnd(WIDTH)} ${String(count).padStart(7)}`);
  for (const { what, problems, kept, again } of findings) {
    console.log(`  BROKEN ${what}`);
    for (const problem of problems.slice(0, 10)) console.log(`    ${problem}`);
    if (problems.length > 10) console.log(`    and ${problems.length - 10} more`);
    if (kept !== '') console.log(`    files: ${kept}`);
    if (again !== undefined) console.log(`    again: ${again}`);
  }
}

export function reportSum(parts: readonly TimedPart[], seed: number): void {
  const broken = parts.reduce((sum, { findings }) => sum + findings.length, 0);
  const cases = parts.reduce((sum, part) => sum + part.cases, 0);
  console.log(`${cases} cases, ${broken} broken promises, seed ${seed}`);
}
