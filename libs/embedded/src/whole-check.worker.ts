import { constants, setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { integrityProblem } from './database.js';
import { loadDriver } from './driver.js';

/** What is wrong with the file, null if nothing is. */
async function problemIn(path: string, file: string): Promise<string | null> {
  const { DatabaseSync } = await loadDriver();
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA query_only = ON; PRAGMA busy_timeout = 60000');
    return integrityProblem(database, file);
  } finally {
    database.close();
  }
}

/**
 * Says what is wrong with the file, and nothing if nothing is; ends with 1 where it could not be checked. It checks in a
 * thread, so as to notice when nobody asks any more.
 */
function answer(): void {
  // Whoever asked was killed: a process that starts in its place has the file checked anew.
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Those who are served come first.
  setPriority(constants.priority.PRIORITY_LOW);
  let problem: string | null | undefined;
  const checking = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) });
  checking.once('message', (found: string | null) => (problem = found));
  checking.once('error', () => undefined);
  checking.once('exit', () => {
    if (typeof problem !== 'string') process.exit(problem === null ? 0 : 1);
    process.send?.(problem, () => process.exit());
  });
}

if (isMainThread) answer();
else {
  const [path, file] = workerData as [string, string];
  parentPort?.postMessage(await problemIn(path, file));
}
