import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Database, loadDriver } from './driver.js';
import { WholeCheck } from './whole-check.js';

const BUILT = new URL('./whole-check.js', import.meta.url.replace('/src/', '/dist/')).href;

describe('a check of a large file', () => {
  let checked: { readonly path: string; readonly file: string };
  let beside: Database;

  /** A file that takes minutes to check, as one of a region does: each row is compared with a constraint that is slow. */
  beforeEach(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'weft-whole-check-'));
    checked = { path: join(directory, 'large.db'), file: 'large.db' };
    const { DatabaseSync } = await loadDriver();
    beside = new DatabaseSync(checked.path);
    beside.exec(`
      PRAGMA ignore_check_constraints = ON;
      CREATE TABLE slow (row INTEGER PRIMARY KEY, CHECK (length(hex(zeroblob(10000000 + row))) > 0));
      WITH RECURSIVE rows (row) AS (VALUES (1) UNION ALL SELECT row + 1 FROM rows WHERE row < 20000) INSERT INTO slow SELECT row FROM rows;
    `);
  });
  afterEach(async () => {
    beside.close();
    await rm(join(checked.path, '..'), { recursive: true });
  });

  /** Nobody writes to a file without its log while somebody reads it. */
  const isBeingRead = (): boolean => {
    try {
      beside.exec('BEGIN EXCLUSIVE; ROLLBACK');
      return false;
    } catch {
      return true;
    }
  };
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await setTimeout(10);
  };

  it('is stopped in the middle of it, and leaves the process that serves alone', async () => {
    const check = new WholeCheck(checked);
    await until(isBeingRead);
    await check.stop();
    expect(isBeingRead()).toBe(false);
    expect(() => check.refuse()).not.toThrow();
    await check.stop();
  });

  it('does not outlive the process that serves, if that is killed', async () => {
    const host = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { WholeCheck } = await import(${JSON.stringify(BUILT)});
       new WholeCheck(${JSON.stringify(checked)});
       setInterval(() => undefined, 1000);`,
    ]);
    await until(isBeingRead);
    host.kill('SIGKILL');
    await once(host, 'exit');
    await until(() => !isBeingRead());
    expect(host.signalCode).toBe('SIGKILL');
  });
});
