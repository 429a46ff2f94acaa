import { parseArgs } from 'node:util';
import type { Sizes, Work } from './work.js';
import { WORKS } from './works.js';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Asked {
  readonly works: readonly Work[];
  readonly sizes: Sizes;
  readonly profile: boolean;
  /** Where results go instead of `bench/`. */
  readonly out: string | undefined;
  /** Where data sets are built; absent: the system's directory for what is temporary. */
  readonly scratch: string | undefined;
}

const QUICK = { events: 20_000, patients: 200, rounds: 1 };
const FULL = { events: 1_000_000, patients: 10_000, rounds: 3 };

/** Throws UsageError. */
export function readArguments(args: readonly string[]): Asked | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help === true) return 'help';
  const quick = values.quick === true;
  const standard = quick ? QUICK : FULL;
  const sizes = {
    events: whole('--events', values.events) ?? standard.events,
    patients: whole('--patients', values.patients) ?? standard.patients,
    rounds: whole('--rounds', values.rounds) ?? standard.rounds,
    quick,
  };
  return { works: worksOf(positionals), sizes, profile: values.profile === true, out: values.out, scratch: values.scratch };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        profile: { type: 'boolean' },
        events: { type: 'string' },
        patients: { type: 'string' },
        rounds: { type: 'string' },
        out: { type: 'string' },
        scratch: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function worksOf(names: readonly string[]): readonly Work[] {
  if (names.length === 0) return WORKS;
  const known = new Map(WORKS.map((work) => [work.name.toLowerCase(), work]));
  return names.map((name) => {
    const work = known.get(name.toLowerCase());
    if (work === undefined)
      throw new UsageError(`no work is called ${name}: there are ${WORKS.map((one) => one.name).join(', ')}`);
    return work;
  });
}

function whole(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll(',', ''));
  if (!Number.isSafeInteger(value) || value < 1) throw new UsageError(`${option} ${text} is no whole number above 0`);
  return value;
}

export function helpText(): string {
  const works = WORKS.map(
    ({ name, title, about }) =>
      `  ${name.padEnd(5)}${title}\n${wrapped(about, 72)
        .map((line) => `       ${line}`)
        .join('\n')}`,
  );
  return `npm run bench -- [WORK…] [options]

Measures Weft against the limit of the machine and against its peers, in turn,
and writes bench/results.json, bench/results.svg and the figures of
docs/performance.md. Without a WORK all of them are run.

Works
${works.join('\n')}

Options
  --events N     events of a replay, and the most that others publish (default ${FULL.events})
  --patients N   patients they are about (default ${FULL.patients})
  --rounds N     rounds; every figure is the median of them (default ${FULL.rounds})
  --quick        small sizes and one round: to see that it works; nothing is kept
  --profile      says where the time goes, by package and by function, and keeps only that
  --out DIR      keep the results there instead
  --scratch DIR  build data sets there (default: the directory for temporary files)

Examples
  npm run bench -- --quick
  npm run bench -- W1 W2
  npm run bench -- W1 --profile --events 200,000 --rounds 1`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
