import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineDamaged } from '@weft/processing';
import { FILE, type Outcomes } from './reads.js';
import type { Life } from './worker.js';

const WORKER = new URL('./worker.js', import.meta.url.replace('/src/', '/dist/'));

/** Bytes of a file with its log and the log's index, by what follows the file's name: '', '-wal', '-shm'. */
export type Files = ReadonlyMap<string, Uint8Array>;

/**
 * What a process left of a region: of one that closed its file, or of one that was killed with its last commits in the log.
 * @param more of its life.
 */
export function specimen(
  directory: string,
  seed: number,
  careEvents: number,
  killed: boolean,
  more: Pick<Life, 'checkpointPages'> = {},
): Files {
  const place = mkdtempSync(join(directory, 'specimen-'));
  const data = join(place, 'data');
  const life: Life = { directory: data, ledger: join(place, 'ledger'), region: seed, seed, careEvents, ...more };
  const point = killed ? { point: `before the checkpoint of ${FILE}` } : {};
  const { signal, status, stderr } = spawnSync(process.execPath, [WORKER.pathname, JSON.stringify({ ...life, ...point })]);
  if (killed ? signal !== 'SIGKILL' : status !== 0) throw new Error(`the region could not be made: ${String(stderr)}`);
  const made = new Map(
    ['', '-wal', '-shm']
      .filter((suffix) => existsSync(join(data, FILE + suffix)))
      .map((suffix) => [suffix, readFileSync(join(data, FILE + suffix))]),
  );
  rmSync(place, { recursive: true });
  return made;
}

export interface Placing {
  /** The file is made to look so large that it is not checked whole when it is opened. */
  readonly asLarge?: boolean;
  /** When the log's index was last written: before this boot of the machine, it is not believed. */
  readonly indexedAt?: Date;
}

/** From this size on a file is not checked whole when it is opened. */
const LARGE_BYTES = 300 * 1024 * 1024;

/** Writes files into a fresh directory, lets it be looked at, and removes it. */
export async function placed<T>(
  directory: string,
  files: Files,
  placing: Placing,
  look: (place: string) => Promise<T>,
): Promise<T> {
  const place = join(directory, 'case');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const [suffix, bytes] of files) writeFileSync(join(place, FILE + suffix), bytes);
  if (placing.asLarge === true) truncateSync(join(place, FILE), LARGE_BYTES);
  if (placing.indexedAt !== undefined) utimesSync(join(place, `${FILE}-shm`), placing.indexedAt, placing.indexedAt);
  try {
    return await look(place);
  } finally {
    rmSync(place, { recursive: true });
    // What the driver has let go of is freed between turns of the event loop only.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is neither exactly what was written nor damage that is named with its file. */
export function faultsIn(found: Outcomes, whole: Outcomes): string[] {
  const faults: string[] = [];
  for (const [name, outcome] of found) {
    if (outcome instanceof EngineDamaged && outcome.message.startsWith(`${FILE}: `)) continue;
    if (outcome instanceof Error) faults.push(`${name}: ${String(outcome)}`);
    else if (outcome !== whole.get(name))
      faults.push(`${name}: served what was not written: ${firstDifference(outcome, whole.get(name))}`);
  }
  // A way of reading that was not come to is missing only behind one that named the damage.
  const named = [...found.values()].some((outcome) => outcome instanceof EngineDamaged);
  if (!named) for (const name of whole.keys()) if (!found.has(name)) faults.push(`${name}: not there any more`);
  return faults;
}

export const isNamed = (found: Outcomes): boolean => [...found.values()].some((outcome) => outcome instanceof EngineDamaged);

function firstDifference(is: string, was: string | Error | undefined): string {
  const wanted = String(was);
  let at = 0;
  while (at < is.length && is[at] === wanted[at]) at += 1;
  const from = Math.max(0, at - 20);
  return `…${is.slice(from, at + 60)} instead of …${wanted.slice(from, at + 60)}`;
}
