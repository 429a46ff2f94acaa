import { uptime } from 'node:os';
import { EngineDamaged } from '@weft/processing';
import { keep } from './flipped.js';
import type { Finding, Part, PartOptions } from './part.js';
import { everyRead, FILE, type Outcomes } from './reads.js';
import { faultsIn, isNamed, placed, specimen, type Files, type Placing } from './specimen.js';
import { commitEnds } from './log-frames.js';

const PAGE_BYTES = 4096;
const CARE_EVENTS = 24;
/** More than a life writes: on a busy machine much comes together, and a single commit may be all that stands in a log after a checkpoint. */
const PAGES_OF_A_LIFE = 100_000;
/** The index of a log says nothing after a restart of the machine: it is memory. */
const beforeThisBoot = (): Date => new Date(Date.now() - (uptime() + 3_600) * 1_000);

/**
 * The log of a process that was killed, cut short at every byte of its last transaction (`stride` 1), and files cut short
 * between pages. With the log's index beside it every cut is named. Without it SQLite takes the log for one that was being
 * written: everything before the transaction is there, and that the last one is gone cannot be told.
 */
export async function cut(options: PartOptions & { readonly stride: number }): Promise<Part> {
  const closed = specimen(options.directory, options.seed, CARE_EVENTS, false);
  const killed = specimen(options.directory, options.seed, CARE_EVENTS, true, { checkpointPages: PAGES_OF_A_LIFE });
  const run = new CutRun(options);
  const ends = lastTransaction(killed);
  const pagesOf = (files: Files): number => Math.ceil((files.get('') as Uint8Array).length / PAGE_BYTES);
  run.total = 2 * Math.ceil((ends.end - ends.start) / options.stride) + pagesOf(killed) + pagesOf(closed);
  await run.logCuts(killed, ends);
  await run.fileCuts(killed, 'a file with a log, cut between pages');
  await run.fileCuts(closed, 'a closed file, cut between pages');
  return { name: 'cut', cases: run.done, counts: run.counts, findings: run.findings };
}

/** From where the transaction before it ends to where it ends itself. */
function lastTransaction(files: Files): { readonly start: number; readonly end: number } {
  const [end, start] = commitEnds(files.get('-wal') as Uint8Array).toReversed();
  if (start === undefined || end === undefined) throw new Error('the log holds too little to be cut');
  return { start, end };
}

class CutRun {
  total = 0;
  done = 0;
  readonly counts: Record<string, number> = {};
  readonly findings: Finding[] = [];

  constructor(private readonly options: PartOptions & { readonly stride: number }) {}

  async logCuts(files: Files, { start, end }: { readonly start: number; readonly end: number }): Promise<void> {
    const withoutIndex = (bytes: number): Files =>
      new Map([...cutAt(files, '-wal', bytes)].filter(([suffix]) => suffix !== '-shm'));
    const before = await this.look(withoutIndex(start), {});
    for (let at = start; at < end; at += this.options.stride) {
      const indexed = await this.look(cutAt(files, '-wal', at), {});
      this.judge(
        'a log cut in its last transaction',
        `${FILE}-wal cut at ${at}`,
        mustBeNamed(indexed),
        indexed,
        cutAt(files, '-wal', at),
      );
      // Either way in which the index can be no witness, by turns: not there, or of an earlier boot.
      const isOld = (at - start) % 2 === 1;
      const unindexed = isOld ? cutAt(files, '-wal', at) : withoutIndex(at);
      const found = await this.look(unindexed, isOld ? { indexedAt: beforeThisBoot() } : {});
      const faults = faultsIn(found, before);
      this.judge(
        'the same without an index: all that was before it',
        `${FILE}-wal cut at ${at}, no index`,
        faults,
        found,
        unindexed,
      );
    }
  }

  async fileCuts(files: Files, kind: string): Promise<void> {
    const whole = await this.look(files, {});
    const bytes = (files.get('') as Uint8Array).length;
    for (let at = 0; at < bytes; at += PAGE_BYTES) {
      const cutFiles = cutAt(files, '', at);
      const found = await this.look(cutFiles, {});
      this.judge(kind, `${FILE} cut at ${at}`, faultsIn(found, whole), found, cutFiles);
    }
  }

  private look(files: Files, placing: Placing): Promise<Outcomes> {
    return placed(this.options.directory, files, placing, (place) => everyRead(place, false));
  }

  private judge(kind: string, what: string, faults: readonly string[], found: Outcomes, files: Files): void {
    const outcome = `${kind}: ${faults.length > 0 ? 'WRONG' : isNamed(found) ? 'named' : 'whole'}`;
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
    this.options.onProgress((this.done += 1), this.total);
    if (faults.length === 0) return;
    const kept = this.findings.length < 20 ? keep(this.options.directory, this.findings.length, files) : '';
    this.findings.push({ what: `${what}, seed ${this.options.seed}`, problems: faults, kept });
  }
}

function mustBeNamed(found: Outcomes): string[] {
  const error = found.get('open');
  const named = error instanceof EngineDamaged && error.message.startsWith(`${FILE}: its log `);
  return named ? [] : [`an acknowledged commit is gone, and opening says ${String(error ?? 'nothing')}`];
}

function cutAt(files: Files, suffix: string, bytes: number): Files {
  return new Map([...files].map(([name, content]) => [name, name === suffix ? content.subarray(0, bytes) : content]));
}
