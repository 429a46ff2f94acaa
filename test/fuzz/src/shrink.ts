import { INPUTS_A_ROUND, runRound, type RoundResult } from './round.js';

/** Each try is a region of its own. */
const TRIES_MAX = 40;

/** Leaves inputs out, halves first, as long as the round still breaks. */
export async function shrunk(
  seed: number,
  round: number,
): Promise<{ readonly only: readonly number[]; readonly result: RoundResult }> {
  let only = Array.from({ length: INPUTS_A_ROUND }, (_, index) => index);
  let result = await runRound(seed, round, new Set(only));
  let tries = 0;
  for (let size = Math.ceil(only.length / 2); size >= 1 && tries < TRIES_MAX; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < only.length && tries < TRIES_MAX; tries += 1) {
      const fewer = [...only.slice(0, from), ...only.slice(from + size)];
      const tried = await runRound(seed, round, new Set(fewer));
      if (tried.findings.length === 0) from += size;
      else [only, result] = [fewer, tried];
    }
  }
  return { only, result };
}
