import { EngineError, type EngineUnavailable } from '@weft/processing';
import { Killing, wrapEngines } from './killing.js';
import { LedgerWriter, toldBus, toldStore } from './ledger.js';
import { openEngines, prepare, publishLoad, regionOf, settled, startProjectors, wiringOf, type Engines } from './region.js';

/** A life that is not to end by a fault of the disk: what is refused is said, waited out, and gone on from. */
export interface Enduring {
  readonly directory: string;
  readonly ledger: string;
  readonly region: number;
  readonly seed: number;
  readonly careEvents: number;
}

export interface Report {
  /** How each refused call was answered, as `type: message`; each once. */
  readonly refusals: readonly string[];
  /** Which attempt opened both engines. */
  readonly openedAt: number;
}

const CHECKPOINT_PAGES = 60;
const PAUSE_MS = 5;
const ATTEMPTS_MAX = 200;

const refusals = new Set<string>();
let room: Promise<void> | undefined;

/** Says that the disk refuses; comes back once there may be room, or after a pause where nobody makes any. */
async function refused(error: unknown): Promise<void> {
  const { type, message } = error as EngineUnavailable;
  refusals.add(error instanceof EngineError ? `${type}: ${message}` : `no error of a port: ${String(error)}`);
  if (process.send === undefined) return void (await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)));
  room ??= new Promise((resolve) => {
    process.once('message', () => resolve());
    process.send?.('refused');
  });
  await room;
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** Until it succeeds; gives how often it was tried. */
async function untilDone(attempt: () => Promise<void>): Promise<number> {
  for (let tried = 1; ; tried += 1) {
    try {
      await attempt();
      return tried;
    } catch (error) {
      if (tried === ATTEMPTS_MAX) throw error;
      await refused(error);
    }
  }
}

async function live(life: Enduring): Promise<void> {
  const killing = new Killing(undefined, 1, 0);
  wrapEngines(killing, CHECKPOINT_PAGES);
  const ledger = new LedgerWriter(life.ledger);
  let opened: Engines | undefined;
  const openedAt = await untilDone(async () => void (opened = await openEngines(life.directory)));
  const { bus, store } = opened as Engines;
  const told = { bus: toldBus(bus, ledger, killing), store: toldStore(store, ledger, killing) };
  const wiring = wiringOf(told);
  const region = regionOf(life.region);
  await untilDone(() => prepare(wiring, region));
  let stop: () => Promise<void> = async () => undefined;
  await untilDone(async () => void (stop = await startProjectors(wiring, region, (error) => void refused(error))));
  const load = { seed: life.seed, careEvents: life.careEvents, prefix: String(life.seed) };
  await publishLoad(told.bus, region, load, refused);
  await settled(wiring, region);
  await stop();
  await Promise.all([bus.close(), store.close()]);
  const report: Report = { refusals: [...refusals], openedAt };
  if (process.send === undefined) process.stdout.write(JSON.stringify(report));
  else process.send(report, () => process.disconnect());
}

await live(JSON.parse(process.argv[2] ?? '{}') as Enduring);
