import { careEvent, patientNumbers, type BenchEvent } from './care-events.js';
import { decisions } from './decisions.js';
import { Flow } from './flow.js';
import { openPeer } from './peers/open-peer.js';
import type { Peer, PeerName, PeerPlace } from './peers/peer.js';
import { serveTableAndView } from './peers/table-and-view-http.js';
import { candidates, type Found } from './rounds.js';

interface Parameters extends PeerPlace {
  readonly peer: PeerName;
  readonly events: number;
  readonly patients: number;
  readonly callers: number;
  readonly batch: number;
  /** Of one patient, for decisions. */
  readonly entries: number;
  readonly decisions: number;
}

const STORED_AT_ONCE = 1_000;
const VISIT = 10;

async function opened(parameters: Parameters, work: (peer: Peer) => Promise<Found>): Promise<Found> {
  const peer = await openPeer(parameters.peer, parameters);
  try {
    return await work(peer);
  } finally {
    await peer.close();
  }
}

function visits({ events, patients }: Parameters): BenchEvent[] {
  const numbers = patientNumbers(patients);
  return Array.from({ length: events }, (_, index) => careEvent(index, numbers[Math.floor(index / VISIT) % patients] as string));
}

async function stored(peer: Peer, events: readonly BenchEvent[], store: 'append' | 'store'): Promise<void> {
  for (let first = 0; first < events.length; first += STORED_AT_ONCE)
    await peer[store](events.slice(first, first + STORED_AT_ONCE));
}

async function expectEntries(peer: Peer, wanted: number, patient?: string): Promise<void> {
  const found = await peer.entries(patient);
  if (found !== wanted) throw new Error(`the peer's views hold ${found} entries, not ${wanted}`);
}

const replay = (parameters: Parameters): Promise<Found> =>
  opened(parameters, async (peer) => {
    await stored(peer, visits(parameters), 'store');
    const begun = performance.now();
    await peer.rebuild();
    const seconds = (performance.now() - begun) / 1_000;
    await expectEntries(peer, parameters.events);
    return { rate: parameters.events / seconds };
  });

const ingest = (parameters: Parameters): Promise<Found> =>
  opened(parameters, async (peer) => {
    const { events, patients } = parameters;
    const numbers = patientNumbers(patients);
    const all = Array.from({ length: events }, (_, index) => careEvent(index, numbers[(index * 7_919) % patients] as string));
    const flow = new Flow(parameters);
    const found = await flow.run(async (first, last) => {
      await peer.append(all.slice(first, last));
      flow.readable(Array.from({ length: last - first }, (_, at) => first + at));
    });
    await expectEntries(peer, events);
    return found;
  });

const decide = (parameters: Parameters): Promise<Found> =>
  opened(parameters, async (peer) => {
    const { patients, entries } = parameters;
    const numbers = patientNumbers(patients);
    await stored(
      peer,
      numbers.flatMap((subject, patient) =>
        Array.from({ length: entries }, (_, entry) => careEvent(patient * entries + entry, subject)),
      ),
      'append',
    );
    return decisions(numbers, parameters.decisions, async (patient, effect) => {
      const begun = performance.now();
      await peer.decide(patient, effect);
      const took = performance.now() - begun;
      await expectEntries(peer, effect === 'permit' ? entries : 0, patient);
      return took;
    });
  });

/** The service with its door, on PORT, until it is stopped. */
async function serve({ database, patients, entries }: Parameters): Promise<Found> {
  const server = await serveTableAndView(database as string, Number(process.env['PORT']), async (service) => {
    for (const [patient, subject] of patientNumbers(patients).entries()) {
      await service.append(Array.from({ length: entries }, (_, entry) => careEvent(patient * entries + entry, subject)));
    }
  });
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve));
  await server.close();
  return {};
}

await candidates<Parameters>({ replay, ingest, decide, serve });
