import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineDamaged, EngineError, EngineUnavailable, type Random, type Timers } from '@weft/processing';
import { loadDriver, type Database } from './driver.js';
import { engineError, isBusy, SHORT_READ } from './errors.js';
import { checkLog } from './log-check.js';
import type { CheckedFile } from './whole-check.js';

/** What one kind of file is made of. */
export interface Schema {
  /** File name within the data directory; stands in every error. */
  readonly file: string;
  /** SQLite's application_id: whose file it is. */
  readonly applicationId: number;
  /** SQLite's user_version. A file of a higher one was made by a newer Weft. */
  readonly version: number;
  readonly sql: string;
}

export interface Waiting {
  readonly timers: Timers;
  readonly random: Random;
  /** How long a lock of another process is waited for before the call fails with EngineUnavailable. */
  readonly lockTimeoutMs: number;
}

/** How a file is checked when it is opened. */
export interface Checking {
  /** Larger files are checked in a process of their own while they are served (default 256 MiB). */
  readonly checkAtOpenBytes?: number;
  /** Somebody else in this process has the file open and checks it. */
  readonly isChecked?: boolean;
}

export interface Opened {
  readonly database: Database;
  readonly path: string;
  /** The file, where it is still to be checked. */
  readonly unchecked: CheckedFile | undefined;
}

/** Pages that the log may hold before a writer moves them into the file by itself (64 MiB): a thread does so before, see checkpoints.ts. */
const CHECKPOINT_PAGES = 16_000;
/** What earlier forms of Weft kept in a data directory in the place of its one file. */
const EARLIER_FILES = ['bus.db', 'store.db'];
/** Up to this size the whole file is checked before it is served, at about 1 GB a second; above, while it is. */
const CHECK_AT_OPEN_BYTES = 256 * 1024 * 1024;

/** A time to wait for a lock: short and uneven, so that two who wait do not meet again and again. */
export const lockPauseMs = (random: Random): number => 1 + Math.floor(random.fraction() * 4);

/** Repeats `attempt` while another process holds the lock; never blocks the event loop. */
async function whileBusy<T>(engine: string, waiting: Waiting, attempt: () => T): Promise<T> {
  let waitedMs = 0;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || waitedMs >= waiting.lockTimeoutMs) throw engineError(engine, error);
    }
    const pause = lockPauseMs(waiting.random);
    await waiting.timers.sleep(pause);
    waitedMs += pause;
  }
}

/** Makes a directory's entries durable: SQLite does so for its logs, not for the file itself. */
function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * The file appears under its name complete or not at all: an empty file of that name is therefore one that was cut short,
 * and two processes that start on a new directory do not meet half way. Closing would move its log into it, and say nothing
 * where a full disk forbids that: so the log is moved before.
 */
async function create(directory: string, schema: Schema, waiting: Waiting): Promise<void> {
  const { DatabaseSync } = await loadDriver();
  const draft = join(directory, `${schema.file}.${waiting.random.uuid()}.new`);
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    const database = new DatabaseSync(draft);
    try {
      database.exec(`
        PRAGMA page_size = 4096;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        BEGIN;
        ${schema.sql};
        PRAGMA application_id = ${schema.applicationId};
        PRAGMA user_version = ${schema.version};
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);
      `);
    } finally {
      database.close();
    }
    linkSync(draft, join(directory, schema.file));
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(draft + suffix, { force: true });
  }
  syncDirectory(directory);
}

function pragma(database: Database, name: string): unknown {
  return Object.values((database.prepare(`PRAGMA ${name}`).get() ?? {}) as object)[0];
}

function checkIdentity(database: Database, schema: Schema): void {
  const owner = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (owner !== schema.applicationId)
    throw new EngineDamaged(schema.file, 'the file was not made by Weft, or has lost its header');
  if (typeof version !== 'number' || version < 1) throw new EngineDamaged(schema.file, 'the file has lost its schema version');
  if (version > schema.version) {
    throw new EngineDamaged(
      schema.file,
      `the file was made by a newer Weft: its schema is ${version}, this Weft knows ${schema.version}. Start that Weft instead`,
    );
  }
}

/** The tables and indexes as they stand in the file, and as they are made: told apart by so much as a letter. */
function checkTables(database: Database, schema: Schema, pattern: Database): void {
  const sql = 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name';
  pattern.exec(schema.sql);
  const [found, wanted] = [database, pattern].map((each) => JSON.stringify(each.prepare(sql).all()));
  if (found !== wanted) throw new EngineDamaged(schema.file, 'its tables are not as they were made');
}

