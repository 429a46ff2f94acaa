import { EngineDamaged, EngineError, EngineUnavailable } from '@weft/processing';

/** SQLite's primary result codes, https://sqlite.org/rescode.html, and what each means to whoever called. */
const UNAVAILABLE: Readonly<Record<number, string>> = {
  3: 'access to the file is denied',
  5: 'another process has it locked for too long',
  6: 'another connection has it locked',
  7: 'out of memory',
  8: 'the file or its directory is read-only',
  10: 'the disk reports an error',
  13: 'the disk is full',
  14: 'the file cannot be opened',
  15: 'the lock protocol fails; is this a network file system?',
  22: 'the file system does not support such large files',
};
const DAMAGED: Readonly<Record<number, string>> = {
  1: 'its tables are not as they were made',
  11: 'the file is malformed',
  19: 'its indexes contradict its rows',
  20: 'a column holds what was never written there',
  24: 'the file is malformed',
  26: 'the file is no SQLite database',
};

/** SQLITE_IOERR_SHORT_READ: nothing failed, but a page that the file must have lies behind its end. */
export const SHORT_READ = 522;

/** What SQLite says for some of them: one driver leaves the code out where a statement cannot be prepared. */
const MESSAGES: readonly (readonly [RegExp, number])[] = [
  [/no such (table|column)|malformed database schema/, 1],
  [/database is locked/, 5],
  [/disk I\/O error/, 10],
  [/disk image is malformed/, 11],
  [/disk is full/, 13],
  [/unable to open database file/, 14],
  [/file is not a database/, 26],
];

/** By its shape: a native error need not be an instance of this realm's Error. */
function resultCode(error: unknown): number | undefined {
  const { errcode, message } = (error ?? {}) as { readonly errcode?: unknown; readonly message?: unknown };
  if (typeof errcode === 'number') return errcode & 0xff;
  return MESSAGES.find(([words]) => words.test(String(message)))?.[1];
}

const isShortRead = (error: unknown): boolean => (error as { readonly errcode?: unknown }).errcode === SHORT_READ;

export const isBusy = (error: unknown): boolean => resultCode(error) === 5;

/** What the driver threw, in the ports' own words. What is no error of SQLite's comes back as it is. */
export function engineError(engine: string, error: unknown): unknown {
  if (error instanceof EngineError) return error;
  const code = resultCode(error);
  if (code === undefined) return error;
  const cause = { cause: error };
  const detail = ` (${(error as Error).message})`;
  const damage = isShortRead(error) ? 'the file was cut short: a page of it is missing' : DAMAGED[code];
  if (damage !== undefined) return new EngineDamaged(engine, damage + detail, cause);
  return new EngineUnavailable(engine, (UNAVAILABLE[code] ?? `SQLite result code ${code}`) + detail, cause);
}
