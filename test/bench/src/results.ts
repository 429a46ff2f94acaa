import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { chart } from './chart.js';
import { withFigures } from './document.js';
import { WORKS } from './works.js';
import type { Measured, Results } from './work.js';

const RESULTS = 'results.json';

function readResults(directory: string): Results | null {
  const file = join(directory, RESULTS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : null;
}

/** Puts what was measured in the place of what was measured before, and draws and writes everything anew. A profile stays. */
export async function writeResults(directory: string, measured: readonly Measured[], document: string | null): Promise<void> {
  const before = measuredBefore(directory);
  await put(
    directory,
    before,
    measured.map((one) => ({ ...before.get(one.name), ...one })),
    document,
  );
}

/** Puts the profiles beside what was measured, which a profiled run does more slowly. */
export async function writeProfiles(directory: string, measured: readonly Measured[], document: string | null): Promise<void> {
  const before = measuredBefore(directory);
  await put(
    directory,
    before,
    measured.map((one) => ({ ...one, ...before.get(one.name), profile: one.profile })),
    document,
  );
}

const measuredBefore = (directory: string): ReadonlyMap<string, Measured> =>
  new Map(readResults(directory)?.works.map((one) => [one.name, one]));

async function put(
  directory: string,
  before: ReadonlyMap<string, Measured>,
  measured: readonly Measured[],
  document: string | null,
): Promise<void> {
  const all = new Map([...before, ...measured.map((one) => [one.name, one] as const)]);
  const works = WORKS.flatMap(({ name }) => all.get(name) ?? []);
  const machine = { cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
  const results: Results = { machine, works };
  mkdirSync(directory, { recursive: true });
  await write(join(directory, RESULTS), JSON.stringify(results));
  writeFileSync(join(directory, 'results.svg'), chart(results));
  if (document !== null) await write(document, withFigures(readFileSync(document, 'utf8'), results));
}

/** As `npm run format` would have it. */
async function write(file: string, text: string): Promise<void> {
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
