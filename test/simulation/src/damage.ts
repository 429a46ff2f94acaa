import { applyPolicy, careRecordStream, replayView, type OutgoingMessage } from '@weft/processing';
import type { Prng, World } from '@weft/testing';
import { otherPolicy } from './operations.js';
import type { Oracle } from './oracle.js';
import type { RegionRun } from './region-run.js';

const STEPS_OF_WORK = 20_000;
const STEPS_AFTER = 400;
const DOWNTIME_MS = 1_500;

/**
 * An administrator limits the length of one person's stream, and takes that away again. Whoever lost an event may have lost an objection: they are closed, and
 * nobody else; a replay mends what passed them by.
 */
export async function damageOne(world: World, oracle: Oracle, run: RegionRun, prng: Prng): Promise<void> {
  const { store, bus } = world;
  const key = prng.pick(oracle.keys);
  const stream = careRecordStream(key);
  const length = store.head(stream) + 1;
  if (length === 0) return;
  const isDone = async (what: string, done: () => boolean): Promise<void> => {
    await world.run(STEPS_OF_WORK, done);
    if (!done()) oracle.violated('comes to rest', `${what} of a region with a damaged record`);
  };
  if (prng.chance(0.5)) world.stopAll(() => DOWNTIME_MS);
  store.truncate(stream, prng.pick([length, prng.between(1, length)]));
  oracle.damaged(key);
  await isDone('readings', run.readsAll(oracle));
  if (prng.chance(0.5)) {
    const policy = otherPolicy(prng, run.region);
    await isDone(
      'a policy',
      run.does(async (wiring) => void (await applyPolicy(wiring, policy))),
    );
  }
  bus.publish(oneOf(oracle, world, key));
  await world.run(STEPS_AFTER);
  store.truncate(stream, 0);
  oracle.mended();
  await isDone(
    'a replay',
    run.does(async (wiring) => {
      for (const projection of wiring.projections) await replayView(wiring, projection, { fromBeginning: true });
    }),
  );
  oracle.replayed();
  await isDone('readings', run.readsAll(oracle));
}

/** A message about a number, once more. */
function oneOf({ ledger }: Oracle, { bus }: World, key: string): OutgoingMessage[] {
  const place = ledger.events.get(key)?.find(({ saidOf, entries }) => saidOf === undefined && entries === undefined)?.coordinates;
  return place === undefined ? [] : bus.read(place.topic, place.partition, place.offset, 1);
}
