import { readFile } from 'node:fs/promises';
import { EXIT, Failure, failureAt } from './failure.js';

/** The text of a file that the command line names. Throws Failure where it cannot be read. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw failureOfFile(error, path);
  }
}

/** What is wrong with a file that the command line names. */
export function failureOfFile(error: unknown, path: string): Failure {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return isMissing ? new Failure(EXIT.usage, `there is no file ${path}`, undefined, { cause: error }) : failureAt(error, path);
}
