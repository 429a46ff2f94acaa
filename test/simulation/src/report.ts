import type { Violation } from './oracle.js';
import type { Simulation } from './simulate.js';

const LINES_BEFORE = 60;

/** A broken seed as a person reads it: what broke, what is left of the history, and what became durable up to then. */
export function historyOf(small: Simulation, invariant: string): string[] {
  const { history, injected, done, violations, seed } = small;
  const violation = violations.find((one) => one.invariant === invariant);
  const end = history.untilViolation ?? history.lines.length;
  const lines = history.lines.slice(Math.max(0, end - LINES_BEFORE), end);
  return [
    `seed ${seed}: ${invariant}, at step ${violation?.step ?? small.steps}`,
    `  ${violation?.detail ?? ''}`,
    '',
    `what is left: ${done.join(' ') || 'nothing was sent'}`,
    `faults left: ${injected.map(({ kind, step }) => `${kind}@${step}`).join(' ') || 'none'}`,
    '',
    end > LINES_BEFORE
      ? `the last ${LINES_BEFORE} of ${end} things that became durable up to then:`
      : 'what became durable up to then:',
    ...lines.map((line) => `  ${line}`),
  ];
}

export interface Tally {
  readonly invariant: string;
  readonly seeds: number[];
}

export function tally(violations: readonly Violation[], seed: number, into: Map<string, Tally>): void {
  for (const { invariant } of violations) {
    const known = into.get(invariant) ?? { invariant, seeds: [] };
    into.set(invariant, known);
    if (known.seeds.at(-1) !== seed) known.seeds.push(seed);
  }
}
