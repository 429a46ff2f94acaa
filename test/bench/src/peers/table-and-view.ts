import { Injectable, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import type { BenchEvent } from '../care-events.js';
import { byPatient, type Peer } from './peer.js';

const TABLES = `
  CREATE TABLE IF NOT EXISTS care_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL, event_id text NOT NULL, patient text NOT NULL, resource jsonb NOT NULL,
    UNIQUE (source, event_id));
  CREATE INDEX IF NOT EXISTS care_events_of_patient ON care_events (patient);
  CREATE TABLE IF NOT EXISTS consents (patient text PRIMARY KEY, effect text NOT NULL);
  CREATE TABLE IF NOT EXISTS patient_views (patient text PRIMARY KEY, view jsonb NOT NULL)`;
const INSERT = `INSERT INTO care_events (source, event_id, patient, resource)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]) ON CONFLICT DO NOTHING`;
const MERGE = `INSERT INTO patient_views (patient, view) VALUES ($1, $2::jsonb)
  ON CONFLICT (patient) DO UPDATE SET view = patient_views.view || excluded.view`;
const DERIVE = `INSERT INTO patient_views (patient, view)
  SELECT patient, jsonb_object_agg(event_id, resource) FROM care_events WHERE patient = $1 GROUP BY patient
  ON CONFLICT (patient) DO UPDATE SET view = excluded.view`;
const EMPTY = `INSERT INTO patient_views (patient, view) VALUES ($1, '{}') ON CONFLICT (patient) DO UPDATE SET view = '{}'`;
const CONNECTIONS = 16;

/** What a trust would write itself: one table of events, one JSON view a patient, brought in line in the same transaction. */
@Injectable()
export class TableAndView implements Peer, OnModuleDestroy {
  private readonly pool: Pool;

  constructor(database: string) {
    this.pool = new Pool({ connectionString: database, max: CONNECTIONS });
  }

  async migrate(): Promise<void> {
    await this.pool.query(TABLES);
  }

  append(events: readonly BenchEvent[]): Promise<void> {
    return this.transaction(async (query) => {
      await this.insert(query, events);
      // In one order everywhere, so that two transactions do not wait for each other's patients.
      for (const [patient, own] of [...byPatient(events)].sort(([a], [b]) => (a < b ? -1 : 1))) {
        await query(MERGE, [patient, JSON.stringify(Object.fromEntries(own.map(({ id, resource }) => [id, resource])))]);
      }
    });
  }

  store(events: readonly BenchEvent[]): Promise<void> {
    return this.transaction((query) => this.insert(query, events));
  }

  async rebuild(): Promise<void> {
    await this.transaction(async (query) => {
      await query('TRUNCATE patient_views', []);
      await query(
        'INSERT INTO patient_views SELECT patient, jsonb_object_agg(event_id, resource) FROM care_events GROUP BY patient',
        [],
      );
    });
  }

  decide(patient: string, effect: 'permit' | 'deny'): Promise<void> {
    return this.transaction(async (query) => {
      const decide = 'INSERT INTO consents VALUES ($1, $2) ON CONFLICT (patient) DO UPDATE SET effect = excluded.effect';
      await query(decide, [patient, effect]);
      await query(effect === 'permit' ? DERIVE : EMPTY, [patient]);
    });
  }

  async entries(patient?: string): Promise<number> {
    const counted = 'SELECT count(*)::int AS n FROM patient_views, jsonb_object_keys(view)';
    const where = patient === undefined ? '' : ' WHERE patient = $1';
    const { rows } = await this.pool.query(counted + where, patient === undefined ? [] : [patient]);
    return (rows[0] as { n: number }).n;
  }

  async read(patient: string): Promise<string | null> {
    const { rows } = await this.pool.query('SELECT view::text AS view FROM patient_views WHERE patient = $1', [patient]);
    return (rows[0] as { view: string } | undefined)?.view ?? null;
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  onModuleDestroy(): Promise<void> {
    return this.close();
  }

  private async insert(query: Query, events: readonly BenchEvent[]): Promise<void> {
    await query(INSERT, [
      events.map(({ source }) => source),
      events.map(({ id }) => id),
      events.map(({ subject }) => subject),
      events.map(({ resource }) => JSON.stringify(resource)),
    ]);
  }

  private async transaction(work: (query: Query) => Promise<void>): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await work((text, values) => client.query(text, [...values]));
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}

type Query = (text: string, values: readonly unknown[]) => Promise<unknown>;

@Module({})
export class TableAndViewModule {
  static register(database: string): DynamicModule {
    return {
      module: TableAndViewModule,
      providers: [{ provide: TableAndView, useFactory: () => new TableAndView(database) }],
      exports: [TableAndView],
    };
  }
}

/** The service without its door: as Nest makes it. */
export async function openTableAndView(database: string): Promise<Peer> {
  const app = await NestFactory.createApplicationContext(TableAndViewModule.register(database), { logger: false });
  const service = app.get(TableAndView);
  await service.migrate();
  return service;
}
