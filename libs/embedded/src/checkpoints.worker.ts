import { parentPort, workerData } from 'node:worker_threads';
import { loadDriver } from './driver.js';

const { DatabaseSync } = await loadDriver();
const database = new DatabaseSync(workerData as string);
database.exec('PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0');

parentPort?.on('message', (what: 'move' | 'end') => {
  if (what === 'end') {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    // Moves what nobody reads an older state of, and waits for nobody.
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // A disk that reports an error now: whoever writes next meets it and names it.
  }
});
