import { join } from 'node:path';
import { emptied, once } from './data-sets.js';
import { peerCandidates } from './peers/candidates.js';
import { PEERS } from './peers/peer.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf } from './rounds.js';
import { median } from './statistics.js';
import { under, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w3-decide.worker.js', import.meta.url);
const ENTRIES = 1_000;

async function run(context: Context): Promise<Row[]> {
  const { quick } = context;
  const unprofiled = { ...context, profiles: undefined };
  const largest = quick ? 2_000 : context.events;
  const regions = [largest / 100, largest / 10, largest].map(Math.ceil);
  const deciders = quick ? 2 : 10;
  const asked = { deciders, entries: ENTRIES, decisions: quick ? 10 : 60 };
  const directories = new Map<number, string>();
  for (const patients of regions) {
    const name = `region-${patients}-${deciders}`;
    const build = (directory: string) => inProcess(unprofiled, WORKER, 'build', { ...asked, patients, directory });
    directories.set(patients, await once(context, name, async (directory) => void (await build(directory))));
  }
  const nameOf = (patients: number): string => `weft, ${number(patients)} patients`;
  const rounds = await interleaved(context, 'W3', [
    {
      name: 'limit',
      run: () => inProcess(unprofiled, WORKER, 'limit', { ...asked, directory: emptied(join(context.directory, 'w3')) }),
    },
    ...regions.map((patients) => ({
      name: nameOf(patients),
      run: () => inProcess(context, WORKER, 'weft', { ...asked, patients, directory: directories.get(patients) }),
    })),
    ...peerCandidates(context, PEERS, 'decide', {
      patients: Math.min(deciders, 5),
      entries: ENTRIES,
      decisions: Math.min(asked.decisions, 50),
    }),
  ]);
  const p50 = (candidate: string): number => median(valuesOf(rounds, candidate, 'p50'));
  const smallest = p50(nameOf(regions[0] as number));
  return regions.map((patients): Row => {
    const candidate = nameOf(patients);
    const measured = row(context, rounds, {
      ...{
        work: 'W3',
        row: `a region of ${number(patients)} patients, p50`,
        unit: 'ms',
        better: 'lower',
        candidate,
        figure: 'p50',
      },
      size: `${number(asked.decisions)} decisions of ${number(deciders)} patients of ${number(ENTRIES)} events each`,
      limit: { what: 'one read and one durable write of the record’s bytes', rounds: valuesOf(rounds, 'limit', 'p50') },
      peers: PEERS.map((name) => ({ name, candidate: name, note: 'one view, nobody told, a region of 5 patients' })),
    });
    const p99 = median(valuesOf(rounds, candidate, 'p99'));
    const times = p50(candidate) / smallest;
    return {
      ...measured,
      more: {
        'p99 ms': p99,
        'p50 ms of objections': median(valuesOf(rounds, candidate, 'objection p50')),
        'p50 ms of agreements': median(valuesOf(rounds, candidate, 'agreement p50')),
        [`times the p50 at ${number(regions[0] as number)} patients`]: times,
      },
      aims: [under('p99 ms', 50, p99), under('times the p50 of the smallest region', 1.2, times)],
    };
  });
}

export const decide: Work = {
  name: 'W3',
  title: 'One decision',
  about:
    'A patient of 1,000 events objects or agrees for all purposes: from the decision’s being acknowledged (durable on the bus) to every view and topic obeying it, in regions of one hundredth of, a tenth of and as many patients as --events says. Limit: one read and one durable write of the record’s bytes.',
  run,
};
