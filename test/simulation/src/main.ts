import { availableParallelism } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import cliProgress from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { mutated, tryMutant, type Caught } from './mutate.js';
import { asMarkdown, seedsOf } from './mutants-page.js';
import { MUTANTS } from './mutants.js';
import { historyOf, tally, type Tally } from './report.js';
import { runSeeds } from './seeds.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGE = new URL('../../../docs/simulation-mutants.md', import.meta.url);
const BROKEN = 1;

interface Bar {
  update(done: number, note?: string): void;
  stop(): void;
}

/** Nothing but a person at a terminal sees it. */
function progress(what: string, total: number): Bar {
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  const format = `${what} {bar} {value} of {total}  {note}`;
  const bar = new cliProgress.SingleBar({ stream: process.stderr, format, hideCursor: true, clearOnComplete: true, barsize: 24 });
  bar.start(total, 0, { note: '' });
  return { update: (done, note = '') => bar.update(done, { note }), stop: () => bar.stop() };
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('it is not a whole number, 0 or above');
  return Number(text);
}

interface SeedOptions {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly threads: number;
  readonly json?: boolean;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function many({ seeds, from, threads, json }: SeedOptions): Promise<void> {
  const bar = progress('seeds', seeds);
  const broken = new Map<string, Tally>();
  const begun = performance.now();
  let [done, steps] = [0, 0];
  await runSeeds(from, seeds, threads, (result) => {
    done += 1;
    steps += result.steps;
    tally(result.violations, result.seed, broken);
    bar.update(done, broken.size === 0 ? '' : `${broken.size} guarantees broken`);
    return true;
  });
  bar.stop();
  const seconds = (performance.now() - begun) / 1_000;
  const brokenSeeds = [...new Set([...broken.values()].flatMap((one) => one.seeds))].sort((a, b) => a - b);
  const report = {
    ...{ seeds, from, steps, seconds: Math.round(seconds * 10) / 10, seedsAnHour: Math.round((seeds / seconds) * 3_600) },
    ...{ threads, brokenSeeds: brokenSeeds.length, broken: [...broken.values()] },
  };
  if (json === true) print(JSON.stringify(report));
  else {
    for (const { invariant, seeds: which } of broken.values())
      print(`${invariant}: ${which.length} seeds, ${which.slice(0, 8).join(' ')}`);
    print(
      `${seeds} seeds from ${from}, ${brokenSeeds.length} broken; ${steps} steps in ${report.seconds} s on ${threads} threads: ${report.seedsAnHour} seeds an hour`,
    );
    if (brokenSeeds[0] !== undefined) await one(brokenSeeds[0], false);
  }
  if (brokenSeeds.length > 0) process.exitCode = BROKEN;
}

async function one(seed: number, json: boolean): Promise<void> {
  const run = await simulate(seed);
  const [first] = run.violations;
  if (first === undefined) {
    print(json ? JSON.stringify({ seed, steps: run.steps, broken: [] }) : `seed ${seed} breaks nothing in ${run.steps} steps`);
    return;
  }
  process.exitCode = BROKEN;
  const bar = progress('making the history shorter, tries', 400);
  const small = await shrink(seed, first.invariant, { onTry: (tries) => bar.update(tries) });
  bar.stop();
  if (json) print(JSON.stringify({ seed, steps: run.steps, broken: run.violations, history: historyOf(small, first.invariant) }));
  else for (const line of historyOf(small, first.invariant)) print(line);
}

interface MutantOptions {
  readonly seeds: number;
  readonly threads: number;
  readonly only?: string;
  readonly write?: string;
  readonly anew?: boolean;
  readonly json?: boolean;
}

async function mutants({ seeds, threads, only, write, anew, json }: MutantOptions): Promise<void> {
  const chosen = MUTANTS.filter(({ name }) => only === undefined || name.includes(only));
  for (const mutant of MUTANTS) mutated(ROOT, mutant);
  // What caught it last time mostly does so again.
  const known = anew === true ? new Map<string, number>() : seedsOf(readFileSync(PAGE, 'utf8'));
  const bar = progress('mutants', chosen.length);
  const caught = new Map<string, Caught>();
  const waiting = [...chosen];
  const lane = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const seed = known.get(mutant.name);
      const result = await tryMutant(ROOT, mutant, seeds, seed === undefined ? [] : [seed]);
      caught.set(mutant.name, result);
      bar.update(caught.size, mutant.name);
      if (json !== true && process.stderr.isTTY !== true) print(lineOf(result));
    }
  };
  await Promise.all(Array.from({ length: threads }, lane));
  bar.stop();
  const results = chosen.map(({ name }) => caught.get(name) as Caught);
  const survivors = results.filter(({ by }) => by === null);
  if (json === true) print(JSON.stringify(results.map(({ mutant: { name, file }, by }) => ({ name, file, by }))));
  else if (process.stderr.isTTY === true) for (const result of results) print(lineOf(result));
  if (json !== true) print(`${results.length} mutants, ${survivors.length} survived ${seeds} seeds`);
  if (write !== undefined) writeFileSync(write, asMarkdown(results, seeds));
  if (survivors.length > 0) process.exitCode = BROKEN;
}

const lineOf = ({ mutant: { name }, by }: Caught): string =>
  by === null ? `SURVIVED  ${name}` : `seed ${String(by.seed).padStart(3)}  ${by.invariant.padEnd(30)}  ${name}`;

const threads = availableParallelism();
const program = new Command('simulate')
  .enablePositionalOptions()
  .description(
    'Runs the code that runs in production on simulated engines, clocks and processes, in storms of faults, every choice drawn from a seed, and checks the guarantees at every step. A broken seed is made as short as it can be and printed.',
  )
  .option('--seeds <n>', 'how many seeds', whole, 1_000)
  .option('--from <seed>', 'the first of them', whole, 0)
  .option('--seed <seed>', 'this one alone: the same history, always', whole)
  .option('--threads <n>', 'how many at one time', whole, threads)
  .option('--json', 'one JSON text')
  .addHelpText(
    'after',
    '\nExit codes: 0 nothing broke, 1 a guarantee broke, 2 the command was not understood.\n\nExamples:\n  $ npm run simulate -- --seeds 20000\n  $ npm run simulate -- --seed 4711',
  )
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action((options: SeedOptions) => (options.seed === undefined ? many(options) : one(options.seed, options.json === true)));

program
  .command('mutants')
  .description('Builds mistakes into the code, one at a time, and looks whether the simulation catches each.')
  .option('--seeds <n>', 'within so many seeds', whole, 1_000)
  .option('--threads <n>', 'how many at one time', whole, threads)
  .option('--only <text>', 'those whose name has this in it')
  .option('--write <file>', 'the list, as a page of the docs')
  .option('--anew', 'from seed 0 on, not first by the seed that docs/simulation-mutants.md names')
  .option('--json', 'one JSON text')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action((options: MutantOptions) => mutants(options));

await program.parseAsync();
