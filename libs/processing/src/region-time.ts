import type { Moment } from '@weft/domain';
import { unlessFenced } from './append.js';
import { decodeReceiptNoted, encode } from './encoding.js';
import { NO_STREAM, type Clock, type EventStore, type Message } from './ports.js';
import { NEWEST_RECEIPT_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

/** How long a receipt that another process noted may stay unnoticed, and how often one is noted at most. */
const LOOK_MS = 1_000;
/** A machine's time that leaps ahead is believed to open anything once it has stood so long: it may leap back. */
const SETTLED_MS = 60_000;
/** Clocks that are further apart than this are said to be. */
export const APART_MS = 60_000;
/** By so much a machine's time may drift from its steady clock between two looks without having leapt. */
const DRIFT_MS = 1_000;

type Around = Pick<Wiring, 'store' | 'bus' | 'clock'>;

/** What this process knows of the newest receipt in a store. */
interface Receipts {
  /** Milliseconds since 1970; -Infinity while there is none. */
  newest: number;
  /** What of it the store holds, at which revision of its stream. */
  noted: number;
  revision: number;
  /** By the steady clock. */
  lookedAt: number;
  notedAt: number;
  looking: Promise<void> | null;
  /** As they are noted, and what this process saw since. */
  ahead: ReadonlyMap<string, number>;
  readonly seen: Map<string, number | null>;
}

const known = new WeakMap<EventStore, Receipts>();

function receiptsIn(store: EventStore): Receipts {
  const before = known.get(store);
  if (before !== undefined) return before;
  const receipts: Receipts = {
    ...{ newest: -Infinity, noted: -Infinity, revision: NO_STREAM },
    ...{ lookedAt: -Infinity, notedAt: -Infinity, looking: null, ahead: new Map(), seen: new Map() },
  };
  known.set(store, receipts);
  return receipts;
}

/**
 * What time it is: at the latest the machine's, or the newest receipt's if that is later, since a message that the bus has was not received in the
 * future; at the earliest the machine's, or the brokers' if that is earlier. A machine's time that leapt ahead while this process ran opens nothing
 * before it has stood for a minute. Asks the store once a second, and for no judgement. Throws what the store throws.
 */
export async function momentNow(wiring: Around): Promise<Moment> {
  const { store, bus, clock } = wiring;
  const receipts = receiptsIn(store);
  if (clock.steady() - receipts.lookedAt >= LOOK_MS) await look(store, clock, receipts);
  const brokers = (await bus.time?.()) ?? Infinity;
  const machine = clock.now();
  const earliest = notBack(clock, Math.min(machine, settledTime(clock), brokers));
  return { earliest, latest: Math.max(machine, receipts.newest, earliest) };
}

async function look(store: EventStore, clock: Clock, receipts: Receipts): Promise<void> {
  receipts.looking ??= readNoted(store, receipts)
    .then(() => void (receipts.lookedAt = clock.steady()))
    .finally(() => (receipts.looking = null));
  await receipts.looking;
}

async function readNoted(store: EventStore, receipts: Receipts): Promise<void> {
  const [last] = await store.read(NEWEST_RECEIPT_STREAM, { backwards: true, maxCount: 1 });
  if (last === undefined || last.revision <= receipts.revision) return;
  const { at, ahead = {} } = decodeReceiptNoted(last);
  receipts.revision = last.revision;
  receipts.noted = at;
  receipts.ahead = new Map(Object.entries(ahead));
  receipts.newest = Math.max(receipts.newest, receipts.noted);
}

/** Messages were read: from now on it is no earlier, for this process at once and for every other one soon, also when they start anew. */
export async function noteReceipts(
  wiring: Pick<Wiring, 'store' | 'clock' | 'random'>,
  messages: readonly Message[],
): Promise<void> {
  const { store, clock, random } = wiring;
  const receipts = receiptsIn(store);
  for (const { topic, timestamp, headers } of messages) {
    receipts.newest = Math.max(receipts.newest, timestamp);
    const ahead = Date.parse(headers['ce_time'] ?? '') - timestamp;
    receipts.seen.set(topic, ahead > APART_MS ? ahead : null);
  }
  if (receipts.newest <= receipts.noted || clock.steady() - receipts.notedAt < LOOK_MS) return;
  receipts.notedAt = clock.steady();
  await readNoted(store, receipts);
  const { newest, revision } = receipts;
  if (newest <= receipts.noted) return;
  const ahead = aheadIn(receipts);
  const event = encode(
    { type: 'receipt-noted-1', at: newest, ...(ahead.size > 0 && { ahead: Object.fromEntries(ahead) }) },
    random,
  );
  const appended = await unlessFenced(store.append(NEWEST_RECEIPT_STREAM, revision, [event], { truncatesPrevious: true }));
  if (appended === null || appended <= receipts.revision) return;
  receipts.revision = appended;
  receipts.noted = newest;
  receipts.ahead = ahead;
}

/** Topics whose last messages were sent later than they were received. */
function aheadIn({ ahead, seen }: Receipts): ReadonlyMap<string, number> {
  return new Map([...ahead, ...seen].flatMap(([topic, ms]) => (ms === null || seen.get(topic) === null ? [] : [[topic, ms]])));
}

const earliestSaid = new WeakMap<Clock, number>();

/** Two clocks that are read one after the other differ by a little: what has opened does not close again for that. */
function notBack(clock: Clock, earliest: number): number {
  const before = earliestSaid.get(clock) ?? -Infinity;
  const at = earliest < before && before - earliest < DRIFT_MS ? before : earliest;
  earliestSaid.set(clock, at);
  return at;
}

/** How far a machine's time is from its steady clock, as it is believed, and since when it has been further ahead. */
interface Settled {
  offset: number;
  aheadSince: number | null;
}

const settled = new WeakMap<Clock, Settled>();

/** The machine's time without leaps ahead that have not stood long enough. Going back is believed at once: it opens nothing. */
function settledTime(clock: Clock): number {
  const steady = clock.steady();
  const offset = clock.now() - steady;
  const before = settled.get(clock);
  if (before === undefined || offset <= before.offset + DRIFT_MS) {
    settled.set(clock, { offset, aheadSince: null });
    return steady + offset;
  }
  before.aheadSince ??= steady;
  if (steady - before.aheadSince < SETTLED_MS) return steady + before.offset;
  settled.set(clock, { offset, aheadSince: null });
  return steady + offset;
}

/** By how many milliseconds what says the time disagrees. */
export interface Apart {
  /** The newest receipt is ahead of this machine; 0 where it is not. */
  readonly receipts: number;
  /** The brokers are ahead of this machine, or, negative, behind it; null where there are none, or they have not said. */
  readonly brokers: number | null;
  /** This machine's time leapt ahead, and has not stood for a minute; 0 where it has. */
  readonly leap: number;
  /** By topic, how much later than its receipt its last message says it was sent; none that is not over a minute. */
  readonly publishers: Readonly<Record<string, number>>;
}

/** How far the clocks are apart, as `momentNow` goes by them. Throws what the store throws. */
export async function clocksApart(wiring: Around): Promise<Apart> {
  const { latest } = await momentNow(wiring);
  const brokers = (await wiring.bus.time?.()) ?? null;
  const machine = wiring.clock.now();
  return {
    receipts: Math.max(0, latest - machine),
    brokers: brokers === null ? null : brokers - machine,
    leap: Math.max(0, machine - settledTime(wiring.clock)),
    publishers: Object.fromEntries(aheadIn(receiptsIn(wiring.store))),
  };
}
