import { emptyView } from '@weft/domain';
import { decodeViewEvent } from './encoding.js';
import { loadView } from './load.js';
import type { StoredEvent } from './ports.js';
import { changeMessages, type RecordChange } from './record-changes.js';
import { noteReviews } from './reviews.js';
import { viewStream } from './streams.js';
import { projectionOf, serves, timestamp, type Wiring } from './wiring.js';

/** So many events since the telling are looked at one by one. */
const LATER_MAX = 200;

/**
 * Tells the subscribers, of the versions that serve. The view stands before anything is told, so nothing forbidden ever leaves;
 * but the two projectors may have written one after the other and tell in the other order. So whoever told looks whether the
 * view is still as it was told, and if not tells those entries again as they stand now: the last word on the topic is the view's.
 */
export async function publishChanges(wiring: Wiring, changes: readonly RecordChange[]): Promise<void> {
  let telling = await asTheyStand(wiring, await asServed(wiring, changes));
  while (telling.length > 0) {
    const time = timestamp(wiring.clock);
    await wiring.bus.publish(changeMessages(telling, wiring.keys, time));
    telling = await overtaken(wiring, telling);
  }
  await noteReviews(wiring, changes);
}

/**
 * The changes of the versions that serve. Another one may have been told before it, under other names, so what is taken out of
 * that one is withdrawn too, unless the one that serves holds something of the name.
 */
async function asServed(wiring: Wiring, changes: readonly RecordChange[]): Promise<RecordChange[]> {
  const told = changes.filter(({ projection }) => serves(wiring, projection));
  if (told.length === changes.length) return told;
  const known = new Set(told.map(nameOf));
  const loaded = new Map<string, ReturnType<typeof loadView>>();
  for (const change of changes) {
    if (change.kind !== 'withdrawn' || serves(wiring, change.projection)) continue;
    const instead: RecordChange = { ...change, projection: projectionOf(wiring, change.projection.purpose) };
    if (known.has(nameOf(instead))) continue;
    known.add(nameOf(instead));
    const stream = streamOf(instead);
    const loading = loaded.get(stream) ?? loadView(wiring.store, stream);
    loaded.set(stream, loading);
    const { view, revision } = await loading;
    if (view.closing === null || !view.entries.has(change.entryId)) told.push({ ...instead, viewRevision: revision });
  }
  return told;
}

const streamOf = ({ projection, viewKey }: RecordChange): string => viewStream(projection, viewKey);
const nameOf = (change: RecordChange): string => `${streamOf(change)} ${change.entryId}`;

/**
 * The changes, with those that were overtaken already as they stand now: whoever stalled since it wrote them, and dies once they
 * are told, would leave what is old as the last word.
 */
async function asTheyStand(wiring: Wiring, changes: RecordChange[]): Promise<RecordChange[]> {
  const instead = await overtaken(wiring, changes);
  if (instead.length === 0) return changes;
  const replaced = new Set(instead.map(nameOf));
  return [...changes.filter((change) => !replaced.has(nameOf(change))), ...instead];
}

async function overtaken(wiring: Wiring, told: readonly RecordChange[]): Promise<RecordChange[]> {
  const byStream = new Map<string, RecordChange[]>();
  for (const change of told) {
    const stream = streamOf(change);
    const list = byStream.get(stream);
    if (list === undefined) byStream.set(stream, [change]);
    else list.push(change);
  }
  const again = await Promise.all([...byStream].map(([stream, list]) => stillTrue(wiring, stream, list)));
  return again.flat();
}

/**
 * Entries that somebody wrote after they were told, as they stand now. Who writes later tells later too, so only what came to
 * the view in between matters: a few events, unless a rebuild replaced everything.
 */
async function stillTrue(wiring: Wiring, stream: string, told: readonly RecordChange[]): Promise<RecordChange[]> {
  const since = told.reduce((first, { viewRevision }) => Math.min(first, viewRevision), Infinity);
  if ((await wiring.store.head(stream)) === since) return [];
  const later = await wiring.store.read(stream, { from: since + 1, maxCount: LATER_MAX });
  const written = entriesWritten(later, since);
  const doubtful = told.filter((change) => written === 'any' || (written.get(change.entryId) ?? -1) > change.viewRevision);
  if (doubtful.length === 0) return [];
  const { view, revision } = await loadView(wiring.store, stream);
  // Parts of a rebuild are missing: whoever writes it tells of it too, but what was told must not stand until then.
  const { entries } = view.closing === null ? emptyView() : view;
  return doubtful.map(({ projection, viewKey, entryId }) => {
    const entry = entries.get(entryId);
    const again = { projection, viewKey, entryId, viewRevision: revision };
    return entry === undefined ? { ...again, kind: 'withdrawn' } : { ...again, kind: 'included', entry: JSON.stringify(entry) };
  });
}

/** By entry the last revision that wrote it; `any` where a rebuild, or more than one page, may have written every one. */
function entriesWritten(later: readonly StoredEvent[], since: number): ReadonlyMap<string, number> | 'any' {
  const written = new Map<string, number>();
  if (later.length === 0) return written;
  if (later[0]?.revision !== since + 1 || later.length >= LATER_MAX) return 'any';
  for (const stored of later) {
    const event = decodeViewEvent(stored);
    if (event.type === 'view-rebuilt-1') return 'any';
    if (event.type === 'entry-withdrawn-1') written.set(event.id, stored.revision);
    else if (event.type !== 'view-confirmed-1') written.set(event.entry.id, stored.revision);
  }
  return written;
}
