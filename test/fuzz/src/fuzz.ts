import { runRound, type RoundResult } from './round.js';

export interface Fuzzed {
  readonly rounds: number;
  readonly inputs: number;
  readonly counts: Readonly<Record<string, number>>;
  /** The round that broke something, and what. */
  readonly broken: { readonly round: number; readonly findings: readonly string[] } | null;
}

/** Round after round until the time is over, or something breaks. `goesOn` is asked before each. */
export async function fuzz(
  seed: number,
  goesOn: (rounds: number) => boolean,
  onRound: (round: number, result: RoundResult) => void = () => {},
): Promise<Fuzzed> {
  const counts: Record<string, number> = {};
  let inputs = 0;
  let round = 0;
  for (; goesOn(round); round += 1) {
    const result = await runRound(seed, round);
    inputs += result.inputs;
    for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
    onRound(round, result);
    if (result.findings.length > 0) return { rounds: round + 1, inputs, counts, broken: { round, findings: result.findings } };
  }
  return { rounds: round, inputs, counts, broken: null };
}
