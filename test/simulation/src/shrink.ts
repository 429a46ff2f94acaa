import { simulate, type Simulation, type SimulationOptions } from './simulate.js';

/** Leaves out faults, half of them at a time and then fewer, as long as the same guarantee still breaks. */
export async function shrink(seed: number, invariant: string, options: SimulationOptions = {}): Promise<Simulation> {
  const suppress = new Set(options.suppress);
  let smallest = await simulate(seed, { ...options, suppress });
  for (let share = 2; share <= 2 * smallest.injected.length;) {
    const ordinals = smallest.injected.map(({ ordinal }) => ordinal);
    const size = Math.max(1, Math.ceil(ordinals.length / share));
    let simpler: Simulation | undefined;
    for (let from = 0; from < ordinals.length && simpler === undefined; from += size) {
      const trying = new Set([...suppress, ...ordinals.slice(from, from + size)]);
      const result = await simulate(seed, { ...options, suppress: trying });
      const stillBroken = result.violations.some((violation) => violation.invariant === invariant);
      if (!stillBroken || result.injected.length >= smallest.injected.length) continue;
      simpler = result;
      suppress.clear();
      for (const ordinal of trying) suppress.add(ordinal);
    }
    if (simpler !== undefined) smallest = simpler;
    else share *= 2;
    if (smallest.injected.length === 0) break;
  }
  return simulate(seed, { ...options, suppress, trace: true });
}
