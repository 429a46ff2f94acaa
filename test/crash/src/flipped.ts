import { join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { EngineDamaged } from '@weft/processing';
import { Prng } from '@weft/testing';
import type { Finding, Part, PartOptions } from './part.js';
import { everyRead, FILE, WHOLE_FILE, type Outcomes } from './reads.js';
import { faultsIn, isNamed, placed, specimen, type Files, type Placing } from './specimen.js';

const PAGE_BYTES = 4096;
const CARE_EVENTS = 60;

interface Kind {
  readonly name: string;
  readonly killed: boolean;
  readonly suffix: string;
  readonly placing: Placing;
}

const KINDS: readonly Kind[] = [
  { name: 'a closed file', killed: false, suffix: '', placing: {} },
  { name: 'a large file, not checked when opened', killed: false, suffix: '', placing: { asLarge: true } },
  { name: 'a file with a log', killed: true, suffix: '', placing: {} },
  { name: 'a log', killed: true, suffix: '-wal', placing: {} },
  { name: 'the index of a log', killed: true, suffix: '-shm', placing: {} },
];

/** Single bits flipped on every page of the file, its log and its index: each read gives what was written, or names the damage. */
export async function flipped(options: PartOptions & { readonly flips: number }): Promise<Part> {
  const made = {
    closed: specimen(options.directory, options.seed, CARE_EVENTS, false),
    killed: specimen(options.directory, options.seed, CARE_EVENTS, true),
  };
  const cases = KINDS.map((kind) => ({ kind, files: made[kind.killed ? 'killed' : 'closed'] }));
  const counts: Record<string, number> = {};
  const findings: Finding[] = [];
  const prng = new Prng(options.seed, 3);
  let done = 0;
  for (const { kind, files } of cases) {
    const whole = await placed(options.directory, files, kind.placing, (place) => everyRead(place, true));
    if ([...whole.values()].some((outcome) => outcome instanceof Error))
      throw new Error(`${FILE} as it was made cannot be read: ${String([...whole].find(([, one]) => one instanceof Error))}`);
    for (const { at, bit } of spread(
      prng,
      (files.get(kind.suffix) as Uint8Array).length,
      Math.ceil(options.flips / cases.length),
    )) {
      const damaged = withFlip(files, kind.suffix, at, bit);
      const found = await placed(options.directory, damaged, kind.placing, (place) => everyRead(place, true));
      const what = `${kind.name}: ${FILE}${kind.suffix}, byte ${at}, bit ${bit}, seed ${options.seed}`;
      const faults = faultsIn(found, whole);
      const outcome = outcomeOf(kind, found, faults);
      counts[`${kind.name}: ${outcome}`] = (counts[`${kind.name}: ${outcome}`] ?? 0) + 1;
      if (outcome === 'WRONG') findings.push({ what, problems: faults, kept: keep(options.directory, findings.length, damaged) });
      options.onProgress((done += 1), options.flips);
    }
  }
  return { name: 'flipped', cases: done, counts, findings };
}

/** What a large file does not notice by reading its rows (where they are, and that there are more), its own check must find. */
function outcomeOf({ placing }: Kind, found: Outcomes, faults: readonly string[]): string {
  if (faults.length === 0) return isNamed(found) ? 'named' : 'nothing lost';
  const checked = found.get(WHOLE_FILE) instanceof EngineDamaged;
  return placing.asLarge === true && checked ? 'found by the check of the whole file alone' : 'WRONG';
}

/** Bits on every page, as many on each; always the same for one seed. */
function spread(prng: Prng, bytes: number, count: number): { readonly at: number; readonly bit: number }[] {
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  return Array.from({ length: count }, (_, n) => {
    const start = Math.floor((n * pages) / count) * PAGE_BYTES;
    // Half of them where a page says what it is and where its rows are.
    const reach = Math.min(PAGE_BYTES, bytes - start);
    return { at: start + prng.below(prng.chance(0.5) ? Math.min(64, reach) : reach), bit: prng.below(8) };
  });
}

function withFlip(files: Files, suffix: string, at: number, bit: number): Files {
  const bytes = Uint8Array.from(files.get(suffix) as Uint8Array);
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return new Map([...files, [suffix, bytes]]);
}

export function keep(directory: string, number: number, files: Files): string {
  const kept = join(directory, `kept-${number}`);
  mkdirSync(kept, { recursive: true });
  for (const [suffix, bytes] of files) writeFileSync(join(kept, FILE + suffix), bytes);
  return kept;
}
