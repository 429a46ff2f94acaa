import type { Closing, Held, ViewEvent } from '@weft/domain';
import { encode, encodeEntry, encodeRebuilt, type EntryTexts } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { APPEND_LIMIT_BYTES, type EventStore, type NewEvent, type Random } from './ports.js';

/** What an event costs in an append beside its data: id, type, framing. */
const EVENT_OVERHEAD_BYTES = 256;

/** Cuts events, in order, into appends that the store takes. An event too large by itself is left to the store to refuse. */
function cutIntoAppends(events: readonly NewEvent[]): NewEvent[][] {
  const appends: NewEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    const size = event.data.byteLength + EVENT_OVERHEAD_BYTES;
    if (bytes + size > APPEND_LIMIT_BYTES) {
      appends.push([]);
      bytes = 0;
    }
    appends.at(-1)?.push(event);
    bytes += size;
  }
  return appends;
}

/** Bytes of the text in UTF-8; of short texts no more than an upper bound, because only near the limit is counting worth its time. */
export function utf8Length(text: string): number {
  return text.length * 3 < APPEND_LIMIT_BYTES / 4 ? text.length * 3 : new TextEncoder().encode(text).length;
}

/** Appends events in as many calls as needed, each at the exact revision the one before left; gives the last revision. */
export async function appendAll(
  store: EventStore,
  stream: string,
  expected: number,
  events: readonly NewEvent[],
): Promise<number> {
  let revision = expected;
  for (const append of cutIntoAppends(events)) revision = await store.append(stream, revision, append);
  return revision;
}

/** A small change of a view; an entry that comes with it is text already. */
export type Change =
  | { readonly type: 'entry-included-1' | 'entry-amended-1'; readonly id: string; readonly entry: string }
  | Exclude<ViewEvent, { readonly entry: unknown } | { readonly entries: unknown }>;

/** Appends small changes; the last of them closes the change. */
export async function appendChanges(
  store: EventStore,
  random: Random,
  stream: string,
  expected: number,
  changes: readonly Change[],
  closing: Closing,
): Promise<number> {
  const last = changes.length - 1;
  const events = changes.map((change, index) => {
    const end = index === last ? closing : undefined;
    if ('entry' in change) return encodeEntry(change.type, change.entry, end, random);
    return encode(end === undefined ? change : { ...change, closing }, random);
  });
  return appendAll(store, stream, expected, events);
}

/**
 * Appends the whole view as a marker that makes everything before it unreadable. Where one append cannot hold it, the first
 * part already does so: what is withheld goes first, and the view is not served until its last part stands.
 */
export async function appendRebuilt(
  store: EventStore,
  random: Random,
  stream: string,
  expected: number,
  entries: EntryTexts,
  basis: Closing['basis'],
  held: Held,
): Promise<number> {
  const parts = cutIntoParts(inOrderOfId(entries));
  let revision = expected;
  for (const [index, part] of parts.entries()) {
    const closing = index === parts.length - 1 ? { closing: { basis, ...held, tail: 0 } } : {};
    const marker = encodeRebuilt({ part: index + 1, parts: parts.length, ...closing }, part, random);
    revision = await store.append(stream, revision, [marker], { truncatesPrevious: index === 0 });
  }
  return revision;
}

function inOrderOfId(entries: EntryTexts): string[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text);
}

function cutIntoParts(entries: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  let bytes = EVENT_OVERHEAD_BYTES * 4;
  for (const entry of entries) {
    const size = utf8Length(entry) + 1;
    if (bytes + size > APPEND_LIMIT_BYTES && parts.at(-1)?.length !== 0) {
      parts.push([]);
      bytes = EVENT_OVERHEAD_BYTES * 4;
    }
    parts.at(-1)?.push(entry);
    bytes += size;
  }
  return parts;
}

/** Appends behind whatever others write meanwhile: several events in as many appends as they need. */
export async function appendAtEnd(store: EventStore, stream: string, events: readonly NewEvent[]): Promise<void> {
  for (const append of cutIntoAppends(events)) {
    for (let revision: number | null = null; revision === null;) {
      revision = await unlessFenced(store.append(stream, await store.head(stream), append));
    }
  }
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
