import { type EventStore, NO_STREAM, type Random, type StoredEvent, unlessFenced } from '@weft/processing';
import { decodeSignalHeard, encode, type SignalHeard } from './stored.js';
import { TEST_SIGNALS_STREAM } from './streams.js';

interface Kept {
  readonly store: Pick<EventStore, 'read' | 'append'>;
  readonly random: Random;
}

/** Notes that a test signal came at that time, milliseconds since 1970; one that came before the latest changes nothing. */
export const noteTestSignal = (kept: Kept, at: number): Promise<void> =>
  note(kept, { type: 'national-test-signal-heard-1', at: new Date(at).toISOString() }, (latest) => Date.parse(latest) < at);

/** From when the region listens for the first time: a test signal that never comes is missed too. */
export const awaitTestSignals = (kept: Kept, now: number): Promise<void> =>
  note(kept, { type: 'national-signals-awaited-1', at: new Date(now).toISOString() }, () => false);

/** Since when no test signal was heard, milliseconds since 1970; null in a region that never listened for one. */
export async function silentSince(store: Pick<EventStore, 'read'>): Promise<number | null> {
  const last = await latest(store);
  return last === undefined ? null : Date.parse(decodeSignalHeard(last).at);
}

async function note({ store, random }: Kept, heard: SignalHeard, replaces: (at: string) => boolean): Promise<void> {
  for (let appended: number | null = null; appended === null;) {
    const last = await latest(store);
    if (last !== undefined && !replaces(decodeSignalHeard(last).at)) return;
    const event = encode(heard, random);
    appended = await unlessFenced(
      store.append(TEST_SIGNALS_STREAM, last?.revision ?? NO_STREAM, [event], { truncatesPrevious: true }),
    );
  }
}

async function latest(store: Pick<EventStore, 'read'>): Promise<StoredEvent | undefined> {
  return (await store.read(TEST_SIGNALS_STREAM, { backwards: true, maxCount: 1 }))[0];
}
