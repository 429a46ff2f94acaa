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

/** Puts what was measured in the place of what was measured before, and draws and writes everything anew. */
export async function writeResults(directory: string, measured: readonly Measured[], document: string | null): Promise<void> {
  const before = readResults(directory)?.works ?? [];
  const all = new Map([...before, ...measured].map((one) => [one.name, one]));
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
