import { PURPOSES } from '@weft/domain';
import { unlessFenced } from './append.js';
import { decodeEpoch, encode, type EpochNoted } from './encoding.js';
import { NO_STREAM, type EventBus, type EventStore } from './ports.js';
import { epochIn } from './record-changes.js';
import { EPOCH_STREAM } from './streams.js';
import { recordChangesTopic } from './topics.js';
import { timestamp, type Wiring } from './wiring.js';

/**
 * Which of the histories of a region its store is in, one after the other: a store that is put back, or built anew, begins another. It stands before every
 * number that outsiders compare, so none of these ever goes back.
 */
export interface Epoch extends Omit<EpochNoted, 'type' | 'since'> {
  /** Of its stream; NO_STREAM of a store that nothing was ever published from. */
  readonly revision: number;
}

const FIRST: Epoch = { epoch: 0, state: 'told', done: 0, revision: NO_STREAM };

type Noting = Pick<Wiring, 'store' | 'random' | 'clock'>;

export async function loadEpoch(store: Pick<EventStore, 'read'>): Promise<Epoch> {
  const [last] = await store.read(EPOCH_STREAM, { backwards: true, maxCount: 1 });
  if (last === undefined) return FIRST;
  const { epoch, state, done } = decodeEpoch(last);
  return { epoch, state, done, revision: last.revision };
}

/** Null where somebody else noted something since. */
export async function noteEpoch(wiring: Noting, { revision, ...next }: Epoch): Promise<Epoch | null> {
  const { store, random, clock } = wiring;
  const event: EpochNoted = { type: 'epoch-noted-1', ...next, since: timestamp(clock) };
  const appended = await unlessFenced(store.append(EPOCH_STREAM, revision, [encode(event, random)], { truncatesPrevious: true }));
  return appended === null ? null : { ...next, revision: appended };
}

/** A group has passed what the store does not have: another epoch begins once that is read again. */
export async function noteStoreBehind(wiring: Noting): Promise<void> {
  for (;;) {
    const now = await loadEpoch(wiring.store);
    if (now.state === 'behind' || (await noteEpoch(wiring, { ...now, state: 'behind', done: 0 })) !== null) return;
  }
}

/** The topics of changes do not have what was published: everything is published anew. What the store has, it has, so no number goes back. */
export async function noteTopicsLost(wiring: Noting): Promise<void> {
  for (;;) {
    const now = await loadEpoch(wiring.store);
    if (now.state === 'behind' || (await noteEpoch(wiring, { ...now, state: 'telling', done: 0 })) !== null) return;
  }
}

/**
 * The epoch to publish in. A store that was behind, or from which nothing was ever published beside topics that something was published to, begins one
 * that is above all that was told. Null while it is behind, and where somebody else noted something meanwhile.
 */
export async function enterEpoch(
  wiring: Noting & Pick<Wiring, 'bus'>,
  isCaughtUp: () => Promise<boolean>,
): Promise<Epoch | null> {
  const now = await loadEpoch(wiring.store);
  // What a store that was put back would say is not what was decided.
  if (!(await isCaughtUp())) return null;
  if (now.state !== 'behind' && now.revision !== NO_STREAM) return now;
  const told = await lastEpochTold(wiring.bus);
  if (told === null && now.state !== 'behind') return noteEpoch(wiring, now);
  return noteEpoch(wiring, { ...now, epoch: Math.max(now.epoch, told ?? 0) + 1, state: 'telling', done: 0 });
}

/** Behind the last change there may be the ends of transactions. */
const LAST_OFFSETS = 16;

/** The highest epoch that stands last in a partition of the topics of changes; null where nothing was ever published to any. */
async function lastEpochTold(bus: EventBus): Promise<number | null> {
  let highest: number | null = null;
  for (const topic of PURPOSES.map(recordChangesTopic)) {
    for (const { partition, low, high } of await bus.offsets(topic)) {
      if (high === 0) continue;
      const last = (await bus.read(topic, partition, Math.max(low, high - LAST_OFFSETS))).at(-1);
      highest = Math.max(highest ?? 0, last === undefined ? 0 : epochIn(last));
    }
  }
  return highest;
}
