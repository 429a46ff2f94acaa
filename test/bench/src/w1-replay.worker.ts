import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PROJECTIONS, type Projection } from '@weft/domain';
import { openEmbeddedStore } from '@weft/embedded';
import {
  careEventsTopic,
  type Message,
  RecordCareEvents,
  type ReplayLane,
  type ReplayProgress,
  replayView,
  textOf,
  viewPrefix,
} from '@weft/processing';
import { createReplayWorkers, type Settings } from '@weft/service';
import { careEvent, patientNumbers } from './care-events.js';
import { openRegion, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';
import { openSqlite, type Database } from './sqlite.js';

interface Parameters {
  readonly directory: string;
  readonly events: number;
  readonly patients: number;
  /** The views as a replay left them, for the limit to write. */
  readonly replayed: string;
  readonly told: boolean;
}

const BATCH = 5_000;
/** So many events of a patient come one after the other: a visit. */
const VISIT = 10;
const DIRECT_CARE = PROJECTIONS.find(({ purpose }) => purpose === 'direct-care') as Projection;

/** Records as the record-projector writes them, and no views. */
async function build({ directory, events, patients }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const message = sealedMessage(region);
  const numbers = patientNumbers(patients);
  const work = new RecordCareEvents({ ...region.wiring, projections: [] });
  for (let first = 0; first < events; first += BATCH) {
    const length = Math.min(BATCH, events - first);
    const messages = Array.from({ length }, (_, at): Message => {
      const index = first + at;
      const subject = numbers[Math.floor(index / VISIT) % patients] as string;
      const event = careEvent(index, subject);
      return { ...message(event), topic: careEventsTopic(event.ods), partition: 0, offset: index, timestamp: 0 };
    });
    await work.handle({ messages });
  }
  await region.close();
  return { events };
}

/** `weft replay direct-care`, on every core. */
async function weft({ directory, events, patients, told }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const { settings } = region.service;
  const workers = told ? createReplayWorkers(settings, availableParallelism()) : viewsOnly(settings, availableParallelism());
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const { changed, changes } = await replayView(region.wiring, DIRECT_CARE, { fromBeginning: true, lanes: workers.lanes });
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  await workers.close();
  await region.close();
  if (changed !== patients || changes.included !== events) {
    throw new Error(`replayed ${changes.included} entries of ${changed} patients, not ${events} of ${patients}`);
  }
  return { rate: events / seconds, cores: (user + system) / 1e6 / seconds };
}

function viewsOnly(settings: Settings, count: number) {
  const file = new URL('./views-only.worker.js', import.meta.url);
  const workers = Array.from({ length: count }, () => new Worker(file, { workerData: settings }));
  const lanes = workers.map((worker): ReplayLane => async (chunk) => {
    worker.postMessage(chunk);
    const [progress] = (await once(worker, 'message')) as [ReplayProgress];
    return progress;
  });
  const ended = async (worker: Worker): Promise<void> => {
    worker.postMessage('end');
    await once(worker, 'exit');
  };
  return { lanes, close: async () => void (await Promise.all(workers.map(ended))) };
}

const TABLE = 'CREATE TABLE IF NOT EXISTS';
const DURABLE =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536';

/** What the limit reads and writes, as plain text in the plainest of tables: the records' events in their order, and the views. */
async function plain({ directory, replayed }: Parameters): Promise<Found> {
  const store = await openEmbeddedStore({ directory: replayed });
  const file = await openSqlite(join(directory, 'plain.db'));
  file.exec(
    `${DURABLE}; ${TABLE} events (position INTEGER PRIMARY KEY, data TEXT); ${TABLE} views (name TEXT PRIMARY KEY, data TEXT); BEGIN`,
  );
  const event = file.prepare('INSERT INTO events (data) VALUES (?)');
  const view = file.prepare('INSERT INTO views VALUES (?, ?)');
  const prefix = viewPrefix(DIRECT_CARE);
  for (let after: string | undefined; ;) {
    const page = await store.readAll({
      prefixes: ['careRecord-', prefix],
      maxCount: 5_000,
      ...(after === undefined ? {} : { after }),
    });
    for (const { stream, data } of page) {
      if (stream.startsWith(prefix)) view.run(stream, textOf(data));
      else event.run(textOf(data));
    }
    if (page.length === 0) break;
    after = page.at(-1)?.position;
  }
  file.exec('COMMIT');
  file.close();
  await store.close();
  return {};
}

/** Bytes a transaction. */
const WRITTEN_AT_ONCE = 8 * 1024 * 1024;
const VIEWS_AT_ONCE = 200;

/** One thread that reads and parses every event, and writes the same view bytes. */
async function limit({ directory, replayed, events }: Parameters): Promise<Found> {
  const from = await openSqlite(join(replayed, 'plain.db'));
  const to = await openSqlite(join(directory, 'views.db'));
  to.exec(`${DURABLE}; ${TABLE} views (name TEXT PRIMARY KEY, data TEXT)`);
  const begun = performance.now();
  let parsed = 0;
  for (const { data } of from.prepare('SELECT data FROM events ORDER BY position').iterate() as Iterable<{ data: string }>) {
    JSON.parse(data);
    parsed += 1;
  }
  const spent = performance.now() - begun + writeViews(from, to);
  if (parsed !== events) throw new Error(`scanned ${parsed} events of ${events}`);
  return { rate: (events / spent) * 1_000 };
}

/** Milliseconds that writing took; reading what is to be written is not counted. */
function writeViews(from: Database, to: Database): number {
  const insert = to.prepare('INSERT INTO views VALUES (?, ?)');
  const page = from.prepare('SELECT rowid, name, data FROM views WHERE rowid > ? ORDER BY rowid LIMIT ?');
  let spent = 0;
  for (let after = 0; ;) {
    const rows = [...page.iterate(after, VIEWS_AT_ONCE)] as { rowid: number; data: string; name: string }[];
    const begun = performance.now();
    write(to, rows, (row) => insert.run(row.name, row.data));
    spent += performance.now() - begun;
    const last = rows.at(-1);
    if (last === undefined) return spent;
    after = last.rowid;
  }
}

function write<T extends { readonly data: string }>(to: Database, rows: readonly T[], insert: (row: T) => void): void {
  let bytes = 0;
  to.exec('BEGIN IMMEDIATE');
  for (const row of rows) {
    if (bytes > WRITTEN_AT_ONCE) {
      to.exec('COMMIT; BEGIN IMMEDIATE');
      bytes = 0;
    }
    insert(row);
    bytes += row.data.length;
  }
  to.exec('COMMIT');
}

await candidates<Parameters>({ build, weft, plain, limit });
