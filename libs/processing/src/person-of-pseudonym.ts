import type { Purpose } from '@weft/domain';
import { decodeRecordEvent, textOf } from './encoding.js';
import { loadIdentity, survivorOf } from './load.js';
import { CARE_RECORD_PREFIX, careRecordStream, IDENTITY_PREFIX } from './streams.js';
import type { Wiring } from './wiring.js';

/** Of so many events, the latest ones, it is looked where the number stands. */
const LOOKED_AT = 100;

/**
 * The region's key of whom a purpose beyond individual care calls so; null where it calls nobody so. No list says it, which would be
 * one of all whom research knows: everybody's pseudonym is made anew until it is the one.
 */
export async function keyOfPseudonym(
  { store, keys }: Pick<Wiring, 'store' | 'keys'>,
  purpose: Purpose,
  pseudonym: string,
  signal?: AbortSignal,
): Promise<string | null> {
  // A number into which others were merged may have nothing of its own.
  for (const prefix of [CARE_RECORD_PREFIX, IDENTITY_PREFIX]) {
    for await (const { stream } of store.streams(prefix)) {
      signal?.throwIfAborted();
      const key = stream.slice(prefix.length);
      if (keys.view(purpose, key) === pseudonym) return key;
    }
  }
  return null;
}

/**
 * The person's NHS number now; null where it is found nowhere. Records are kept under its key: it stands in what merges say, with each event
 * that was sent under it (older ones did not keep it), in most resources, and on the messages that they came by, as long as the bus has them.
 */
export async function numberOfKey(wiring: Pick<Wiring, 'store' | 'bus' | 'keys'>, key: string): Promise<string | null> {
  const { store, bus, keys } = wiring;
  const { key: survivor, nhsNumber } = await survivorOf(store, key);
  if (nhsNumber !== null) return nhsNumber;
  for (const absorbed of (await loadIdentity(store, survivor)).absorbed) {
    const { supersededBy } = await loadIdentity(store, absorbed);
    if (supersededBy?.key === survivor) return supersededBy.nhsNumber;
  }
  const events = await store.read(careRecordStream(survivor), { backwards: true, maxCount: LOOKED_AT });
  const isIt = (number: string): boolean => /^\d{10}$/.test(number) && keys.patient(number) === survivor;
  for (const { data } of events) {
    const found = textOf(data)
      .match(/(?<!\d)\d{10}(?!\d)/g)
      ?.find(isIt);
    if (found !== undefined) return found;
  }
  for (const event of events.map(decodeRecordEvent)) {
    if (event.type === 'entries-claimed-1') continue;
    const { topic, partition, offset } = event.coordinates;
    const [message] = await bus.read(topic, partition, offset, 1);
    if (message !== undefined && isIt(message.key)) return message.key;
  }
  return null;
}
