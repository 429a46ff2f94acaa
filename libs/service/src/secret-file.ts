import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { modeOfFile, SettingsError, whyLoose } from './settings.js';

/**
 * The text of a secret file (mode 0600); the first process to ask makes it. Losing a secret orphans every record, so it is
 * on the disk before it is used, and processes that start together all end up with the one that was linked first. Throws
 * SettingsError when the data directory cannot hold it, and where it is not there and none may be made (`make` null).
 */
export function keepSecretFile(path: string, make: (() => string) | null): string {
  try {
    return keep(path, make);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const message = `${path} can be neither read nor made there (${code})`;
    throw new SettingsError([{ setting: 'WEFT_DATA_DIR', message }], { cause: error });
  }
}

function keep(path: string, make: (() => string) | null): string {
  const kept = readIfThere(path);
  if (kept !== undefined) return kept;
  if (make === null) {
    const message = `${path} is not there, and a region is: put it back from its copy, as no other will do`;
    throw new SettingsError([{ setting: 'WEFT_DATA_DIR', message }]);
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  writeDurably(draft, make());
  try {
    linkSync(draft, path);
    syncDirectory(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(path, 'utf8');
}

function readIfThere(path: string): string | undefined {
  const mode = modeOfFile(path);
  const loose = mode === null ? null : whyLoose(mode);
  if (loose !== null) throw new SettingsError([{ setting: 'WEFT_DATA_DIR', message: `${path} ${loose}` }]);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncDirectory(path: string): void {
  // Windows opens no directories; its file system orders the two by itself.
  if (process.platform === 'win32') return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
