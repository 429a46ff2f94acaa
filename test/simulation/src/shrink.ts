import { SMALL, type RunSize } from './region-run.js';
import { simulate, type Simulation, type SimulationOptions } from './simulate.js';

const MOST_TRIES = 400;

interface Left {
  readonly faults: ReadonlySet<number>;
  readonly doings: ReadonlySet<string>;
}

export interface ShrinkOptions {
  readonly onTry?: (tries: number) => void;
  readonly size?: RunSize;
  /** Simulations that may be spent on it. */
  readonly mostTries?: number;
}

/**
 * Leaves out messages, readings, operations and faults, half of them at a time and then fewer, for as long as the same guarantee
 * still breaks. Always the same outcome for the same seed.
 */
export async function shrink(
  seed: number,
  invariant: string,
  { onTry = () => {}, size: whole = SMALL, mostTries = MOST_TRIES }: ShrinkOptions = {},
): Promise<Simulation> {
  let tries = 0;
  const run = (out: Left, trace = false): Promise<Simulation> => {
    onTry(++tries);
    const options: SimulationOptions = { suppress: out.faults, size: { ...whole, without: out.doings }, trace };
    return simulate(seed, { ...options, untilBroken: invariant });
  };
  let out: Left = { faults: new Set(), doings: new Set() };
  let smallest = await run(out);
  const attempt = async (trying: Left): Promise<boolean> => {
    const result = await run(trying);
    if (!result.violations.some((violation) => violation.invariant === invariant) || size(result) >= size(smallest)) return false;
    [smallest, out] = [result, trying];
    return true;
  };
  for (let before = Infinity; size(smallest) < before && tries < mostTries;) {
    before = size(smallest);
    await leaveOut(
      () => smallest.done,
      (names) => attempt({ ...out, doings: new Set([...out.doings, ...names]) }),
      () => tries < mostTries,
    );
    await leaveOut(
      () => smallest.injected.map(({ ordinal }) => ordinal),
      (ordinals) => attempt({ ...out, faults: new Set([...out.faults, ...ordinals]) }),
      () => tries < mostTries,
    );
  }
  return run(out, true);
}

/** What is left of a history: fewer is simpler. */
function size({ done, injected }: Simulation): number {
  return done.length + injected.length;
}

async function leaveOut<T>(
  left: () => readonly T[],
  attempt: (some: readonly T[]) => Promise<boolean>,
  mayGoOn: () => boolean,
): Promise<void> {
  for (let share = 1; share <= 2 * left().length && mayGoOn(); share *= 2) {
    for (let from = 0; mayGoOn();) {
      const items = left();
      const length = Math.max(1, Math.ceil(items.length / share));
      if (from >= items.length) break;
      if (!(await attempt(items.slice(from, from + length)))) from += length;
    }
  }
}
