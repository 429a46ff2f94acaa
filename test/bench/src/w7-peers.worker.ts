import { join } from 'node:path';
import type { Hl7MessageEvent } from '@medplum/hl7';
import { DurableFile } from './durable-file.js';
import { candidates, type Found } from './rounds.js';

interface Parameters {
  readonly directory: string;
}

const portOf = (): number => Number(process.env['PORT']);
const fileIn = ({ directory }: Parameters): DurableFile => new DurableFile(join(directory, 'appended'));

async function untilStopped(): Promise<Found> {
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve));
  process.exit();
}

/** Neither gives the bytes as they came: what is kept is the text of the message that it read. */
async function nodeHl7Server(parameters: Parameters): Promise<Found> {
  const { Server } = await import('node-hl7-server');
  const file = fileIn(parameters);
  new Server({ bindAddress: '127.0.0.1' }).createInbound({ port: portOf() }, (request, response) => {
    void file.append(Buffer.from(request.getMessage().toString())).then(() => response.sendResponse('AA'));
  });
  return untilStopped();
}

async function medplum(parameters: Parameters): Promise<Found> {
  const { Hl7Server } = await import('@medplum/hl7');
  const file = fileIn(parameters);
  const server = new Hl7Server((connection) => {
    connection.addEventListener('message', ({ message }: Hl7MessageEvent) => {
      void file.append(Buffer.from(message.toString())).then(() => connection.send(message.buildAck({ ackCode: 'AA' })));
    });
  });
  server.start(portOf());
  return untilStopped();
}

await candidates<Parameters>({ 'node-hl7-server': nodeHl7Server, '@medplum/hl7': medplum });
