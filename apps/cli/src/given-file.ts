import { readFile } from 'node:fs/promises';
import { EXIT, Failure, failureAt } from './failure.js';

/** The text of a file that the command line names. Throws Failure where it cannot be read. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? new Failure(EXIT.usage, `there is no file ${path}`, undefined, { cause: error }) : failureAt(error, path);
  }
}