/** Pages that the disk would not give, as the check words it: by the primary code, save for those behind the file's end. */
const wasRefusedByDisk = (found: string): boolean =>
  [...found.matchAll(/error code=(\d+)/g)].some(([, code]) => (Number(code) & 0xff) === 10 && Number(code) !== SHORT_READ);

/** Compares every page and index with each other; throws EngineDamaged for what it finds. Reads the whole file. */
export function checkIntegrity(database: Database, file: string): void {
  const problem = integrityProblem(database, file);
  if (problem !== null) throw new EngineDamaged(file, problem);
}

/** What SQLite finds where it compares every page and index with each other; throws EngineUnavailable where the disk does not let it. */
export function integrityProblem(database: Database, file: string): string | null {
  let found: string;
  try {
    found = (database.prepare('PRAGMA integrity_check(3)').all() as { integrity_check: string }[])
      .map((row) => row.integrity_check)
      .join('; ');
  } catch (error) {
    throw engineError(file, error);
  }
  if (found === 'ok') return null;
  if (wasRefusedByDisk(found)) throw new EngineUnavailable(file, `the disk reports an error (${found})`);
  return found;
}

/** An earlier form's events and messages are in no order that this one could take over. */
function refuseEarlier(directory: string): void {
  const found = EARLIER_FILES.find((file) => existsSync(join(directory, file)));
  if (found === undefined) return;
  throw new EngineDamaged(
    found,
    `the data directory was made by an earlier form of Weft, which this one cannot read. Publish again into an empty directory, or keep that version`,
  );
}

/**
 * Opens a file of the data directory, and makes it where it is missing (directory 0700, files 0600).
 * Throws EngineDamaged for a file that is not whole or not ours, EngineUnavailable for one that cannot be opened now.
 */
export async function openDatabase(
  directory: string,
  schema: Schema,
  waiting: Waiting,
  { checkAtOpenBytes = CHECK_AT_OPEN_BYTES, isChecked = false }: Checking = {},
): Promise<Opened> {
  const path = join(directory, schema.file);
  const { DatabaseSync } = await loadDriver();
  let database: Database | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    refuseEarlier(directory);
    if (!existsSync(path)) {
      if (existsSync(`${path}-wal`)) throw new EngineDamaged(schema.file, 'the file is gone, its log is still there');
      await create(directory, schema, waiting);
    }
    const bytes = statSync(path).size;
    if (bytes === 0) throw new EngineDamaged(schema.file, 'the file is empty: it was cut short');
    checkLog(path, schema.file);
    const opened = await whileBusy(schema.file, waiting, () => new DatabaseSync(path));
    database = opened;
    await whileBusy(schema.file, waiting, () => {
      // FULL: a commit is on the disk before it returns. secure_delete: what is removed is overwritten, not just unlinked.
      opened.exec(`
        PRAGMA busy_timeout = 0;
        PRAGMA foreign_keys = OFF;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA cache_size = -65536;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
        PRAGMA journal_size_limit = 67108864;
      `);
      checkIdentity(opened, schema);
      const pattern = new DatabaseSync(':memory:');
      try {
        checkTables(opened, schema, pattern);
      } finally {
        pattern.close();
      }
      if (pragma(opened, 'journal_mode') !== 'wal') throw new EngineDamaged(schema.file, 'the file has lost its journal mode');
      if (bytes <= checkAtOpenBytes && !isChecked) checkIntegrity(opened, schema.file);
    });
    return {
      database: opened,
      path,
      unchecked: bytes > checkAtOpenBytes && !isChecked ? { path, file: schema.file } : undefined,
    };
  } catch (error) {
    database?.close();
    const named = engineError(schema.file, error);
    if (typeof (named as { syscall?: unknown }).syscall !== 'string') throw named;
    throw new EngineUnavailable(schema.file, (named as Error).message, { cause: named });
  }
}

/** Leaves a file that is whole by itself, unless others have it open: one driver does not do so by closing. */
export function closeDatabase(database: Database, file: string): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // Whatever was acknowledged is in the log already; a file that is known to be damaged can still be closed.
    if (!(engineError(file, error) instanceof EngineError)) throw error;
  } finally {
    database.close();
  }
}

/** Closes the file again where a first look into its tables fails. */
export function prepareAll<T>(database: Database, file: string, prepare: () => T): T {
  try {
    return prepare();
  } catch (error) {
    database.close();
    throw engineError(file, error);
  }
}
