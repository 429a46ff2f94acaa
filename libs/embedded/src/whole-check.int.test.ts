import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { EngineDamaged, type Timers } from '@weft/processing';
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

  it('is stopped in the middle of it, is not begun again, and leaves the process that serves alone', async () => {
    const pauses: number[] = [];
    const check = new WholeCheck(checked, { sleep: async (ms) => void pauses.push(ms) });
    await until(isBeingRead);
    await check.stop();
    expect(isBeingRead()).toBe(false);
    expect(() => check.refuse()).not.toThrow();
    expect(pauses).toEqual([]);
    await check.stop();
  });

  it('does not outlive the process that serves, if that is killed', async () => {
    const host = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { WholeCheck } = await import(${JSON.stringify(BUILT)});
       new WholeCheck(${JSON.stringify(checked)}, {});
       setInterval(() => undefined, 1000);`,
    ]);
    await until(isBeingRead);
    host.kill('SIGKILL');
    await once(host, 'exit');
    await until(() => !isBeingRead());
    expect(host.signalCode).toBe('SIGKILL');
  });

  it('is begun again where it could not be done, until it has come to its end', async () => {
    // What stands there instead of the file cannot be read.
    const path = `${checked.path}.later`;
    await mkdir(path);
    const pauses: number[] = [];
    const timers: Timers = {
      sleep: async (ms) => {
        pauses.push(ms);
        if (pauses.length < 2) return;
        await rm(path, { recursive: true, force: true });
        await cp(await damaged(), path);
      },
    };
    const check = new WholeCheck({ path, file: 'large.db' }, timers);
    await until(() => refuses(check));
    expect(pauses).toEqual([60_000, 60_000]);
    await check.stop();
  });

  /** A file whose second half is not what was written. */
  const damaged = async (): Promise<string> => {
    const path = join(checked.path, '..', 'damaged.db');
    const { DatabaseSync } = await loadDriver();
    const database = new DatabaseSync(path);
    database.exec(`
      CREATE TABLE rows (row INTEGER PRIMARY KEY, text TEXT);
      WITH RECURSIVE some (row) AS (VALUES (1) UNION ALL SELECT row + 1 FROM some WHERE row < 1000) INSERT INTO rows SELECT row, hex(zeroblob(100)) FROM some;
    `);
    database.close();
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size / 2, 0xff), 0, size / 2, size / 2);
    await file.close();
    return path;
  };
  const refuses = (check: WholeCheck): boolean => {
    try {
      check.refuse();
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(EngineDamaged);
      return true;
    }
  };
});
