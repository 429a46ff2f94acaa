import type { Found } from './rounds.js';
import { percentile } from './statistics.js';

/** Of all decisions, the first of each patient warm up and are not counted. */
export async function decisions(
  patients: readonly string[],
  count: number,
  decide: (patient: string, effect: 'permit' | 'deny') => Promise<number>,
): Promise<Found> {
  const latencies: number[] = [];
  for (let index = 0; index < patients.length + count; index += 1) {
    const effect = Math.floor(index / patients.length) % 2 === 0 ? 'deny' : 'permit';
    const took = await decide(patients[index % patients.length] as string, effect);
    if (index >= patients.length) latencies.push(took);
  }
  return { p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
}
