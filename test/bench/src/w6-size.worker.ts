import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { careEventsTopic, startOptOutProjector, startRecordProjector } from '@weft/processing';
import { careEvent, ORGANISATIONS, patientNumbers } from './care-events.js';
import { openRegion, sealedMessage, untilPublished } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
  readonly events: number;
  readonly patients: number;
}

const BATCH = 500;
/** Published and not readable yet, at most. */
const IN_FLIGHT = 2_000;
const VISIT = 10;

/** Everything that becomes of so many events: on the bus, in records, in all four views and with subscribers. */
async function grow({ directory, events, patients }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  let peak = 0;
  let readable = 0;
  let failed: unknown;
  // Nothing is kept of an event once it is readable, so that the memory is Weft's own.
  let wake = (): void => undefined;
  const onFailure = (error: unknown): void => {
    failed ??= error;
    wake();
  };
  const projector = await startRecordProjector(region.wiring, ORGANISATIONS.map(careEventsTopic), {
    onBatch: ({ messages }) => {
      readable += messages.length;
      peak = Math.max(peak, process.memoryUsage.rss());
      wake();
    },
    onFailure,
  });
  const publisher = await startOptOutProjector(region.wiring, { onFailure });
  const until = async (count: number): Promise<void> => {
    while (readable < count && failed === undefined) await new Promise<void>((resolve) => (wake = resolve));
    if (failed !== undefined) throw failed;
  };
  const message = sealedMessage(region);
  const numbers = patientNumbers(patients);
  let payload = 0;
  for (let first = 0; first < events; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, events - first) }, (_, at) =>
      message(careEvent(first + at, numbers[Math.floor((first + at) / VISIT) % patients] as string)),
    );
    payload += batch.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await until(first + batch.length - IN_FLIGHT);
    await region.service.bus.publish(batch);
  }
  await until(events);
  await untilPublished(region);
  await Promise.all([projector.stop(), publisher.stop()]);
  await region.close();
  const files = readdirSync(directory).filter((name) => /\.db/.test(name));
  const disk = files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  return { disk: disk / events, payload: payload / events, peakMiB: peak / 2 ** 20 };
}

await candidates<Parameters>({ grow });
