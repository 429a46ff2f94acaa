import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, Failure, failureAt } from '../failure.js';
import { failureOfFile } from '../given-file.js';

export interface Found {
  readonly file: string;
  readonly bytes: number;
}

/** What there is to publish, and what of directories is left out. */
export interface Files {
  readonly found: readonly Found[];
  readonly skipped: readonly string[];
}

const PUBLISHED = /\.(json|ndjson|jsonl)$/i;

/**
 * The files that are named, and those below the directories that are named, in the order of their names. Throws Failure where
 * one is not there or cannot be read, and for a directory without any: before anything is sent.
 */
export async function filesOf(named: readonly string[]): Promise<Files> {
  const found: Found[] = [];
  const skipped: string[] = [];
  for (const path of named) {
    if (path === '-') {
      found.push({ file: path, bytes: 0 });
      continue;
    }
    const about = await aboutOf(path);
    if (!about.isDirectory()) found.push({ file: path, bytes: about.size });
    else found.push(...(await below(path, skipped)));
  }
  return { found, skipped };
}

async function aboutOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw failureOfFile(error, path);
  }
}

async function below(directory: string, skipped: string[]): Promise<Found[]> {
  const found: Found[] = [];
  const holds = await walk(directory, skipped, found);
  if (holds) return found;
  throw new Failure(
    EXIT.usage,
    `${directory} holds no *.json, *.ndjson or *.jsonl`,
    'of a directory only those are published; any other file can be named itself',
  );
}

/** Hidden files and what links lead to are skipped: nobody who names a directory means them. */
async function walk(directory: string, skipped: string[], found: Found[]): Promise<boolean> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    throw failureAt(error, directory);
  });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    const isHidden = entry.name.startsWith('.');
    if (entry.isDirectory() && !isHidden) await walk(path, skipped, found);
    else if (entry.isFile() && !isHidden && PUBLISHED.test(entry.name))
      found.push({ file: path, bytes: (await aboutOf(path)).size });
    else skipped.push(path);
  }
  return found.length > 0;
}
