import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import cliProgress from 'cli-progress';
import { report } from './report.js';
import { storm, type StormOptions } from './storm.js';

const HELP = `npm run storm -- [options]

Starts a region as its users have it, each app a process of its own on the embedded engines, and lets a storm loose on it:
people opt out and back in under every authority, for good and for seconds, by /consents, /fhir and /events; organisations
publish, amend and retract; readers read every route; of each purpose two subscribers stay, two leave and go on at their
cursor, two begin anew; and every few seconds a process is killed with -9 and started again.

An oracle that shares nothing with the product knows what was sent and when it was answered. It looks up every entry in
every read, and in everything that a subscriber is told: nothing may be shown that was forbidden, and answered as obeyed,
before the read or the subscription began. Of a connection that has been open for longer, a line may be 5 seconds under
way. When it is quiet again every acknowledged event must be in its record, and every read and subscriber must have what
may be seen, and nothing else; \`weft verify\` must find no view that differs, and every process must stop when it is told to.

  --minutes N          how long the storm lasts (default 20); it ends later, once the region is at rest and checked
  --seed N             another seed is another storm (default 1)
  --people N           so many people (default 24)
  --kill-every N       seconds from one kill to the next, on average (default 10)
  --directory DIR      for data and logs (default: the system's for temporary files)
  --json               the result as one JSON text
  --help

Examples:
  $ npm run storm -- --minutes 1
  $ npm run storm -- --minutes 20 --seed 7 --people 200 --kill-every 5

A seed gives the same people, wishes and kills; which of them meet at one instant is up to the machine, so that a seed may
have to be run more than once to show the same thing again.

Exit code: 0 when every promise was kept, 1 when one was broken (what, when, the seed, and where data and logs are, is
printed), 2 for a wrong option.`;

interface Options extends Omit<StormOptions, 'onProgress'> {
  readonly json: boolean;
}

function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  process.exit(2);
}

function optionsOf(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { minutes: text, seed: text, people: text, 'kill-every': text, directory: text, json: flag, help: flag };
  const read = () => parseArgs({ args: [...args], options }).values;
  let values: ReturnType<typeof read>;
  try {
    values = read();
  } catch (error) {
    refuse((error as Error).message);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const number = (name: 'minutes' | 'seed' | 'people' | 'kill-every', usual: number, isWhole: boolean): number => {
    const value = Number(values[name] ?? usual);
    if (!(value > 0) || !Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) {
      refuse(`--${name} ${values[name]} is no ${isWhole ? 'whole ' : ''}number above 0`);
    }
    return value;
  };
  return {
    minutes: number('minutes', 20, false),
    seed: number('seed', 1, true),
    people: number('people', 24, true),
    killEveryMs: number('kill-every', 10, false) * 1_000,
    directory: values.directory ?? tmpdir(),
    json: values.json,
  };
}

/** A bar on standard error, where a person looks on. */
function progress(minutes: number): { readonly onProgress: StormOptions['onProgress']; readonly stop: () => void } {
  if (process.stderr.isTTY !== true) return { onProgress: () => undefined, stop: () => undefined };
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    format: '{phase} {bar} {value} of {total} s, {kills} kills, {decisions} decisions, {reads} reads, {broken} broken',
  });
  const seconds = Math.round(minutes * 60);
  bar.start(seconds, 0, { phase: 'starting', kills: 0, decisions: 0, reads: 0, broken: 0 });
  return {
    onProgress: ({ counts, violated }, elapsedMs, phase) =>
      bar.update(Math.min(seconds, Math.round(elapsedMs / 1_000)), { ...counts, phase, broken: violated }),
    stop: () => bar.stop(),
  };
}

const { json, ...options } = optionsOf(process.argv.slice(2));
mkdirSync(options.directory, { recursive: true });
const directory = mkdtempSync(join(options.directory, 'weft-storm-'));
// Ended in the middle it takes its processes with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const bar = progress(options.minutes);
const began = performance.now();
const world = await storm({ ...options, directory, onProgress: bar.onProgress }).finally(bar.stop);
const again = `npm run storm -- --minutes ${options.minutes} --seed ${options.seed} --people ${options.people} --kill-every ${options.killEveryMs / 1_000}`;
const lines = report(world, { seconds: (performance.now() - began) / 1_000, again, directory });
const { counts, violated, violations, seed } = world;
console.log(json ? JSON.stringify({ seed, counts, violated, violations, directory, again }) : lines.join('\n'));
if (violated === 0) rmSync(directory, { recursive: true });
process.exitCode = violated === 0 ? 0 : 1;
