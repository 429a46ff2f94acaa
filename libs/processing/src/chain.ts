import { bytesOf, textOf, withoutChain, type StreamEnd } from './encoding.js';
import { metaText } from './meta.js';
import { NO_STREAM, type EventStore, type Keys, type NewEvent, type StoredEvent } from './ports.js';

export const BEGINNING: StreamEnd = { revision: NO_STREAM, chain: '' };

/**
 * Chains events to the end of a stream: each is stored with a keyed hash of itself, its place and the hash before it. Whoever
 * has the files and not the key can neither write, change, move nor take out an event without leaving a mark. `data` is a JSON
 * object with at least one member.
 */
export function chained(
  keys: Pick<Keys, 'chain'>,
  stream: string,
  { revision, chain }: StreamEnd,
  events: readonly NewEvent[],
): { readonly events: readonly NewEvent[]; readonly end: StreamEnd } {
  let previous = chain;
  const linked = events.map((event, index) => {
    previous = linkOf(keys, stream, revision + 1 + index, event, previous);
    return { ...event, data: bytesOf(`${textOf(event.data).slice(0, -1)},"chain":"${previous}"}`) };
  });
  return { events: linked, end: { revision: revision + events.length, chain: previous } };
}

/** An event as it was before it was chained, and its hash; the hash is null where there is none. */
export function unchained<E extends Pick<StoredEvent, 'data'>>(stored: E): { readonly event: E; readonly chain: string | null } {
  const { text, chain } = withoutChain(textOf(stored.data));
  return chain === '' ? { event: stored, chain: null } : { event: { ...stored, data: bytesOf(text) }, chain };
}

export function linkOf(
  keys: Pick<Keys, 'chain'>,
  stream: string,
  revision: number,
  { id, type, meta, data }: NewEvent,
  previous: string,
): string {
  const beside = metaText(meta, `stream ${stream}`);
  const parts = [stream, revision, id, type, textOf(data), previous];
  return keys.chain(JSON.stringify(beside === '' ? parts : [...parts, beside]));
}

/** The end of a stream whose events are chained, and may not be: a version before did not. */
export async function endOf(store: Pick<EventStore, 'read'>, stream: string): Promise<StreamEnd> {
  const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
  return last === undefined ? BEGINNING : { revision: last.revision, chain: unchained(last).chain ?? '' };
}
