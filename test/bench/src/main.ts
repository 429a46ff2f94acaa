import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Asked, helpText, readArguments, UsageError } from './arguments.js';
import { startPostgres, type Postgres } from './peers/postgres.js';
import { profileOf, profileText } from './profile.js';
import { table } from './report.js';
import { writeProfiles, writeResults } from './results.js';
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
      const profile = profiles === undefined ? undefined : profileOf(profiles, { starts: work.starts === true });
      if (profile !== undefined) console.log(`\nWhere the time of ${work.name} goes\n${profileText(profile)}`);
      const on = new Date().toISOString().slice(0, 10);
      measured.push({ name: work.name, title: work.title, on, load, rows, ...(profile === undefined ? {} : { profile }) });
      await keep(asked, measured);
    }
  } finally {
    await postgres?.then((server) => server.stop()).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A small run says too little to be kept, unless it was told where; of a profiled one only the profile is kept. */
async function keep({ out, sizes, profile }: Asked, measured: readonly Measured[]): Promise<void> {
  if (out === undefined && sizes.quick) return void process.stderr.write('not kept: a quick run says too little\n');
  const [directory, document] = out === undefined ? [fileURLToPath(new URL('bench/', ROOT)), DOCUMENT] : [out, null];
  await (profile ? writeProfiles : writeResults)(directory, measured, document);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`bench: ${error.message}\n(npm run bench -- --help shows how)\n`);
  process.exitCode = 2;
}
