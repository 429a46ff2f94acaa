import { createHash } from 'node:crypto';
import { type RawEvent, rawSource, type RawListener } from '../raw-events.js';

/** What a listener was sent at a time, milliseconds since 1970. */
export function rawEvent(listener: RawListener, kind: RawEvent['kind'], bytes: Uint8Array, receivedAt: number): RawEvent {
  const { organisation, name } = listener;
  const id = createHash('sha256').update(`${organisation}\n${name}\n${kind}\n`).update(bytes).digest('hex');
  return { id, source: rawSource(listener), kind, time: new Date(receivedAt).toISOString(), bytes };
}
