import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { YOUNG_MB } from './seeds.js';

/** One deliberate mistake: in `file`, `find` stands exactly once and becomes `replace`. */
export interface Mutant {
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Makes mistakes in one file. */
export const mistakesIn =
  (file: string) =>
  (name: string, find: string, replace: string): Mutant => ({ name, file, find, replace });

export interface Caught {
  readonly mutant: Mutant;
  /** Null: it survived. `stands still`: no seed came to an end. */
  readonly by: { readonly invariant: string; readonly seed: number } | null;
}

const LIBS = ['domain', 'processing', 'testing'] as const;
/** What the tests' parts import of it is no part of a simulation: it stays where it is. */
const BESIDE = 'national';
const CHILD_MAX_MS = 3_600_000;

/** The source with the mistake in it. Throws where `find` does not stand there exactly once: the list must not rot. */
export function mutated(root: string, { name, file, find, replace }: Mutant): string {
  const source = readFileSync(join(root, file), 'utf8');
  const times = source.split(find).length - 1;
  if (times !== 1) throw new Error(`${name}: ${JSON.stringify(find)} stands ${times} times in ${file}, not once`);
  return source.replace(find, () => replace);
}

/** What is run of the source with the mistake in it. Throws where that is no program. */
export function compiled(root: string, mutant: Mutant): string {
  const options = { configFile: join(root, '.swcrc'), filename: mutant.file, sourceMaps: false };
  return transformSync(mutated(root, mutant), options).code;
}

/** Builds the mistake into a copy of what was built, and simulates seeds there until one shows it: `first` before all others. */
export async function tryMutant(root: string, mutant: Mutant, seeds: number, first: readonly number[] = []): Promise<Caught> {
  const code = compiled(root, mutant);
  const copy = mkdtempSync(join(tmpdir(), 'weft-mutant-'));
  try {
    copyBuild(root, copy);
    const built = mutant.file.replace(/^libs\/(\w+)\/src\/(.*)\.ts$/, 'node_modules/@weft/$1/dist/$2.js');
    writeFileSync(join(copy, built), code);
    return { mutant, by: await seedsUntilBroken(join(copy, 'simulation/until-broken.worker.js'), [seeds, ...first]) };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copyBuild(root: string, copy: string): void {
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
  cpSync(join(root, 'test/simulation/dist'), join(copy, 'simulation'), { recursive: true });
  for (const lib of LIBS) {
    const to = join(copy, 'node_modules/@weft', lib);
    mkdirSync(to, { recursive: true });
    cpSync(join(root, 'libs', lib, 'package.json'), join(to, 'package.json'));
    cpSync(join(root, 'libs', lib, 'dist'), join(to, 'dist'), { recursive: true });
  }
  symlinkSync(join(root, 'libs', BESIDE), join(copy, 'node_modules/@weft', BESIDE), 'dir');
}

function seedsUntilBroken(script: string, seeds: readonly number[]): Promise<Caught['by']> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--max-semi-space-size=${YOUNG_MB / 3}`, script, ...seeds.map(String)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [out, error, isSlow] = ['', '', false];
    const limit = setTimeout(() => {
      isSlow = true;
      child.kill('SIGKILL');
    }, CHILD_MAX_MS);
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (error += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(limit);
      if (isSlow) reject(new Error(`no answer within ${CHILD_MAX_MS / 1_000} s`));
      else if (out === '') reject(new Error(`the simulation itself failed: ${error.slice(0, 2_000)}`));
      else resolve(JSON.parse(out) as Caught['by']);
    });
  });
}
