import type { Purpose } from '@weft/domain';
import type { NumberState } from './number.js';
import { loadPerson } from './person.js';
import { CARE_RECORD_PREFIX, keyOfStream } from './streams.js';
import type { Wiring } from './wiring.js';

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
  for await (const { stream } of store.streams(CARE_RECORD_PREFIX)) {
    signal?.throwIfAborted();
    const key = keyOfStream(stream);
    if (keys.view(purpose, key) === pseudonym) return key;
  }
  return null;
}

/**
 * The person's NHS number now; null where it is found nowhere. Records are kept under its key: it stands in what merges say, with each event
 * that was sent under it, and on the messages that events and decisions came by, as long as the bus has them.
 */
export async function numberOfKey(
  { store, bus, keys }: Pick<Wiring, 'store' | 'bus' | 'keys'>,
  key: string,
): Promise<string | null> {
  const { members, movedTo } = await loadPerson(store, key);
  if (movedTo !== null) return movedTo;
  const [survivor, ...others] = members as readonly [NumberState, ...NumberState[]];
  const isIt = (number: string): boolean => /^\d{10}$/.test(number) && keys.patient(number) === survivor.key;
  const said = [survivor.record.nhsNumber, ...others.map(({ identity }) => identity.supersededBy?.nhsNumber)];
  const found = said.find((number) => number != null && isIt(number));
  if (found != null) return found;
  for (const { topic, partition, offset } of [
    ...survivor.record.accepted.values(),
    ...survivor.decisions.map((one) => one.coordinates),
  ]) {
    const [message] = await bus.read(topic, partition, offset, 1);
    if (message !== undefined && isIt(message.key)) return message.key;
  }
  return null;
}
