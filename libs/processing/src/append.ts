import type { Effect } from '@weft/domain';
import { chained } from './chain.js';
import { encode, withEffect } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { foldEffect, type NumberState } from './number.js';
import { APPEND_LIMIT_BYTES, type EventStore, type NewEvent } from './ports.js';
import { careRecordStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/** What an event costs in an append beside its data: id, type, framing, and the hash that it is chained by. */
const EVENT_OVERHEAD_BYTES = 320;

/** Cuts events, in order, into appends that the store takes. An event too large by itself is left to the store to refuse. */
function cutIntoAppends(events: readonly NewEvent[]): NewEvent[][] {
  const appends: NewEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = sizeOf(event) + EVENT_OVERHEAD_BYTES;
    if (bytes + size > APPEND_LIMIT_BYTES) {
      appends.push([]);
      bytes = 0;
    }
    appends.at(-1)?.push(event);
    bytes += size;
  }
  return appends;
}

/** Bytes of data, and at most as many of what stands beside it. */
function sizeOf({ data, meta }: NewEvent): number {
  return data.length + (meta === undefined ? 0 : JSON.stringify(meta).length * 3);
}

/** An event of a number's stream, and what it changes in the views; null where it says nothing of them. */
export interface ToAppend {
  readonly event: NewEvent;
  readonly effect: Effect | null;
}

/** Above so many characters an effect is cut: its parts come in events of their own. */
const EFFECT_MAX = APPEND_LIMIT_BYTES / 4;
/** Ids of other numbers' entries a part: an id has some hundred characters at most. */
const IDS_A_PART = 1_000;

/** Events with what the last of them changes in the views; where that is too much for it, in events of its own behind them. */
export function withTheirEffect(
  wiring: Pick<Wiring, 'clock' | 'random'>,
  events: readonly NewEvent[],
  effect: Effect,
): ToAppend[] {
  const last = events.at(-1);
  if (last !== undefined && fitsBeside(last, effect))
    return events.map((event) => ({ event, effect: event === last ? effect : null }));
  const derived = (): NewEvent => encode({ type: 'views-derived-1', recordedAt: timestamp(wiring.clock) }, wiring.random);
  const parts = partsOf(effect).map((part) => ({ event: derived(), effect: part }));
  return [...events.map((event) => ({ event, effect: null })), ...parts];
}

function fitsBeside(event: NewEvent, effect: Effect): boolean {
  const { length } = JSON.stringify(effect);
  return length <= EFFECT_MAX && sizeOf(event) + length * 3 + EVENT_OVERHEAD_BYTES <= APPEND_LIMIT_BYTES;
}

export const withoutEffect = (events: readonly NewEvent[]): ToAppend[] => events.map((event) => ({ event, effect: null }));

/** Every part names every view; the last one has the basis. */
function partsOf(effect: Effect): Effect[] {
  if (JSON.stringify(effect).length <= EFFECT_MAX) return [effect];
  const none = Object.fromEntries(Object.keys(effect.views).map((name) => [name, {}]));
  const parts: Effect[] = [];
  for (const [name, changes] of Object.entries(effect.views)) {
    for (const [transition, entries] of Object.entries(changes)) {
      for (let first = 0; first < entries.length; first += IDS_A_PART)
        parts.push({ views: { ...none, [name]: { [transition]: entries.slice(first, first + IDS_A_PART) } } });
    }
  }
  return [...parts, { ...effect, views: none }];
}

/**
 * Appends events to a number's stream, at the revision of the state; where there is too much for one append, in several. The state is as
 * of then; what the events say, but for their effects, is for the caller to have folded in. Throws WrongExpectedRevision when
 * somebody else wrote first.
 */
export async function appendToNumber(
  { store, keys }: Pick<Wiring, 'store' | 'keys'>,
  state: NumberState,
  events: readonly ToAppend[],
): Promise<void> {
  const stream = careRecordStream(state.key);
  const whole = events.map(({ event, effect }) => (effect === null ? event : withEffect(event, effect)));
  for (const append of cutIntoAppends(whole)) {
    const linked = chained(keys, stream, state, append);
    await store.append(stream, state.revision, linked.events);
    state.revision = linked.end.revision;
    state.chain = linked.end.chain;
  }
  const first = state.revision - events.length + 1;
  for (const [index, { event, effect }] of events.entries()) foldEffect(state, event.type, effect, first + index);
  state.record.revision = state.revision;
}

/** Appends behind whatever others write meanwhile: several events in as many appends as they need. Gives the revision of the first. */
export async function appendAtEnd(
  store: Pick<EventStore, 'append' | 'head'>,
  stream: string,
  events: readonly NewEvent[],
): Promise<number> {
  let first = Infinity;
  for (const append of cutIntoAppends(events)) {
    for (let revision: number | null = null; revision === null;) {
      revision = await unlessFenced(store.append(stream, await store.head(stream), append));
      if (revision !== null) first = Math.min(first, revision - append.length + 1);
    }
  }
  return first;
}

/** Null when somebody else wrote the stream first. */
export async function unlessFenced<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof WrongExpectedRevision) return null;
    throw error;
  }
}
