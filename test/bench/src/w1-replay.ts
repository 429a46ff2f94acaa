import { join } from 'node:path';
import { copied, emptied, once } from './data-sets.js';
import { peerCandidates } from './peers/candidates.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Rounds } from './rounds.js';
import { median } from './statistics.js';
import { atLeast, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w1-replay.worker.js', import.meta.url);
/** At what they do a second, a million would take them minutes a round. */
const PEER_EVENTS = 20_000;
const EMMETT = ['emmett on SQLite', 'emmett on PostgreSQL'] as const;
const LIMIT = 'reading and checking the same events, one thread';

/** Records without views, and the same ones replayed: with the view of direct care, and as plain rows. */
export async function replayedRecords(context: Context): Promise<{ readonly records: string; readonly replayed: string }> {
  const { events, patients } = context;
  const sizes = { events, patients };
  const unprofiled = { ...context, profiles: undefined };
  const name = `records-${events}-${patients}`;
  const records = await once(context, name, async (directory) => {
    await inProcess(unprofiled, WORKER, 'build', { ...sizes, directory });
  });
  const replayed = await once(context, `${name}-replayed`, async (directory) => {
    copied(records, directory);
    await inProcess(unprofiled, WORKER, 'weft', { ...sizes, directory });
    await inProcess(unprofiled, WORKER, 'plain', { directory, replayed: directory });
  });
  return { records, replayed };
}

async function run(context: Context): Promise<Row[]> {
  const { events, patients } = context;
  const sizes = { events, patients };
  const peerEvents = Math.min(events, context.quick ? 1_000 : PEER_EVENTS);
  const unprofiled = { ...context, profiles: undefined };
  const { records, replayed } = await replayedRecords(context);
  const scratch = join(context.directory, 'w1');
  const rounds = await interleaved(context, 'W1', [
    { name: 'limit', run: () => inProcess(unprofiled, WORKER, 'limit', { ...sizes, directory: emptied(scratch), replayed }) },
    { name: 'weft', run: () => inProcess(context, WORKER, 'weft', { ...sizes, directory: copied(records, scratch) }) },
    ...peerCandidates(context, EMMETT, 'replay', { events: peerEvents, patients: Math.ceil(peerEvents / 100) }),
  ]);
  const size = `${number(events)} events of ${number(patients)} patients`;
  const peers = EMMETT.map((name) => ({ name, candidate: name, note: `${number(peerEvents)} events, 100 a patient` }));
  return [weftRow(context, rounds, size, peers)];
}

function weftRow(context: Context, rounds: Rounds, size: string, peers: NonNullable<Parameters<typeof row>[2]['peers']>): Row {
  const candidate = 'weft';
  const limit = { what: LIMIT, rounds: valuesOf(rounds, 'limit', 'rate') };
  const measured = row(context, rounds, {
    work: 'W1',
    row: 'one purpose’s views',
    size,
    unit: 'events/s',
    limit,
    candidate,
    peers,
  });
  const cores = median(valuesOf(rounds, candidate, 'cores'));
  const share = (measured.percentOfLimit ?? 0) / Math.max(1, cores);
  return {
    ...measured,
    more: { 'cores used': cores, '% of the limit a core': share },
    aims: [atLeast('% of the limit a core', 60, share), atLeast('cores used', 1.5, cores)],
  };
}

export const replay: Work = {
  name: 'W1',
  title: 'Replay',
  about:
    'Rebuilds one purpose’s views of every patient from the records in the embedded store, as `weft replay` does; the views’ effects are durable when it ends. Subscribers are told afterwards, by the publisher. Limit: one thread that reads the same events as plain rows of SQLite and checks them.',
  run,
};
