import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EngineDamaged, type Message, type StoredEvent } from '@weft/processing';
import { Prng } from '@weft/testing';
import { keep } from './flipped.js';
import type { Finding, Part, PartOptions } from './part.js';
import { everyRead, FILE, WHOLE_FILE, type Outcomes } from './reads.js';
import { isNamed, placed, specimen, type Files } from './specimen.js';
import type { Life } from './worker.js';

const WORKER = new URL('./worker.js', import.meta.url.replace('/src/', '/dist/'));
const CARE_EVENTS = 60;
const SUFFIXES = ['', '-wal', '-shm'] as const;
/** The file before its log, as a listing has them, and the other way round. */
const ORDERS = [SUFFIXES, ['-shm', '-wal', ''] as const];
/** Between two files of a copy, milliseconds at most: as long as a large file takes. */
const GAP_MS = 12;
const PAUSE_MS = 3;

/**
 * A directory copied file by file while a region works in it, in either order, and every subset of the files of a region that ended or was
 * killed: refused, or what the region was at some moment.
 */
export async function copied(options: PartOptions & { readonly copies: number }): Promise<Part> {
  const run = new CopiedRun(options);
  for (let life = 0; run.done < options.copies; life += 1) await run.copies(life);
  await run.subsets(false);
  await run.subsets(true);
  return { name: 'copied', cases: run.done, counts: run.counts, findings: run.findings };
}

class CopiedRun {
  done = 0;
  readonly counts: Record<string, number> = {};
  readonly findings: Finding[] = [];
  private readonly prng: Prng;

  constructor(private readonly options: PartOptions & { readonly copies: number }) {
    this.prng = new Prng(options.seed, 4);
  }

  /** Copies for as long as one process lives. */
  async copies(life: number): Promise<void> {
    const { directory, seed } = this.options;
    const place = mkdtempSync(join(directory, 'copied-'));
    const data = join(place, 'data');
    const asked: Life = {
      directory: data,
      ledger: join(place, 'ledger'),
      region: seed,
      seed: seed + life,
      careEvents: CARE_EVENTS,
    };
    const child = spawn(process.execPath, [WORKER.pathname, JSON.stringify(asked)], { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const made: { readonly order: number; readonly files: Files }[] = [];
    while (child.exitCode === null && child.signalCode === null) {
      await pause(this.prng.fraction() * PAUSE_MS);
      if (!existsSync(join(data, FILE))) continue;
      const order = this.prng.below(ORDERS.length);
      made.push({ order, files: await this.copy(data, ORDERS[order] as readonly string[]) });
    }
    if ((await ended) !== 0) throw new Error('the region that was to be copied ended badly');
    const whole = await everyRead(data, false);
    for (const { order, files } of made.slice(0, this.options.copies - this.done)) {
      const found = await placed(directory, files, {}, (at) => everyRead(at, false));
      const what = order === 0 ? 'a copy, the file before its log' : 'a copy, the log before its file';
      this.judge(what, `${what}, life ${life}`, laterThan(found, whole), found, files);
    }
    rmSync(place, { recursive: true });
  }

  /** What a process left, without some of its files. */
  async subsets(killed: boolean): Promise<void> {
    const { directory, seed } = this.options;
    const files = specimen(directory, seed, CARE_EVENTS, killed);
    const whole = await placed(directory, files, {}, (at) => everyRead(at, false));
    for (let chosen = 1; chosen < 2 ** SUFFIXES.length; chosen += 1) {
      const some: Files = new Map([...files].filter(([suffix]) => (chosen >> SUFFIXES.indexOf(suffix as '')) & 1));
      if (some.size === 0) continue;
      const found = await placed(directory, some, {}, (at) => everyRead(at, false));
      const names = [...some.keys()].map((suffix) => FILE + suffix).join(', ');
      const what = `of a region that ${killed ? 'was killed' : 'ended'}, ${names}`;
      this.judge(what, what, laterThan(found, whole), found, some);
    }
  }

  private async copy(data: string, order: readonly string[]): Promise<Files> {
    const files = new Map<string, Uint8Array>();
    for (const suffix of order) {
      if (existsSync(join(data, FILE + suffix))) files.set(suffix, readFileSync(join(data, FILE + suffix)));
      await pause(this.prng.fraction() * GAP_MS);
    }
    return files;
  }

  private judge(kind: string, what: string, faults: readonly string[], found: Outcomes, files: Files): void {
    const outcome = `${kind}: ${faults.length > 0 ? 'WRONG' : isNamed(found) ? 'refused' : 'as at some moment'}`;
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    this.options.onProgress((this.done += 1), this.options.copies);
    if (faults.length === 0) return;
    const kept = this.findings.length < 20 ? keep(this.options.directory, this.findings.length, files) : '';
    this.findings.push({ what: `${what}, seed ${this.options.seed}`, problems: faults, kept });
  }
}

/** What of a state is not what the whole had once: events and messages up to some place, all that are still there among them. */
export function laterThan(found: Outcomes, whole: Outcomes): string[] {
  const faults: string[] = [];
  for (const [name, outcome] of found) {
    if (outcome instanceof EngineDamaged && outcome.message.startsWith(`${FILE}: `)) return [];
    if (outcome instanceof Error) faults.push(`${name}: ${String(outcome)}`);
  }
  if (faults.length > 0 || !found.has(WHOLE_FILE))
    return [...faults, ...(found.has(WHOLE_FILE) ? [] : ['it was not read to its end'])];
  for (const [name, outcome] of found) {
    if (name === 'readAll') faults.push(...notOnce(name, eventsIn(outcome), eventsIn(whole.get(name))));
    else if (name.startsWith('read ')) faults.push(...notOnce(name, messagesIn(outcome), messagesIn(whole.get(name))));
  }
  return faults;
}

/** By place, what stood there. */
type Held = ReadonlyMap<number, string>;

function eventsIn(outcome: string | Error | undefined): Held {
  return new Map(parsed<StoredEvent>(outcome).map((event) => [Number(event.position), JSON.stringify(event)]));
}

function messagesIn(outcome: string | Error | undefined): Held {
  return new Map(parsed<Message>(outcome).map((message) => [message.offset, JSON.stringify(message)]));
}

const parsed = <T>(outcome: string | Error | undefined): readonly T[] =>
  typeof outcome === 'string' ? (JSON.parse(outcome) as T[]) : [];

/** Later something may have taken its place: of a stream that keeps its last event alone, or on a compacted topic. */
function notOnce(name: string, found: Held, whole: Held): string[] {
  const last = Math.max(-1, ...found.keys());
  const others = [...found].filter(([place, text]) => whole.has(place) && whole.get(place) !== text);
  const lacking = [...whole.keys()].filter((place) => place <= last && !found.has(place));
  return [
    ...others.map(([place]) => `${name}: another thing stands at ${place}`),
    ...lacking.map((place) => `${name}: what stood at ${place} is gone, and what came after it is there`),
  ];
}
