import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { emptied, once } from './data-sets.js';
import { LISTENER } from './hl7-messages.js';
import { Missing } from './missing.js';
import { SECRETS } from './region.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Candidate, type Found, type Rounds } from './rounds.js';
import { freePort, startServer, type Server } from './server.js';
import { median } from './statistics.js';
import { atLeast, under, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./w7-hl7v2.worker.js', import.meta.url);
const PEERS_WORKER = new URL('./w7-peers.worker.js', import.meta.url);
const GATEWAY = new URL('../../../apps/hl7-gateway/dist/main.js', import.meta.url);
const CONNECTIONS = 16;
const CORES = 2;
const ANEW = 5_000_000;
/** Everything that is mapped anew is held in memory, some 35 kB a message. */
const PLAN_HEAP_MIB = 12_288;
/** Each appends the text of the message that it read to a file, and answers AA once that is on the disk. */
const PEERS = {
  'node-hl7-server': {
    once: true,
    note: 'a connection a message: what came before on it is read again with the next; nothing is said of who may send, and a message sent again is another one',
  },
  '@medplum/hl7': {
    once: false,
    note: 'the end of a frame is looked for at the end of each read alone; nothing is said of who may send, and a message sent again is another one',
  },
} as const;
type Peer = keyof typeof PEERS;

async function run(context: Context): Promise<Row[]> {
  return [await acknowledged(context), await mapped(context), await mappedAnew(context)];
}

const sizesOf = ({ events, patients, quick }: Context, most: number, mostQuick: number) => {
  const messages = Math.min(events, quick ? mostQuick : most);
  return { messages, patients: Math.min(patients, Math.ceil(messages / 10)) };
};
const sizeText = ({ messages, patients }: ReturnType<typeof sizesOf>): string =>
  `${number(messages)} messages of ${number(patients)} patients`;

async function acknowledged(context: Context): Promise<Row> {
  const sizes = sizesOf(context, 50_000, 5_000);
  const unprofiled = { ...context, profiles: undefined };
  const scratch = (): string => emptied(join(context.directory, 'w7'));
  const sentTo = async ({ pid, stop }: Server, port: number, once = false): Promise<Found> => {
    try {
      return await inProcess(unprofiled, WORKER, 'send', { ...sizes, port, pid, once, connections: CONNECTIONS });
    } finally {
      await stop();
    }
  };
  const weft = async (): Promise<Found> => {
    const directory = scratch();
    await inProcess(unprofiled, WORKER, 'prepare', { directory });
    const port = await freePort();
    const listeners = join(directory, 'listeners.json');
    writeFileSync(listeners, JSON.stringify([{ ...LISTENER, port }]));
    const environment = { ...SECRETS, WEFT_DATA_DIR: directory, WEFT_HL7V2_LISTENERS: listeners };
    return sentTo(await startServer(GATEWAY, [], environment, { path: '/healthz', profiles: context.profiles }), port);
  };
  const peer = async (name: Peer): Promise<Found> => {
    refuseUnlessInstalled(name);
    const parameters = JSON.stringify({ directory: scratch() });
    const server = await startServer(PEERS_WORKER, [name, parameters], {}, { path: null, profiles: undefined });
    return sentTo(server, server.port, PEERS[name].once);
  };
  const peers = context.profiles === undefined ? (Object.keys(PEERS) as Peer[]) : [];
  const candidates: Candidate[] = [
    {
      name: 'limit',
      run: () => inProcess(unprofiled, WORKER, 'append', { ...sizes, directory: scratch(), connections: CONNECTIONS }),
    },
    { name: 'weft', run: weft },
    ...peers.map((name) => ({ name, run: () => peer(name) })),
  ];
  const rounds = await interleaved(context, 'W7 (a)', candidates);
  const measured = row(context, rounds, {
    ...{ work: 'W7', row: `(a) acknowledged, ${CONNECTIONS} connections`, unit: 'messages/s', candidate: 'weft' },
    size: `${sizeText(sizes)}, ${number(median(valuesOf(rounds, 'limit', 'bytes')))} bytes each`,
    limit: {
      what: `the same bytes appended to a file, one fdatasync for those of ${CONNECTIONS} callers that wait`,
      rounds: valuesOf(rounds, 'limit', 'rate'),
    },
    peers: peers.map((name) => ({ name, candidate: name, note: noteOf(rounds, name) })),
  });
  const p99 = figure(rounds, 'p99');
  return {
    ...measured,
    more: {
      ...{ 'p50 ms': figure(rounds, 'p50'), 'p99 ms': p99 },
      'limit’s p99 ms': median(valuesOf(rounds, 'limit', 'p99')),
      ...known({ 'CPU us a message': figure(rounds, 'cpu') }),
    },
    aims: [atLeast('messages/s', 5_000, measured.ours), under('p99 ms', 20, p99)],
  };
}

const figure = (rounds: Rounds, name: string): number => median(valuesOf(rounds, 'weft', name));

/** Without what the machine does not tell. */
const known = (figures: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => !Number.isNaN(value)));

