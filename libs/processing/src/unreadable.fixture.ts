import { bytesOf } from './encoding.js';
import type { EventStore, Meta, StoredEvent } from './ports.js';
import { careRecordStream } from './streams.js';
import type { Wiring } from './wiring.js';

const streamOf = ({ keys }: Wiring, subject: string): string => careRecordStream(keys.patient(subject));

async function append(
  wiring: Wiring,
  subject: string,
  { type, meta = {}, truncatesPrevious }: { readonly type: string; readonly meta?: Meta; readonly truncatesPrevious: boolean },
): Promise<void> {
  const { store, random } = wiring;
  const stream = streamOf(wiring, subject);
  const event = { id: random.uuid(), type, meta, data: bytesOf(JSON.stringify({ recordedAt: '2026-01-01T00:00:00.000Z' })) };
  await store.append(stream, await store.head(stream), [event], { truncatesPrevious });
}

/** What a limit on a stream's length does. */
export const loseTheBeginning = (wiring: Wiring, subject: string): Promise<void> =>
  append(wiring, subject, { type: 'views-derived-1', meta: { effect: { views: {} } }, truncatesPrevious: true });

/** What is left once the newer version is taken away again. */
export const writeAsANewerWeft = (wiring: Wiring, subject: string): Promise<void> =>
  append(wiring, subject, { type: 'care-event-recorded-9', truncatesPrevious: false });

/** The same wiring, where events of one number cannot be read, for as long as that is so. */
export function losing(
  wiring: Wiring,
  subject: string,
  isLost: (stored: StoredEvent) => boolean,
  while_: { readonly stands: boolean } = { stands: true },
): Wiring {
  const read: EventStore['read'] = async (stream, options) => {
    const found = await wiring.store.read(stream, options);
    return while_.stands && stream === streamOf(wiring, subject) ? found.filter((stored) => !isLost(stored)) : found;
  };
  return { ...wiring, store: Object.create(wiring.store, { read: { value: read } }) as EventStore };
}
