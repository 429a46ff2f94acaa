import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { careEventsTopic, readRecord, RecordCareEvents, type Message } from '@weft/processing';
import { issueToken } from '@weft/service';
import { careEvent, patientNumbers } from './care-events.js';
import { load, type Load } from './http-client.js';
import { openRegion, sealedMessage } from './region.js';
import { candidates, type Found } from './rounds.js';

interface Parameters extends Load {
  readonly directory: string;
  readonly patients: number;
  readonly entries: number;
}

const PATIENTS_AT_ONCE = 50;

/** Records of so many entries, with all their views, as the record-projector writes them; and who may read them. */
async function build({ directory, patients, entries }: Parameters): Promise<Found> {
  const region = await openRegion(directory);
  const message = sealedMessage(region);
  const numbers = patientNumbers(patients);
  const work = new RecordCareEvents(region.wiring);
  for (let first = 0; first < patients; first += PATIENTS_AT_ONCE) {
    const messages = numbers.slice(first, first + PATIENTS_AT_ONCE).flatMap((subject, patient) =>
      Array.from({ length: entries }, (_, entry): Message => {
        const index = (first + patient) * entries + entry;
        const event = careEvent(index, subject);
        return { ...message(event), topic: careEventsTopic(event.ods), partition: 0, offset: index, timestamp: 0 };
      }),
    );
    await work.handle({ messages });
  }
  const { record } = await readRecord(region.wiring, region.wiring.keys.patient(numbers[0] as string), 'direct-care');
  writeFileSync(`${directory}/record.json`, JSON.stringify(record));
  const { service } = region;
  const caller = { roles: ['clinician'], organisation: 'Y90001', expiresIn: 43_200 } as const;
  writeFileSync(`${directory}/token`, await issueToken(service.settings, service.clock, caller));
  await region.close();
  return { patients };
}

/** A bare server: the same bytes to whoever asks for anything. */
async function bare({ directory }: Parameters): Promise<Found> {
  const body = readFileSync(`${directory}/record.json`);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
    response.end(body);
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve));
  server.close();
  server.closeAllConnections();
  return {};
}

await candidates<Parameters>({ build, bare, load });
