import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { PROJECTIONS, type Projection } from '@weft/domain';
import { openEmbeddedStore } from '@weft/embedded';
import { CARE_RECORD_PREFIX, careEventsTopic, type Message, RecordCareEvents, replayView } from '@weft/processing';
import { createReplayWorkers } from '@weft/service';
import { careEvent, patientNumbers } from './care-events.js';
import { openRegion, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';
import { openSqlite } from './sqlite.js';

interface Parameters {
  readonly directory: string;
  readonly events: number;
  readonly patients: number;
  /** The records as a replay left them, for the limit to read. */
  readonly replayed: string;
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
async function weft({ directory, events, patients }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const { settings } = region.service;
  const workers = createReplayWorkers(settings, availableParallelism());
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

const TABLE = 'CREATE TABLE IF NOT EXISTS';
const DURABLE =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536';

/** What the limit reads, as it is, in the plainest of tables: the records' events in their order. */
async function plain({ directory, replayed }: Parameters): Promise<Found> {
  const store = await openEmbeddedStore({ directory: replayed });
  const file = await openSqlite(join(directory, 'plain.db'));
  file.exec(`${DURABLE}; ${TABLE} events (position INTEGER PRIMARY KEY, sum INTEGER, data BLOB); BEGIN`);
  const insert = file.prepare('INSERT INTO events (sum, data) VALUES (?, ?)');
  for (let after: string | undefined; ;) {
    const page = await store.readAll({
      prefixes: [CARE_RECORD_PREFIX],
      maxCount: 5_000,
      ...(after === undefined ? {} : { after }),
    });
    for (const { type, data } of page) if (type.startsWith('care-event-')) insert.run(crc32(data), data);
    if (page.length === 0) break;
    after = page.at(-1)?.position;
  }
  file.exec('COMMIT');
  file.close();
  await store.close();
  return {};
}

/** One thread that reads every event and checks it. */
async function limit({ replayed, events }: Parameters): Promise<Found> {
  const from = await openSqlite(join(replayed, 'plain.db'));
  const begun = performance.now();
  let checked = 0;
  const rows = from.prepare('SELECT sum, data FROM events ORDER BY position').iterate();
  for (const { sum, data } of rows as Iterable<{ sum: number; data: Uint8Array }>) {
    if (crc32(data) !== sum) throw new Error('an event is not what was written');
    checked += 1;
  }
  const spent = performance.now() - begun;
  if (checked !== events) throw new Error(`checked ${checked} events of ${events}`);
  return { rate: (events / spent) * 1_000 };
}

await candidates<Parameters>({ build, weft, plain, limit });
