import { careEventsTopic, startRecordProjector } from '@weft/processing';
import { ORGANISATIONS } from './care-events.js';
import type { Region } from './region.js';

/** What a record-projector in a process of its own says. `since` by the shared clock. */
export type Said =
  | { readonly what: 'started' }
  | { readonly what: 'failed' }
  | { readonly what: 'readable'; readonly indices: readonly number[]; readonly since: number };

/** The record-projector on the bench's topics: tells which events, by index, can be read from now on. */
export function startProjecting(
  { wiring }: Region,
  tell: { readonly onReadable: (indices: readonly number[]) => void; readonly onFailure: (error: unknown) => void },
): ReturnType<typeof startRecordProjector> {
  return startRecordProjector(wiring, ORGANISATIONS.map(careEventsTopic), {
    onBatch: ({ messages }) => tell.onReadable(messages.map(({ headers }) => Number(headers['ce_id']?.slice(2)))),
    onFailure: (error) => tell.onFailure(error),
  });
}
