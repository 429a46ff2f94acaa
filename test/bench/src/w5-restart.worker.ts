import { join } from 'node:path';
import { startRecordProjector } from '@weft/processing';
import { issueToken } from '@weft/service';
import { writeFileSync } from 'node:fs';
import { careEvent, nhsNumbers, ORGANISATIONS } from './care-events.js';
import { careEventsTopic } from '@weft/processing';
import { openRegion, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
  readonly patients: number;
  readonly events: number;
}

const BATCH = 100;

/** Publishes and projects events of people who are not there yet, until it is killed in the middle of it. */
async function write({ directory, patients, events }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const { service, wiring } = region;
  const caller = { roles: ['clinician'], organisation: 'Y90001', expiresIn: 43_200 } as const;
  writeFileSync(join(directory, 'token'), await issueToken(service.settings, service.clock, caller));
  await startRecordProjector(wiring, ORGANISATIONS.map(careEventsTopic));
  const message = sealedMessage(region);
  const numbers = nhsNumbers();
  for (let known = 0; known < patients; known += 1) numbers.next();
  process.send?.('writing');
  for (let index = events; ; index += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, at) => message(careEvent(index + at, numbers.next().value as string)));
    await service.bus.publish(batch);
  }
}

await candidates<Parameters>({ write });
