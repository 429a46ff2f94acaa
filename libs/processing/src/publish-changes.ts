import { emptyView } from '@weft/domain';
import { loadView } from './load.js';
import { changeMessage, type RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/**
 * Tells the subscribers. The view stands before anything is told, so nothing forbidden ever leaves; but the two projectors
 * may have written one after the other and tell in the other order. So whoever told looks whether the view is still as it
 * was told, and if not tells those entries again as they stand now: the last word on the topic is the view's.
 */
export async function publishChanges(wiring: Wiring, changes: readonly RecordChange[]): Promise<void> {
  let telling = changes;
  while (telling.length > 0) {
    const time = timestamp(wiring.clock);
    await wiring.bus.publish(telling.map((change) => changeMessage(change, wiring.keys, time)));
    telling = await overtaken(wiring, telling);
  }
}

async function overtaken(wiring: Wiring, told: readonly RecordChange[]): Promise<RecordChange[]> {
  const byStream = new Map<string, RecordChange[]>();
  for (const change of told) {
    const stream = viewStream(change.projection, change.viewKey);
    const list = byStream.get(stream);
    if (list === undefined) byStream.set(stream, [change]);
    else list.push(change);
  }
  const again = await Promise.all([...byStream].map(([stream, list]) => stillTrue(wiring, stream, list)));
  return again.flat();
}

async function stillTrue(wiring: Wiring, stream: string, told: readonly RecordChange[]): Promise<RecordChange[]> {
  const head = await wiring.store.head(stream);
  if (told.every((change) => change.viewRevision === head)) return [];
  const { view, revision } = await loadView(wiring.store, stream);
  // Parts of a rebuild are missing: whoever writes it tells of it too, but what was told must not stand until then.
  const { entries } = view.closing === null ? emptyView() : view;
  return told.map(({ projection, viewKey, entryId }) => {
    const entry = entries.get(entryId);
    const again = { projection, viewKey, entryId, viewRevision: revision };
    return entry === undefined ? { ...again, kind: 'withdrawn' } : { ...again, kind: 'included', entry };
  });
}
