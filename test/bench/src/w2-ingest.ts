import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { emptied } from './data-sets.js';
import { peerCandidates } from './peers/candidates.js';
import { PEERS, type PeerName } from './peers/peer.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Found } from './rounds.js';
import { median } from './statistics.js';
import { atLeast, under, type Aim, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w2-ingest.worker.js', import.meta.url);

const PACES = [
  { name: 'one at a time', callers: 1, batch: 1, share: 0.05 },
  { name: '64 in flight', callers: 64, batch: 1, share: 1 },
  { name: 'batches of 500', callers: 4, batch: 500, share: 1 },
] as const;
type Named = (typeof PACES)[number] | typeof LONG;

/** Every candidate's: at what the slowest peer does a second, more would take it minutes a round. */
const EVENTS_MAX = 20_000;
/** Of more patients than the record-projector remembers, in files larger than what SQLite keeps of them in memory. */
const LONG = { name: '64 in flight, for longer', callers: 64, batch: 1, share: 5 } as const;
const NOTES = {
  'emmett on SQLite': 'one view; appends one after the other, the only way that is durable',
  'emmett on PostgreSQL': 'one view; one append a patient',
  'Nest and PostgreSQL': 'one view; one transaction a call',
} as const;
const APPENDED = 'append to a file with fdatasync, the same bytes once, in groups of 64';

async function run(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const pace of PACES) {
    rows.push(await fromTopic(context, pace, PEERS));
    rows.push(await validated(context, pace));
  }
  rows.push(await fromTopic(context, LONG, []));
  return rows.sort((a, b) => (a.row < b.row ? -1 : 1));
}

function sizesOf({ events: asked, patients: most, quick }: Context, { share, batch }: Named) {
  const events = Math.max(batch * 10, Math.round(Math.min(asked, quick ? 4_000 : EVENTS_MAX) * share));
  return { events, patients: Math.min(most, Math.ceil(events / 10)) };
}

async function fromTopic(context: Context, pace: Named, peers: readonly PeerName[]): Promise<Row> {
  const sizes = sizesOf(context, pace);
  const scratch = (): string => emptied(join(context.directory, 'w2'));
  const { callers, batch } = pace;
  const rounds = await interleaved(context, `W2 (b) ${pace.name}`, [
    {
      name: 'limit',
      run: () => inProcess({ ...context, profiles: undefined }, WORKER, 'append', { ...sizes, directory: scratch() }),
    },
    {
      name: 'weft',
      run: () => inProcess(context, WORKER, 'weft', { ...sizes, callers, batch, validated: false, directory: scratch() }),
    },
    ...peerCandidates(context, peers, 'ingest', { ...sizes, callers, batch }),
  ]);
  const measured = row(context, rounds, {
    ...{ work: 'W2', row: `(b) from the topic on, ${pace.name}`, unit: 'events/s', candidate: 'weft' },
    size: `${number(sizes.events)} events of ${number(sizes.patients)} patients`,
    limit: { what: APPENDED, rounds: valuesOf(rounds, 'limit', 'rate') },
    peers: peers.map((name) => ({ name, candidate: name, note: NOTES[name] })),
  });
  const latency = latencyOf(rounds);
  const aims: Aim[] = [atLeast('% of the limit', 10, measured.percentOfLimit ?? 0)];
  if (callers === 64) aims.push(under('p99 ms', 20, latency['p99 ms']));
  return { ...measured, more: latency, aims };
}

async function validated(context: Context, pace: Named): Promise<Row> {
  const sizes = sizesOf(context, pace);
  const scratch = (): string => emptied(join(context.directory, 'w2'));
  const { callers, batch } = pace;
  const rounds = await interleaved(context, `W2 (a) ${pace.name}`, [
    { name: 'limit', run: () => onAllCores(context, sizes) },
    {
      name: 'weft',
      run: () => inProcess(context, WORKER, 'weft', { ...sizes, callers, batch, validated: true, directory: scratch() }),
    },
  ]);
  const measured = row(context, rounds, {
    ...{ work: 'W2', row: `(a) with FHIR validation, ${pace.name}`, unit: 'events/s', candidate: 'weft' },
    size: `${number(sizes.events)} events of ${number(sizes.patients)} patients`,
    limit: { what: 'the validator alone, on every core', rounds: valuesOf(rounds, 'limit', 'rate') },
  });
  return { ...measured, more: latencyOf(rounds), aims: [atLeast('% of the limit', 70, measured.percentOfLimit ?? 0)] };
}

function latencyOf(rounds: Parameters<typeof valuesOf>[0]) {
  return { 'p50 ms': median(valuesOf(rounds, 'weft', 'p50')), 'p99 ms': median(valuesOf(rounds, 'weft', 'p99')) };
}

async function onAllCores(context: Context, sizes: { readonly events: number; readonly patients: number }): Promise<Found> {
  const events = Math.max(2_000, Math.min(20_000, sizes.events));
  const each = Array.from({ length: availableParallelism() }, () =>
    inProcess({ ...context, profiles: undefined }, WORKER, 'validate', { ...sizes, events }),
  );
  return { rate: (await Promise.all(each)).reduce((sum, { rate = NaN }) => sum + rate, 0) };
}

export const ingest: Work = {
  name: 'W2',
  title: 'Ingest',
  about:
    'From publishing an event to its being readable in record and views, on the embedded engines: (a) through the gateway’s own code with full FHIR validation, (b) from the topic on. Each caller publishes the next once its last can be read. Limits: (a) the validator alone on every core, (b) the same bytes appended once to a file, with fdatasync after every 64.',
  run,
};
