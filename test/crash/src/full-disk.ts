import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checked } from './check.js';
import type { Finding, Part, PartOptions } from './part.js';
import type { Enduring, Report } from './enduring.worker.js';

const WORKER = new URL('./enduring.worker.js', import.meta.url.replace('/src/', '/dist/'));
/** Room at first: from hardly a file to some megabytes, so that the disk fills in the making, while working, in a checkpoint. */
const SIZES_KIB = [16, 40, 64, 96, 128, 160, 200, 256, 320, 400, 512];
const ROOMY = '64m';

const mount = (place: string, size: string, remount: boolean): void =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', `${remount ? 'remount,' : ''}size=${size}`, 'tmpfs', place], {
    stdio: 'pipe',
  });

/** Undefined where it can be tried. */
export function whyNoFullDisk(place: string): string | undefined {
  try {
    mount(place, '1m', false);
    execFileSync('umount', [place]);
    return undefined;
  } catch {
    return 'a small file system cannot be mounted here (it takes root)';
  }
}

/** A file system that fills up while a region is at work, and then gets room: nothing acknowledged is lost, and work goes on. */
export async function fullDisk(options: PartOptions & { readonly sizesKib?: readonly number[] }): Promise<Part> {
  const skipped = whyNoFullDisk(options.directory);
  const counts: Record<string, number> = {};
  const findings: Finding[] = [];
  const sizes = options.sizesKib ?? SIZES_KIB;
  for (const [index, kib] of skipped === undefined ? sizes.entries() : []) {
    const seed = options.seed * 1_000 + index;
    const place = join(options.directory, `size-${kib}`);
    const disk = join(place, 'disk');
    mkdirSync(disk, { recursive: true });
    mount(disk, `${kib}k`, false);
    try {
      const enduring = { directory: join(disk, 'data'), ledger: join(place, 'ledger'), region: seed, seed, careEvents: 160 };
      const { problems, outcome } = await endured(enduring, disk);
      problems.push(...(await checked(join(disk, 'data'), enduring.ledger, seed)));
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      const kept = join(place, 'kept');
      if (problems.length > 0) {
        cpSync(disk, kept, { recursive: true });
        findings.push({ what: `a disk of ${kib} KiB, seed ${seed}`, problems, kept });
      }
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
    if (findings.length === 0) rmSync(place, { recursive: true });
    options.onProgress(index + 1, sizes.length);
  }
  const cases = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { name: 'full-disk', cases, counts, findings, ...(skipped === undefined ? {} : { skipped }) };
}

/** Room is made as soon as the process says that it is refused. */
async function endured(enduring: Enduring, disk: string): Promise<{ readonly problems: string[]; readonly outcome: string }> {
  const child = fork(WORKER, [JSON.stringify(enduring)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const said: string[] = [];
  child.stderr?.on('data', (data: Buffer) => said.push(String(data)));
  let report: Report | undefined;
  child.on('message', (message: Report | 'refused') => {
    if (message !== 'refused') report = message;
    else {
      mount(disk, ROOMY, true);
      child.send('room');
    }
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (report === undefined || code !== 0)
    return { problems: [`it ended with ${signal ?? code}: ${said.join('')}`], outcome: 'ended' };
  const problems = report.refusals.filter((refusal) => !isNamed(refusal)).map((refusal) => `refused with ${refusal}`);
  if (report.refusals.length === 0) problems.push('the disk never was full');
  return { problems, outcome: report.openedAt > 1 ? 'full when files were made' : 'full while at work' };
}

/** Of the port's own kind, with the file and the cause. */
export const isNamed = (refusal: string): boolean =>
  /^engine-unavailable: weft\.db: .*(full|no space|disk reports an error|cannot be opened)/s.test(refusal) ||
  // Two projectors undoing a merge at the same moment: no matter of the disk.
  refusal.startsWith('engine-unavailable: identity: ');
