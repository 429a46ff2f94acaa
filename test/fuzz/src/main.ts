import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.js';
import { inputsOf } from './inputs.js';
import { INPUTS_A_ROUND, runRound } from './round.js';
import { shrunk } from './shrink.js';

const HELP = `npm run fuzz -- [options]

Sends what nobody should: onto every inbound topic and to every route of the gateway, in a region on the embedded engines, and
looks after each round whether every message is in its record or in quarantine, every partition has reached its end, and what
is said of others has arrived.

  --minutes N    for so long (default 1; fractions too)
  --seed N       another seed is another run (default 1)
  --round N      this round alone
  --only A,B     of that round these inputs alone
  --json         the result as one JSON text
  --help

Exit code: 0 when nothing broke, 1 when something did (with how to repeat it, as short as it could be made), 2 for a wrong option.`;

function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  process.exit(2);
}

function number(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) refuse(`--${name} is a number, not ${text}`);
  return value;
}

function optionsOf(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = { minutes: text, seed: text, round: text, only: text, json: flag, help: flag };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const options = optionsOf(process.argv.slice(2));
if (options.help === true) {
  console.log(HELP);
  process.exit(0);
}
const seed = number('seed', options.seed, 1);
const print = (result: object, lines: readonly string[]): void =>
  console.log(options.json === true ? JSON.stringify(result) : lines.join('\n'));

if (options.round !== undefined) {
  const round = number('round', options.round, 0);
  const only = options.only === undefined ? undefined : new Set(options.only.split(',').map((one) => number('only', one, 0)));
  const result = await runRound(seed, round, only);
  const inputs = only === undefined ? [] : shown(round, [...only]);
  print({ seed, round, ...result }, [...inputs, ...(result.findings.length === 0 ? ['nothing broke'] : result.findings)]);
  process.exitCode = result.findings.length === 0 ? 0 : 1;
} else {
  const ends = Date.now() + number('minutes', options.minutes, 1) * 60_000;
  const result = await fuzz(seed, () => Date.now() < ends);
  const sum = `${result.inputs} inputs in ${result.rounds} rounds of seed ${seed}: ${JSON.stringify(result.counts)}`;
  if (result.broken === null) print({ seed, ...result }, [`nothing broke; ${sum}`]);
  else {
    const { round } = result.broken;
    const small = await shrunk(seed, round);
    // What depends on chance beside the seed may not break again: then the round as a whole is all there is.
    const isAgain = small.result.findings.length > 0;
    const repeat = `npm run fuzz -- --seed ${seed} --round ${round}${isAgain ? ` --only ${small.only.join()}` : ''}`;
    const findings = isAgain ? small.result.findings : result.broken.findings;
    const inputs = isAgain ? shown(round, small.only) : [];
    print({ seed, ...result, repeat, findings }, [sum, ...findings, ...inputs, `repeat it: ${repeat}`]);
    process.exitCode = 1;
  }
}

/** The beginnings of inputs, as JSON. */
function shown(round: number, indexes: readonly number[]): string[] {
  const inputs = inputsOf(seed, round, INPUTS_A_ROUND);
  return indexes.map((index) => {
    const text = JSON.stringify(inputs[index], (_, value: unknown) =>
      isBytes(value) ? Buffer.from(value.data).toString() : value,
    );
    return `input ${index}: ${text.slice(0, 1_500)}${text.length > 1_500 ? `… ${text.length} characters` : ''}`;
  });
}

function isBytes(value: unknown): value is { readonly type: 'Buffer'; readonly data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer' && 'data' in value;
}
