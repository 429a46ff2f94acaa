import type { CareEvent, Problem } from '@weft/domain';
import { bytesOf } from './encoding.js';
import { APPEND_LIMIT_BYTES } from './ports.js';

/** What an event may take in the store: beside it there is room for its coordinates, and for what it changes in the views. */
const EVENT_LIMIT_BYTES = APPEND_LIMIT_BYTES - 16 * 1024;
/** Written anew, JSON is at most so many times as long: a number such as 1e20 gets all its digits. */
const GROWTH_MAX = 8;
/** Bytes that a UTF-16 code unit takes at most. */
const UTF_8_MAX = 3;

/**
 * Why an event cannot be stored, null where it can: a message has room for more than an append. The gateway refuses by the rule by
 * which a projector quarantines. `bytes` that it took on its way spare a small one a closer
 * look, for which `resourceOf` gives the resource.
 */
export function tooLargeToStore(
  event: Omit<CareEvent, 'type' | 'resource'> & { readonly type: string },
  bytes: number,
  resourceOf: () => CareEvent['resource'],
): Problem | null {
  if (bytes * GROWTH_MAX <= EVENT_LIMIT_BYTES) return null;
  const { type, id, source, organisation, time } = event;
  const text = JSON.stringify({ type, id, source, organisation, time, resource: resourceOf() });
  if (text.length * UTF_8_MAX <= EVENT_LIMIT_BYTES) return null;
  const stored = bytesOf(text).length;
  if (stored <= EVENT_LIMIT_BYTES) return null;
  const message = `the event takes ${stored} bytes in the record; the limit is ${EVENT_LIMIT_BYTES}`;
  return { field: 'data', code: 'too-large', message };
}
