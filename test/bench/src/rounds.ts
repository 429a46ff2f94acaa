import { fork } from 'node:child_process';
import { Missing } from './missing.js';
import { profiling, YOUNG } from './server.js';
import type { Context } from './work.js';

/** What one candidate found in one round: figures by name. */
export type Found = Readonly<Record<string, number>>;

export interface Candidate {
  readonly name: string;
  readonly run: () => Promise<Found>;
}

export interface Rounds {
  readonly found: ReadonlyMap<string, readonly Found[]>;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** Every candidate once a round, in turn, so that what disturbs the machine meanwhile disturbs all alike. */
export async function interleaved(context: Context, what: string, candidates: readonly Candidate[]): Promise<Rounds> {
  const found = new Map<string, Found[]>();
  const skipped = new Map<string, string>();
  for (let round = 1; round <= context.rounds; round += 1) {
    for (const { name, run } of candidates) {
      if (skipped.has(name)) continue;
      context.note(`${what}: round ${round} of ${context.rounds}, ${name}`);
      try {
        const one = await run();
        found.set(name, [...(found.get(name) ?? []), one]);
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        skipped.set(name, error.message);
      }
    }
  }
  return { found, skipped: [...skipped].map(([name, reason]) => ({ name, reason })) };
}

/** Values of one figure over the rounds. */
export const valuesOf = ({ found }: Rounds, candidate: string, figure: string): number[] =>
  (found.get(candidate) ?? []).map((one) => one[figure] ?? NaN);

interface Answer {
  readonly found?: Found;
  readonly missing?: string;
}

/** What a candidate may have of old objects where nothing else is said: no limit is to slow one down. */
const AMPLE_HEAP_MIB = 6_144;

/** Runs one candidate of a worker file in a process of its own, so that none inherits another's heap or caches. */
export async function inProcess(
  context: Context,
  url: URL,
  candidate: string,
  parameters: Readonly<Record<string, unknown>>,
  heapMiB = AMPLE_HEAP_MIB,
): Promise<Found> {
  const child = fork(url, [candidate, JSON.stringify(parameters)], {
    execArgv: [`--max-old-space-size=${heapMiB}`, YOUNG, ...profiling(context.profiles)],
  });
  let answer: Answer = {};
  child.on('message', (message) => (answer = message as Answer));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (answer.missing !== undefined) throw new Missing(answer.missing);
  if (answer.found === undefined) throw new Error(`${candidate} ended with ${code} and found nothing`);
  return answer.found;
}

/** The other side of `inProcess`: the candidates of one worker file. Each is told its parameters and gives what it found. */
export async function candidates<P>(known: Readonly<Record<string, (parameters: P) => Promise<Found>>>): Promise<void> {
  const [name = '', parameters = '{}'] = process.argv.slice(2);
  const run = known[name];
  if (run === undefined) throw new Error(`no candidate is called ${name}`);
  let answer: Answer;
  try {
    answer = { found: await run(JSON.parse(parameters) as P) };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    answer = { missing: error.message };
  }
  await new Promise<void>((resolve, reject) => {
    process.send?.(answer, undefined, undefined, (error) => (error === null ? resolve() : reject(error)));
  });
  process.disconnect();
}
