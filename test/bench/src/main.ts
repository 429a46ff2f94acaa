import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { helpText, readArguments, UsageError } from './arguments.js';
import { startPostgres, type Postgres } from './peers/postgres.js';
import { summary } from './profile.js';
import { table } from './report.js';
import { writeResults } from './results.js';
import type { Context, Measured } from './work.js';

const ROOT = new URL('../../../', import.meta.url);
const DOCUMENT = fileURLToPath(new URL('docs/performance.md', ROOT));

async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2));
  if (asked === 'help') return console.log(helpText());
  const directory = mkdtempSync(join(asked.scratch ?? tmpdir(), 'weft-bench-'));
  process.once('SIGINT', () => {
    rmSync(directory, { recursive: true, force: true });
    process.exit(130);
  });
  const measured: Measured[] = [];
  let postgres: Promise<Postgres> | undefined;
  try {
    for (const work of asked.works) {
      const profiles = asked.profile ? join(directory, `profiles-${work.name}`) : undefined;
      if (profiles !== undefined) mkdirSync(profiles);
      const context: Context = {
        ...asked.sizes,
        directory,
        profiles,
        postgres: () => (postgres ??= startPostgres()),
        note: (text) => process.stderr.write(`${text}\n`),
      };
      const [load = 0] = loadavg();
      const rows = await work.run(context);
      console.log(`\n${work.name} ${work.title}\n${table(rows)}`);
      if (profiles !== undefined) console.log(`\nWhere the time of ${work.name} goes\n${summary(profiles)}`);
      measured.push({ name: work.name, title: work.title, on: new Date().toISOString().slice(0, 10), load, rows });
      await keep(asked, measured);
    }
  } finally {
    await postgres?.then((server) => server.stop()).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A small or a profiled run says too little to be kept, unless it was told where. */
async function keep(
  { out, sizes, profile }: Exclude<ReturnType<typeof readArguments>, 'help'>,
  measured: readonly Measured[],
): Promise<void> {
  if (out !== undefined) return writeResults(out, measured, null);
  if (sizes.quick || profile) return void process.stderr.write('not kept: a quick or a profiled run says too little\n');
  await writeResults(fileURLToPath(new URL('bench/', ROOT)), measured, DOCUMENT);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n(npm run bench -- --help shows how)\n`);
  process.exitCode = 2;
}
