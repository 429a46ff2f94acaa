import { join } from 'node:path';
import { emptied } from './data-sets.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf } from './rounds.js';
import { median } from './statistics.js';
import { under, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w6-size.worker.js', import.meta.url);
/** As infra/docker starts the apps: a collector that may let rubbish lie for gigabytes says nothing of what Weft needs. */
const HEAP_MIB = 768;
/** How much more memory five million events may take than a hundred thousand, for it to be called flat. */
const FLAT = 1.5;

async function run(context: Context): Promise<Row[]> {
  const sizes = [context.events / 10, context.events, context.events * 5].map(Math.ceil);
  const nameOf = (events: number): string => `weft, ${events}`;
  const patientsOf = (events: number): number => Math.max(1, Math.round(events / 100));
  const once = { ...context, rounds: 1 };
  const candidates = sizes.map((events) => ({
    name: nameOf(events),
    run: () =>
      inProcess(
        context,
        WORKER,
        'grow',
        { events, patients: patientsOf(events), directory: emptied(join(context.directory, 'w6')) },
        HEAP_MIB,
      ),
  }));
  const rounds = await interleaved(once, 'W6', candidates);
  const peak = (events: number): number => median(valuesOf(rounds, nameOf(events), 'peakMiB'));
  return sizes.map((events): Row => {
    const measured = row(once, rounds, {
      ...{
        work: 'W6',
        row: `${number(events)} events`,
        unit: 'bytes an event',
        better: 'lower',
        candidate: nameOf(events),
        figure: 'disk',
      },
      size: `${number(patientsOf(events))} patients`,
      limit: { what: 'the payload’s bytes', rounds: valuesOf(rounds, nameOf(events), 'payload') },
    });
    const times = measured.ours / (measured.limit?.value ?? NaN);
    const grown = peak(events) / peak(sizes[0] as number);
    return {
      ...measured,
      more: { 'times the payload': times, 'peak MiB of memory': peak(events) },
      aims: [under('times the payload', 4, times), under('times the memory of the smallest', FLAT, grown)],
    };
  });
}

export const size: Work = {
  name: 'W6',
  title: 'Memory and disk',
  about:
    'What an event takes on the disk once it is on the bus, in its record, in all four views and with the subscribers, and the most memory that the process took: for a tenth of, for as many and for five times as many events as --events says, 100 a patient, with as much heap as infra/docker gives an app. Limit: the payload’s bytes. Once, for sizes do not vary.',
  run,
};
