import { isExpectedVersionConflictError } from '@event-driven-io/emmett';
import {
  getPostgreSQLEventStore,
  postgreSQLProjection,
  rebuildPostgreSQLProjections,
  type PostgreSQLProjectionDefinition,
} from '@event-driven-io/emmett-postgresql';
import { Pool } from 'pg';
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

/** Many rows in one statement. */
const UPSERT = `INSERT INTO bench_views (patient, entry, data) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
  ON CONFLICT (patient, entry) DO UPDATE SET data = excluded.data`;
const PULLED_AT_ONCE = 1_000;

interface Client {
  query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** emmett on its PostgreSQL store, with an inline projection that writes many rows in one statement. */
export async function openEmmettPostgresql(database: string): Promise<Peer> {
  const pool = new Pool({ connectionString: database });
  await pool.query('CREATE TABLE IF NOT EXISTS bench_views (patient text, entry text, data text, PRIMARY KEY (patient, entry))');
  const storing = getPostgreSQLEventStore(database);
  await storing.schema.migrate();
  const viewing = getPostgreSQLEventStore(database, {
    projections: [
      { type: 'inline', projection: view },
      { type: 'inline', projection: obedience },
    ],
  });
  const appendTo = async (store: typeof storing, patient: string, own: readonly BenchEvent[]): Promise<void> => {
    for (;;) {
      try {
        return void (await store.appendToStream(recordStream(patient), own.map(careEventRecorded)));
      } catch (error) {
        // Two appends to one stream at once: one of them is refused, though no version was expected, and comes again.
        if (!isExpectedVersionConflictError(error)) throw error;
      }
    }
  };
  return {
    append: async (events) =>
      void (await Promise.all([...byPatient(events)].map(([patient, own]) => appendTo(viewing, patient, own)))),
    // One after the other: a rebuild loses some of what was appended side by side.
    store: async (events) => {
      for (const [patient, own] of byPatient(events)) await appendTo(storing, patient, own);
    },
    rebuild: () => rebuild(database, pool),
    decide: async (patient, effect) =>
      void (await viewing.appendToStream(consentStream(patient), [decisionMade(patient, effect)])),
    entries: async (patient) => {
      const where = patient === undefined ? '' : ' WHERE patient = $1';
      const { rows } = await pool.query(
        `SELECT count(*)::int AS n FROM bench_views${where}`,
        patient === undefined ? [] : [patient],
      );
      return (rows[0] as { n: number }).n;
    },
    close: async () => void (await Promise.all([storing.close(), viewing.close(), pool.end()])),
  };
}

async function upsert(client: Client, events: readonly BenchEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = [
    events.map(({ subject }) => subject),
    events.map(({ id }) => id),
    events.map(({ resource }) => JSON.stringify(resource)),
  ];
  await client.query(UPSERT, rows);
}

const view: PostgreSQLProjectionDefinition<CareEventRecorded> = postgreSQLProjection<CareEventRecorded>({
  name: 'bench_view',
  canHandle: ['CareEventRecorded'],
  handle: async (events, { connection }) =>
    upsert(
      connection.client as Client,
      events.map(({ data }) => data.event),
    ),
  truncate: async ({ connection }) => void (await (connection.client as Client).query('TRUNCATE bench_views', [])),
});

/** The patient's events are read again, and the view is what the decision lets be seen of them. */
const obedience: PostgreSQLProjectionDefinition<DecisionMade> = postgreSQLProjection<DecisionMade>({
  name: 'bench_obedience',
  canHandle: ['DecisionMade'],
  handle: async (events, { connection }) => {
    const client = connection.client as Client;
    for (const { data } of events) {
      const read = 'SELECT message_data FROM emt_messages WHERE stream_id = $1 ORDER BY stream_position';
      const { rows } = await client.query(read, [recordStream(data.patient)]);
      await client.query('DELETE FROM bench_views WHERE patient = $1', [data.patient]);
      const stored = rows as readonly { readonly message_data: CareEventRecorded['data'] }[];
      if (data.effect === 'permit')
        await upsert(
          client,
          stored.map(({ message_data }) => message_data.event),
        );
    }
  },
});

/** `start` resolves although a handler threw, so whoever calls counts what is there afterwards. */
async function rebuild(database: string, pool: Pool): Promise<void> {
  await pool.query('TRUNCATE bench_views');
  const consumer = rebuildPostgreSQLProjections<CareEventRecorded>({
    connectionString: database,
    projection: view,
    pulling: { batchSize: PULLED_AT_ONCE, pullingFrequencyInMs: 1 },
  });
  await consumer.start();
  await consumer.close();
}
