import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@weft/testing';
import { checked } from './check.js';
import type { Enduring, Report } from './enduring.worker.js';
import { isNamed } from './full-disk.js';
import type { Finding, Part, PartOptions } from './part.js';

const WORKER = new URL('./enduring.worker.js', import.meta.url.replace('/src/', '/dist/'));
const CARE_EVENTS = 24;
/** So many calls in a row fail, then none. */
const FAILING = 3;

interface Fault {
  readonly call: string;
  readonly error: 'EIO' | 'ENOSPC';
  readonly file: string;
}

const FILES = ['weft.db', 'weft.db-wal'] as const;
const FAULTS: readonly Fault[] = FILES.flatMap((file) => [
  { call: 'pwrite64', error: 'EIO', file },
  { call: 'pwrite64', error: 'ENOSPC', file },
  { call: 'fsync,fdatasync', error: 'EIO', file },
  { call: 'pread64', error: 'EIO', file },
]);

/** Undefined where it can be tried. */
export function whyNoIoErrors(): string | undefined {
  try {
    execFileSync('strace', ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO:when=1', 'true'], {
      stdio: 'pipe',
    });
    return undefined;
  } catch {
    return 'system calls cannot be made to fail here (it takes strace, and leave to trace)';
  }
}

/**
 * Reads, writes and syncs of the engines' file that fail while a region is at work, and then work again: refusals name file
 * and cause, nothing acknowledged is lost, and the process goes on.
 */
export async function ioErrors(options: PartOptions & { readonly errors: number }): Promise<Part> {
  const skipped = whyNoIoErrors();
  const counts: Record<string, number> = {};
  const findings: Finding[] = [];
  const prng = new Prng(options.seed, 4);
  let done = 0;
  for (let index = 0; skipped === undefined && index < options.errors; index += 1) {
    const fault = FAULTS[index % FAULTS.length] as Fault;
    const first = prng.between(1, fault.call === 'pwrite64' ? 60 : 12);
    const seed = options.seed * 1_000 + index;
    const place = join(options.directory, `fault-${index}`);
    mkdirSync(place);
    const { problems, refused } = await endured(place, seed, fault, first);
    const name = `${fault.call} of ${fault.file}: ${fault.error}`;
    const outcome = `${name}, ${refused ? 'calls refused' : 'nobody troubled'}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (problems.length > 0) findings.push({ what: `${name} from call ${first} on, seed ${seed}`, problems, kept: place });
    else rmSync(place, { recursive: true });
    options.onProgress((done += 1), options.errors);
  }
  return { name: 'io-errors', cases: done, counts, findings, ...(skipped === undefined ? {} : { skipped }) };
}

async function endured(
  place: string,
  seed: number,
  fault: Fault,
  first: number,
): Promise<{ readonly problems: string[]; readonly refused: boolean }> {
  const data = join(place, 'data');
  const life: Enduring = { directory: data, ledger: join(place, 'ledger'), region: seed, seed, careEvents: CARE_EVENTS };
  const inject = `inject=${fault.call}:error=${fault.error}:when=${first}..${first + FAILING - 1}`;
  const tracing = ['-f', '-qq', '-o', '/dev/null', '-P', join(data, fault.file), '-e', `trace=${fault.call}`, '-e', inject];
  const child = spawn('strace', [...tracing, process.execPath, WORKER.pathname, JSON.stringify(life)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, told]: [string[], string[]] = [[], []];
  child.stderr.on('data', (data: Buffer) => said.push(String(data)));
  child.stdout.on('data', (data: Buffer) => told.push(String(data)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) return { problems: [`it ended with ${signal ?? code}: ${said.join('')}`], refused: true };
  const { refusals } = JSON.parse(told.join('')) as Report;
  // What cannot be read SQLite may take for what is malformed: refused too, and by its file, but not as what passes.
  const isRefused = (refusal: string): boolean =>
    isNamed(refusal) || (fault.call === 'pread64' && /^engine-damaged: weft\.db: the file is malformed/.test(refusal));
  const problems = refusals.filter((refusal) => !isRefused(refusal)).map((refusal) => `refused with ${refusal}`);
  cpSync(data, join(place, 'left'), { recursive: true });
  problems.push(...(await checked(data, life.ledger, seed)));
  return { problems, refused: refusals.length > 0 };
}
