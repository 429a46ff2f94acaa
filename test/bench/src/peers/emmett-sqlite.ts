import { join } from 'node:path';
import {
  getSQLiteEventStore,
  sqliteConnection,
  sqliteProjection,
  type SQLiteConnection,
  type SQLiteProjectionDefinition,
} from '@event-driven-io/emmett-sqlite';
import type { BenchEvent } from '../care-events.js';
import {
  careEventRecorded,
  consentStream,
  decisionMade,
  recordStream,
  type CareEventRecorded,
  type DecisionMade,
} from './emmett-events.js';
import { byPatient, type Peer } from './peer.js';

const PULLED_AT_ONCE = 1_000;
const UPSERT =
  'INSERT INTO views (patient, entry, data) VALUES (?, ?, ?) ON CONFLICT (patient, entry) DO UPDATE SET data = excluded.data';

/**
 * emmett on its SQLite store. Appends go one after the other over one connection: side by side over one connection they share
 * a transaction and are acknowledged before it is committed, and with a connection for each they fail.
 */
export async function openEmmettSqlite(directory: string): Promise<Peer> {
  const fileName = join(directory, 'emmett.db');
  const connection = sqliteConnection({ fileName });
  await connection.command(
    'CREATE TABLE IF NOT EXISTS views (patient TEXT, entry TEXT, data TEXT, PRIMARY KEY (patient, entry))',
  );
  const given = { fileName, connectionOptions: { singleton: true as const, connection } };
  const storing = getSQLiteEventStore({ ...given });
  const viewing = getSQLiteEventStore({
    ...given,
    projections: [
      { type: 'inline', projection: view },
      { type: 'inline', projection: obedience },
    ],
  });
  let last: Promise<unknown> = storing.schema.migrate();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const appendTo = (store: typeof storing, events: readonly BenchEvent[]): Promise<void> =>
    inTurn(async () => {
      for (const [patient, own] of byPatient(events))
        await store.appendToStream(recordStream(patient), own.map(careEventRecorded));
    });
  return {
    append: (events) => appendTo(viewing, events),
    store: (events) => appendTo(storing, events),
    rebuild: () => rebuild(fileName, connection),
    decide: (patient, effect) =>
      inTurn(async () => void (await viewing.appendToStream(consentStream(patient), [decisionMade(patient, effect)]))),
    entries: async (patient) => {
      const where = patient === undefined ? '' : ' WHERE patient = ?';
      const found = await connection.querySingle<{ n: number }>(
        `SELECT count(*) AS n FROM views${where}`,
        patient === undefined ? [] : [patient],
      );
      return found?.n ?? 0;
    },
    close: async () => connection.close(),
  };
}

const view: SQLiteProjectionDefinition<CareEventRecorded> = sqliteProjection<CareEventRecorded>({
  name: 'view',
  canHandle: ['CareEventRecorded'],
  handle: async (events, { connection }) => {
    for (const { data } of events) {
      const { event } = data;
      await connection.command(UPSERT, [event.subject, event.id, JSON.stringify(event.resource)]);
    }
  },
});

/** The patient's events are read again, and the view is what the decision lets be seen of them. */
const obedience: SQLiteProjectionDefinition<DecisionMade> = sqliteProjection<DecisionMade>({
  name: 'obedience',
  canHandle: ['DecisionMade'],
  handle: async (events, { connection }) => {
    for (const { data } of events) {
      const { patient, effect } = data;
      const stored = await connection.query<{ message_data: string }>(
        'SELECT message_data FROM emt_messages WHERE stream_id = ? ORDER BY stream_position',
        [recordStream(patient)],
      );
      await connection.command('DELETE FROM views WHERE patient = ?', [patient]);
      for (const { message_data } of effect === 'permit' ? stored : []) {
        const { event } = JSON.parse(message_data) as CareEventRecorded['data'];
        await connection.command(UPSERT, [event.subject, event.id, JSON.stringify(event.resource)]);
      }
    }
  },
});

async function rebuild(fileName: string, connection: SQLiteConnection): Promise<void> {
  await connection.command('DELETE FROM views');
  const end = await connection.querySingle<{ last: number }>('SELECT max(global_position) AS last FROM emt_messages');
  const store = getSQLiteEventStore({ fileName, connectionOptions: { singleton: true, connection } });
  const consumer = store.consumer<CareEventRecorded>({ pulling: { batchSize: PULLED_AT_ONCE, pullingFrequencyInMs: 1 } });
  consumer.processor<CareEventRecorded>({
    processorId: `rebuild-${process.pid}`,
    projection: view,
    startFrom: 'BEGINNING',
    stopAfter: ({ metadata }) => Number(metadata.globalPosition) >= (end?.last ?? 0),
  });
  await consumer.start();
  await consumer.stop();
}
