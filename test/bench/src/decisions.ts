import type { Found } from './rounds.js';
import { percentile } from './statistics.js';

/** Of all decisions, the first of each patient warm up and are not counted. */
export async function decisions(
  patients: readonly string[],
  count: number,
  decide: (patient: string, effect: 'permit' | 'deny') => Promise<number>,
): Promise<Found> {
  const latencies = { deny: [] as number[], permit: [] as number[] };
  for (let index = 0; index < patients.length + count; index += 1) {
    const effect = Math.floor(index / patients.length) % 2 === 0 ? 'deny' : 'permit';
    const took = await decide(patients[index % patients.length] as string, effect);
    if (index >= patients.length) latencies[effect].push(took);
  }
  const { deny, permit } = latencies;
  const all = [...deny, ...permit];
  return {
    ...{ p50: percentile(all, 50), p99: percentile(all, 99) },
    ...{ 'objection p50': percentile(deny, 50), 'agreement p50': percentile(permit, 50) },
  };
}
