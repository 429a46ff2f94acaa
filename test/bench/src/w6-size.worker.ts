import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { careEventsTopic, startRecordProjector } from '@weft/processing';
import { careEvent, ORGANISATIONS, patientNumbers } from './care-events.js';
import { Flow } from './flow.js';
import { openRegion, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
  readonly events: number;
  readonly patients: number;
}

const PACE = { callers: 4, batch: 500 };
const VISIT = 10;

/** Everything that becomes of so many events: on the bus, in records, in all four views and with subscribers. */
async function grow({ directory, events, patients }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const flow = new Flow({ ...PACE, events });
  let peak = 0;
  const projector = await startRecordProjector(region.wiring, ORGANISATIONS.map(careEventsTopic), {
    onBatch: ({ messages }) => {
      flow.readable(messages.map(({ headers }) => Number(headers['ce_id']?.slice(2))));
      peak = Math.max(peak, process.memoryUsage.rss());
    },
    onFailure: (error) => flow.fail(error),
  });
  const message = sealedMessage(region);
  const numbers = patientNumbers(patients);
  let payload = 0;
  await flow.run(async (first, last) => {
    const batch = Array.from({ length: last - first }, (_, at) =>
      message(careEvent(first + at, numbers[Math.floor((first + at) / VISIT) % patients] as string)),
    );
    payload += batch.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await region.service.bus.publish(batch);
  });
  await projector.stop();
  await region.close();
  const files = readdirSync(directory).filter((name) => /\.db/.test(name));
  const disk = files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  return { disk: disk / events, payload: payload / events, peakMiB: peak / 2 ** 20 };
}

await candidates<Parameters>({ grow });