function noteOf(rounds: Rounds, peer: Peer): string {
  const [p99, cpu] = ['p99', 'cpu'].map((name) => median(valuesOf(rounds, peer, name))) as [number, number];
  const busy = Number.isNaN(cpu) ? '' : `, CPU us a message ${number(cpu)}`;
  return `p99 ms ${number(p99)}${busy}; ${PEERS[peer].note}`;
}

function refuseUnlessInstalled(name: string): void {
  try {
    createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Missing(`${name} is not installed`);
  }
}

async function mapped(context: Context): Promise<Row> {
  const sizes = sizesOf(context, 50_000, 2_000);
  const rounds = await interleaved(context, 'W7 (b)', [
    { name: 'limit', run: () => inProcess({ ...context, profiles: undefined }, WORKER, 'read', sizes) },
    {
      name: 'weft',
      run: () => inProcess(context, WORKER, 'project', { ...sizes, directory: emptied(join(context.directory, 'w7')) }),
    },
  ]);
  const measured = row(context, rounds, {
    ...{ work: 'W7', row: '(b) from the topic to published care events', size: sizeText(sizes) },
    ...{ unit: 'messages/s', candidate: 'weft' },
    limit: {
      what: 'the mapping alone, one thread: nothing is read from a topic or kept',
      rounds: valuesOf(rounds, 'limit', 'rate'),
    },
  });
  const cpu = figure(rounds, 'cpu');
  const aCore = 1e6 / cpu;
  return {
    ...measured,
    more: { 'care events a message': figure(rounds, 'events'), 'CPU us a message': cpu, 'messages/s a core': aCore },
    aims: [atLeast('messages/s a core', 5_000, aCore)],
  };
}

async function mappedAnew(context: Context): Promise<Row> {
  const sizes = sizesOf(context, 200_000, 2_000);
  const directory = await once(context, `hl7v2-${sizes.messages}-${sizes.patients}`, async (made) => {
    await inProcess({ ...context, profiles: undefined }, WORKER, 'receive', { ...sizes, directory: made });
  });
  const rounds = await interleaved(context, 'W7 (c)', [
    { name: 'weft', run: () => inProcess(context, WORKER, 'plan', { ...sizes, directory }, PLAN_HEAP_MIB) },
  ]);
  const measured = row(context, rounds, {
    ...{ work: 'W7', row: '(c) mapped anew by changed tables, and compared', size: sizeText(sizes) },
    ...{ unit: 'messages/s', candidate: 'weft', limit: null },
  });
  const minutes = ANEW / (measured.ours * CORES) / 60;
  return {
    ...measured,
    more: {
      ...{ 'CPU us a message': figure(rounds, 'cpu'), 'peak MiB of memory': figure(rounds, 'memory') },
      'minutes for 5,000,000 on two cores': minutes,
    },
    aims: [under('minutes for 5,000,000 on two cores', 30, minutes)],
  };
}

export const hl7v2: Work = {
  name: 'W7',
  title: 'HL7 v2',
  about:
    'HL7 v2 messages of 1 to 2 kB (admissions, corrections, transfers, discharges, reports): (a) sent by MLLP to the hl7-gateway in a process of its own over 16 connections, each of which waits for its acknowledgement, which is durable; (b) mapped by the hl7-projector from the topic to published care events; (c) all mapped by the tables that count and by changed ones, as `weft hl7v2 plan` does, one organisation, one thread. Limits: (a) the same bytes appended to a file, with one fdatasync for those of 16 callers that wait, (b) the mapping alone.',
  run,
};
