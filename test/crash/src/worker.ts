import { Killing, wrapEngines } from './killing.js';
import { LedgerWriter, toldBus, toldStore } from './ledger.js';
import { POINTS } from './points.js';
import { openEngines, prepare, publishLoad, regionOf, settled, startProjectors, wiringOf } from './region.js';

/** What the process that is to die is told: one JSON text as its argument. */
export interface Life {
  readonly directory: string;
  readonly ledger: string;
  /** Of the region: its organisations and patients. */
  readonly region: number;
  /** Of this process: what it publishes. */
  readonly seed: number;
  readonly careEvents: number;
  /** Name of a point; absent when somebody else does the killing, or nobody. */
  readonly point?: string;
  readonly nth?: number;
  readonly afterUs?: number;
  /** Logs are checkpointed so often; by default so often that kills and faults meet it. */
  readonly checkpointPages?: number;
}

const CHECKPOINT_PAGES = 60;

/** A whole life: opens, publishes while both projectors work, comes to rest, closes. */
async function live(life: Life): Promise<void> {
  const point = POINTS.find(({ name }) => name === life.point);
  if (life.point !== undefined && point === undefined) throw new Error(`no point is called ${life.point}`);
  const killing = new Killing(point, life.nth ?? 1, life.afterUs ?? 0);
  wrapEngines(killing, life.checkpointPages ?? CHECKPOINT_PAGES);
  const ledger = new LedgerWriter(life.ledger);
  const { bus, store } = await openEngines(life.directory);
  const told = { bus: toldBus(bus, ledger, killing), store: toldStore(store, ledger, killing) };
  const wiring = wiringOf(told);
  const region = regionOf(life.region);
  await prepare(wiring, region);
  const stop = await startProjectors(wiring, region, (error) => process.stderr.write(`${String(error)}\n`));
  const load = { seed: life.seed, careEvents: life.careEvents, prefix: String(life.seed) };
  await publishLoad(told.bus, region, load, async (error) => {
    throw error;
  });
  await settled(wiring, region);
  await stop();
  await bus.close();
  await store.close();
}

await live(JSON.parse(process.argv[2] ?? '{}') as Life);
