import type { CareEvent } from '@weft/domain';
import { type EventStore, eventsOf, NO_STREAM } from '@weft/processing';
import { NOTHING_TOLD, type Told } from './changes.js';
import { decodeDemographics } from './stored.js';
import { demographicsStream } from './streams.js';

/** A number's stream, folded. */
export interface KnownPerson {
  readonly key: string;
  readonly revision: number;
  readonly told: Told;
  /** Care events that may not be on the bus. */
  readonly untold: readonly CareEvent[];
}

export async function loadKnown(store: Pick<EventStore, 'read'>, key: string): Promise<KnownPerson> {
  let [revision, told, untold]: [number, Told, readonly CareEvent[]] = [NO_STREAM, NOTHING_TOLD, []];
  for await (const page of eventsOf(store, demographicsStream(key))) {
    for (const stored of page) {
      const event = decodeDemographics(stored);
      revision = stored.revision;
      if (event.type === 'demographics-learned-1') ({ told, events: untold } = event);
      else untold = [];
    }
  }
  return { key, revision, told, untold };
}
