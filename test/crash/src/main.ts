import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import cliProgress from 'cli-progress';
import { copied } from './copied.js';
import { cut } from './cut.js';
import { flipped } from './flipped.js';
import { fullDisk } from './full-disk.js';
import { ioErrors } from './io-errors.js';
import { kills } from './kills.js';
import { MEMORY, type Part, type PartOptions } from './part.js';
import { reportPart, reportSum, type TimedPart } from './report.js';

const HELP = `npm run crash -- [options]

Kills, starves and damages the embedded engines, with the real projectors at work on them, and checks after each blow that
everything acknowledged is there, once and in order, and that nothing but what was written is served.

  --only PART       kills | full-disk | io-errors | cut | flipped | copied; may be given several times (default: all)
  --kills N         so many kills with SIGKILL (default 520)
  --errors N        in so many processes calls of the system fail (default 64)
  --flips N         so many flipped bits (default 4000)
  --copies N        so many copies of a directory in which a region works (default 2000)
  --stride N        cuts every N bytes of a last transaction (default 1: at every byte)
  --seed N          another seed is another run (default 1)
  --directory DIR   for the files of the killed, on the disk to be tried (default: the system's for temporary files)
  --json            the result as one JSON text
  --help

full-disk needs root (it mounts a small tmpfs), io-errors needs strace; where they are not to be had they are skipped, by name.
Exit code: 0 when every promise was kept, 1 when one was broken (seed, point and the files that show it are printed), 2 for
a wrong option.`;

const PARTS = ['kills', 'full-disk', 'io-errors', 'cut', 'flipped', 'copied'] as const;
type PartName = (typeof PARTS)[number];

interface Options {
  readonly only: readonly PartName[];
  readonly kills: number;
  readonly flips: number;
  readonly copies: number;
  readonly errors: number;
  readonly stride: number;
  readonly seed: number;
  readonly directory: string;
  readonly json: boolean;
}

function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  process.exit(2);
}

function optionsOf(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const read = () =>
    parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        kills: text,
        flips: text,
        copies: text,
        errors: text,
        stride: text,
        seed: text,
        directory: text,
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
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
  const count = (name: 'kills' | 'flips' | 'copies' | 'errors' | 'stride' | 'seed', usual: number): number => {
    const value = Number(values[name] ?? usual);
    if (!Number.isSafeInteger(value) || value < 1) refuse(`--${name} ${values[name]} is no number of at least 1`);
    return value;
  };
  const only = values.only ?? PARTS;
  const unknown = only.find((name) => !PARTS.includes(name as PartName));
  if (unknown !== undefined) refuse(`--only ${unknown} is no part`);
  return {
    only: only as readonly PartName[],
    kills: count('kills', 520),
    flips: count('flips', 4_000),
    copies: count('copies', 2_000),
    errors: count('errors', 64),
    stride: count('stride', 1),
    seed: count('seed', 1),
    directory: values.directory ?? tmpdir(),
    json: values.json,
  };
}

/** A bar on standard error, where a person looks on. */
function progress(name: string): { readonly update: (done: number, total: number) => void; readonly stop: () => void } {
  if (process.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    format: `${name} {bar} {value} of {total}, {eta} s`,
  });
  bar.start(1, 0);
  return {
    update: (done, total) => {
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

const options = optionsOf(process.argv.slice(2));
mkdirSync(options.directory, { recursive: true });
const directory = mkdtempSync(join(options.directory, 'weft-crash-'));
const memory = mkdtempSync(join(MEMORY, 'weft-crash-'));
const run: Record<PartName, (given: PartOptions) => Promise<Part>> = {
  kills: (given) => kills({ ...given, kills: options.kills, lanes: Math.max(2, availableParallelism()) }),
  'full-disk': fullDisk,
  'io-errors': (given) => ioErrors({ ...given, errors: options.errors }),
  cut: (given) => cut({ ...given, stride: options.stride }),
  flipped: (given) => flipped({ ...given, flips: options.flips }),
  copied: (given) => copied({ ...given, copies: options.copies }),
};
const started = performance.now();
const parts: TimedPart[] = [];
for (const name of PARTS.filter((one) => options.only.includes(one))) {
  const bar = progress(name);
  const began = performance.now();
  const place = join(name === 'cut' || name === 'flipped' ? memory : directory, name);
  mkdirSync(place);
  const part = await run[name]({ seed: options.seed, directory: place, onProgress: bar.update });
  bar.stop();
  const timed = { ...part, seconds: (performance.now() - began) / 1_000 };
  parts.push(timed);
  if (!options.json) reportPart(timed);
}
const broken = parts.some(({ findings }) => findings.length > 0);
if (options.json) console.log(JSON.stringify({ seed: options.seed, seconds: (performance.now() - started) / 1_000, parts }));
else reportSum(parts, options.seed);
if (!broken) for (const made of [directory, memory]) rmSync(made, { recursive: true });
process.exitCode = broken ? 1 : 0;
