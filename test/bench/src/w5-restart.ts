import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patientNumbers } from './care-events.js';
import { copied } from './data-sets.js';
import { endProfile } from './profile.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Found } from './rounds.js';
import { SECRETS } from './region.js';
import { freePort, profiling, stopped, YOUNG } from './server.js';
import { under, type Context, type Row, type Work } from './work.js';
import { replayedRecords } from './w1-replay.js';

const WORKER = new URL('./w5-restart.worker.js', import.meta.url);
const FILES = new URL('./w5-files.worker.js', import.meta.url);
const WEFT = new URL('../../../apps/cli/dist/main.js', import.meta.url);
const WRITES_MS = 1_000;
const PATIENCE_MS = 120_000;

async function run(context: Context): Promise<Row[]> {
  const { events, patients } = context;
  const { replayed } = await replayedRecords(context);
  const directory = (): string => join(context.directory, 'w5');
  const unprofiled = { ...context, profiles: undefined };
  const rounds = await interleaved(context, 'W5', [
    {
      name: 'limit',
      run: async () => {
        const killed = await killedWhileWriting(context, copied(replayed, directory()));
        const begun = performance.now();
        await inProcess(unprofiled, FILES, 'open', { directory: killed });
        return { ms: performance.now() - begun };
      },
    },
    {
      name: 'weft',
      run: async () => {
        const killed = await killedWhileWriting(context, copied(replayed, directory()));
        return firstAnswer(killed, Math.floor(events / patients), context.profiles);
      },
    },
  ]);
  const measured = row(context, rounds, {
    ...{
      work: 'W5',
      row: 'killed while writing: start to first right answer',
      unit: 'ms',
      better: 'lower',
      candidate: 'weft',
      figure: 'ms',
    },
    size: `${number(events)} events of ${number(patients)} patients stored`,
    limit: { what: 'a Node process that opens the same files and reads from each', rounds: valuesOf(rounds, 'limit', 'ms') },
  });
  return [{ ...measured, aims: [under('ms', 2_000, measured.ours)] }];
}

async function killedWhileWriting({ events, patients }: Context, directory: string): Promise<string> {
  const child = fork(WORKER, ['write', JSON.stringify({ directory, events, patients })], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (child.exitCode !== null) throw new Error(`whoever should be killed while writing ended with ${child.exitCode}`);
  await new Promise((resolve) => setTimeout(resolve, WRITES_MS));
  child.kill('SIGKILL');
  await ended;
  return directory;
}

/** From the start of `weft up` to its answering with the whole record. */
async function firstAnswer(directory: string, entries: number, profiles: string | undefined): Promise<Found> {
  const port = await freePort();
  const authorization = `Bearer ${readFileSync(join(directory, 'token'), 'utf8')}`;
  const url = `http://127.0.0.1:${port}/records/${patientNumbers(1)[0]}?purpose=direct-care`;
  const environment = { ...process.env, ...SECRETS, WEFT_DATA_DIR: directory, WEFT_PORT: String(port) };
  const execArgv = [YOUNG, ...profiling(profiles)];
  let answered: bigint | undefined;
  const begun = performance.now();
  const child = fork(WEFT, ['up'], { env: environment, execArgv, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  try {
    for (;;) {
      const response = await fetch(url, { headers: { authorization } }).catch(() => null);
      if (response?.status === 200) {
        const record = (await response.json()) as { readonly entries: readonly unknown[] };
        const ms = performance.now() - begun;
        answered = process.hrtime.bigint();
        if (record.entries.length !== entries)
          throw new Error(`the first answer has ${record.entries.length} entries, not ${entries}`);
        return { ms };
      }
      if (child.exitCode !== null || performance.now() - begun > PATIENCE_MS) throw new Error('Weft did not come back');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    await stopped(child);
    if (profiles !== undefined && answered !== undefined) endProfile(profiles, answered);
  }
}

export const restart: Work = {
  name: 'W5',
  title: 'Restart',
  starts: true,
  about:
    '`weft up` on a data directory whose last process was killed with SIGKILL while it published and projected: from its start to the first right answer over HTTP. Limit: a Node process that opens the same files, killed likewise, and reads from each.',
  run,
};
