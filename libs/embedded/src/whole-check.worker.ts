import { parentPort, workerData } from 'node:worker_threads';
import { integrityProblem } from './database.js';
import { loadDriver } from './driver.js';
import type { CheckedFile } from './whole-check.js';

/** Says what is wrong with the file, and nothing if nothing is. */
const { path, file } = workerData as CheckedFile;
const { DatabaseSync } = await loadDriver();
const database = new DatabaseSync(path);
try {
  database.exec('PRAGMA query_only = ON; PRAGMA busy_timeout = 60000');
  const problem = integrityProblem(database, file);
  if (problem !== null) parentPort?.postMessage(problem);
} finally {
  database.close();
}
