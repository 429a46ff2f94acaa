import { contentOf, digestSent, eventKey, isSamePlace, saysTheSame } from '@weft/domain';
import type { Accepted, CareEvent, CareRecord, Coordinates, Problem, RecordedCareEvent } from '@weft/domain';
import { encode } from './encoding.js';
import type { Message, NewEvent, OutgoingMessage } from './ports.js';
import { quarantine } from './quarantine.js';
import { tooLargeToStore } from './storable.js';
import { timestamp, type Wiring } from './wiring.js';
import { utf8Length } from './write-view.js';

/** A message of an organisation's topic that could be read. */
export interface Arrival {
  readonly message: Message;
  readonly event: CareEvent;
}

/** What is to become of the arrivals about one number. */
export interface Sifted {
  readonly fresh: { readonly event: RecordedCareEvent; readonly encoded: NewEvent }[];
  /** Quarantine messages of what the store cannot carry, and of other events under a known id. */
  readonly refused: OutgoingMessage[];
  redelivered: boolean;
}

/** Digests are compared among events of one (source, id) alone. */
const DIGEST_DIGITS = 32;

/**
 * Tells new events from known ones. The same (source, id) is one event, whenever the second comes: at the same place in the bus it is
 * a redelivery, and a crash may have left work undone; elsewhere a duplicate if it says the same, and a conflict if not.
 */
export function siftCareEvents(wiring: Wiring, record: CareRecord, arrivals: readonly Arrival[]): Sifted {
  const seen = new Map<string, Accepted>();
  const sifted: Sifted = { fresh: [], refused: [], redelivered: false };
  for (const { event, message } of arrivals) {
    const key = eventKey(event);
    const accepting = recorded(wiring, event, message);
    const known = record.accepted.get(key) ?? seen.get(key);
    if (known !== undefined) {
      sifted.redelivered ||= isSamePlace(known, message);
      if (isOther(known, message, digestSent(accepting))) sifted.refused.push(...quarantine(wiring, message, [CONFLICT]));
      continue;
    }
    const encoded = encode(accepting, wiring.random);
    const problem = tooLargeToStore(event, utf8Length(encoded.data), () => event.resource);
    if (problem === null) sifted.fresh.push({ event: accepting, encoded });
    else sifted.refused.push(...quarantine(wiring, message, [problem]));
    if (problem === null) seen.set(key, { ...accepting.coordinates, digest: digestSent(accepting) });
  }
  return sifted;
}

/** Whether a message says something else than the event that was accepted under its id. */
export function isOther(known: Accepted, message: Coordinates, digest: string | undefined): boolean {
  return !isSamePlace(known, message) && !saysTheSame(known.digest, digest);
}

export function recorded({ clock, keys }: Wiring, event: CareEvent, message: Coordinates): RecordedCareEvent {
  const { type, id, source, organisation, time, resource, sentDigest, takesBack } = event;
  const { topic, partition, offset } = message;
  const digest = keys.digest(contentOf(event)).slice(0, DIGEST_DIGITS);
  const recordedAt = timestamp(clock);
  const said = {
    ...{ type, id, source, organisation, time },
    ...(takesBack !== undefined && { takesBack }),
    ...(sentDigest !== undefined && { sentDigest }),
  };
  return { ...said, recordedAt, coordinates: { topic, partition, offset }, digest, resource };
}

export const CONFLICT: Problem = {
  field: 'id',
  code: 'conflict',
  message: 'this source has used the id for another event about this person; send it under an id of its own',
};
