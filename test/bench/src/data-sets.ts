import { closeSync, cpSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './work.js';

/** Builds a data set once for each name, in a directory of that name; a build that failed leaves nothing behind. */
export async function once(
  { directory, note }: Pick<Context, 'directory' | 'note'>,
  name: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const made = join(directory, name);
  if (existsSync(made)) return made;
  note(`building ${name}`);
  const draft = `${made}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await build(draft);
  renameSync(draft, made);
  return made;
}

/** A copy to be written to, and on the disk: what it costs is not to be paid by who is measured next. */
export function copied(from: string, to: string): string {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  for (const name of readdirSync(to, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const handle = openSync(join(name.parentPath, name.name), 'r');
    fsyncSync(handle);
    closeSync(handle);
  }
  return to;
}

export function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}
