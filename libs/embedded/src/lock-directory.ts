import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { EngineUnavailable } from '@weft/processing';
import { loadDriver, type Database } from './driver.js';
import { engineError, isBusy } from './errors.js';

export interface DirectoryLock {
  release(): void;
}

/**
 * Makes sure that one process at a time plays a role on a data directory. The lock is the operating system's, held through
 * an open transaction on `weft-<role>.lock`: it ends with its process, however that ends, and leaves nothing to clean up.
 * Throws EngineUnavailable, with the process that has it, when somebody else does.
 */
export async function lockDirectory(directory: string, role: string): Promise<DirectoryLock> {
  const { DatabaseSync } = await loadDriver();
  const file = `weft-${role}.lock`;
  const path = join(directory, file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST')
      throw new EngineUnavailable(file, (error as Error).message, { cause: error });
  }
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
    // Somebody may just be reading who has it: the commit waits for that.
    database.exec('PRAGMA busy_timeout = 1000');
    database.exec(`
      CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL);
      DELETE FROM holder;
      INSERT INTO holder VALUES (${process.pid})`);
    // Committed so that others can read who it is; until the lock is taken again one of them may come between.
    database.exec('COMMIT; PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
  } catch (error) {
    const refusal = isBusy(error) ? new EngineUnavailable(directory, inUse(database, role)) : engineError(file, error);
    database.close();
    throw refusal;
  }
  const release = (): void => {
    database.exec('ROLLBACK');
    database.close();
  };
  return { release };
}

function inUse(database: Database, role: string): string {
  try {
    const holder = database.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined;
    if (holder !== undefined) return `this data directory is in use by another weft ${role}, process ${holder.pid}`;
  } catch {
    // It is just writing who it is.
  }
  return `this data directory is in use by another weft ${role}`;
}
