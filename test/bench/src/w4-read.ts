import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patientNumbers } from './care-events.js';
import { copied, once } from './data-sets.js';
import { emptyPlace, PEERS_WORKER } from './peers/candidates.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Candidate } from './rounds.js';
import { SECRETS } from './region.js';
import { startServer, type Server } from './server.js';
import { median } from './statistics.js';
import { atLeast, under, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w4-read.worker.js', import.meta.url);
const RECORD_API = new URL('../../../apps/record-api/dist/main.js', import.meta.url);
const NEST = 'Nest and PostgreSQL';
const CONNECTIONS = 32;
const ENTRIES = 100;

async function run(context: Context): Promise<Row[]> {
  const patients = context.quick ? 200 : 1_000;
  const records = await once(context, `readable-${patients}`, async (directory) => {
    await inProcess({ ...context, profiles: undefined }, WORKER, 'build', { directory, patients, entries: ENTRIES });
  });
  const numbers = patientNumbers(patients);
  const path = (subject: string): string => `/records/${subject}?purpose=direct-care`;
  return [
    await reading(context, records, 'the same 32 records again and again', numbers.slice(0, CONNECTIONS).map(path)),
    await reading(context, records, `one of ${number(patients)} records after the other`, numbers.map(path)),
  ];
}

async function reading(context: Context, records: string, what: string, paths: readonly string[]): Promise<Row> {
  const token = `Bearer ${readFileSync(join(records, 'token'), 'utf8')}`;
  const scratch = join(context.directory, 'w4');
  const asked = { connections: CONNECTIONS, seconds: context.quick ? 2 : 5, paths };
  const served = async (start: () => Promise<Server>, authorization?: string) => {
    const server = await start();
    try {
      const load = { ...asked, port: server.port, ...(authorization === undefined ? {} : { authorization }) };
      return await inProcess({ ...context, profiles: undefined }, WORKER, 'load', load);
    } finally {
      await server.stop();
    }
  };
  const { profiles } = context;
  const bare = () =>
    startServer(WORKER, ['bare', JSON.stringify({ directory: records })], {}, { path: '/', profiles: undefined });
  const weft = () =>
    startServer(RECORD_API, [], { ...SECRETS, WEFT_DATA_DIR: copied(records, scratch) }, { path: '/healthz', profiles });
  const candidates: Candidate[] = [
    { name: 'limit', run: () => served(bare) },
    { name: 'weft', run: () => served(weft, token) },
    { name: NEST, run: async () => served(await tableAndView(context, paths.length)) },
  ];
  const rounds = await interleaved(context, `W4 ${what}`, candidates);
  const measured = row(context, rounds, {
    ...{ work: 'W4', row: what, unit: 'requests/s', candidate: 'weft' },
    size: `${ENTRIES} entries a record, ${number(median(valuesOf(rounds, 'weft', 'bytes')))} bytes, ${CONNECTIONS} connections`,
    limit: { what: 'the same bytes from a bare node:http server', rounds: valuesOf(rounds, 'limit', 'rate') },
    peers: [{ name: NEST, candidate: NEST, note: 'no token, no audit' }],
  });
  const p99 = median(valuesOf(rounds, 'weft', 'p99'));
  return {
    ...measured,
    more: {
      'p50 ms': median(valuesOf(rounds, 'weft', 'p50')),
      'p99 ms': p99,
      'limit’s p99 ms': median(valuesOf(rounds, 'limit', 'p99')),
    },
    aims: [atLeast('% of the limit', 50, measured.percentOfLimit ?? 0), under('p99 ms', 10, p99)],
  };
}

/** Filled before it answers. */
async function tableAndView(context: Context, patients: number): Promise<() => Promise<Server>> {
  const place = await emptyPlace(context, NEST);
  const parameters = JSON.stringify({ ...place, peer: NEST, patients, entries: ENTRIES });
  return () => startServer(PEERS_WORKER, ['serve', parameters], {}, { path: '/healthz', profiles: undefined });
}

export const read: Work = {
  name: 'W4',
  title: 'Read over HTTP',
  about:
    'GET /records/{nhs} of a record of 100 entries from the record-api in a process of its own, by a client in another, over 32 connections; every read is audited durably before it is answered. Limit: the same bytes from a bare node:http server.',
  run,
};
