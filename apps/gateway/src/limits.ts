import { BATCH_LIMIT_BYTES, FHIR_JSON } from '@weft/care-events';
import type { Problem } from '@weft/domain';

/** In which content types FHIR is taken. */
export const FHIR_TYPES = [FHIR_JSON, 'application/json'];
/** A Bundle may carry a whole history. */
export const BUNDLE_LIMIT_BYTES = 64 * 1024 * 1024;
export const EVENTS_LIMIT_BYTES = BATCH_LIMIT_BYTES;
/** Events of a batch, entries of a Bundle. */
export const ENTRIES_MAX = 100_000;

/**
 * Compact FHIR has a value every 24 bytes or so. Bytes alone do not bound what parsing costs: `[0,0,0,…` has a value every two,
 * and takes fifty times its size in memory and seconds of the event loop.
 */
const BYTES_A_VALUE = 16;

/** What is wrong with bytes that hold more values than a request of so many bytes has in earnest; undefined when nothing is. */
export function tooManyValues(bytes: Buffer, limitBytes: number): Problem | undefined {
  const max = Math.floor(limitBytes / BYTES_A_VALUE);
  // Every value but one has a comma before it or a bracket around it, so fewer bytes cannot hold too many.
  if (bytes.length <= max) return undefined;
  return countValues(bytes, max) > max ? problem(`holds more than ${max} values; send it in several parts`) : undefined;
}

const problem = (message: string): Problem => ({ field: 'body', code: 'too-large', message });

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Commas outside strings; stops soon after `enough`. Of what is no JSON any count will do: the parser refuses it. */
function countValues(bytes: Buffer, enough: number): number {
  let values = 1;
  for (let at = 0; at < bytes.length && values <= enough; at += 1) {
    if (bytes[at] === COMMA) values += 1;
    else if (bytes[at] === QUOTE) at = endOfString(bytes, at);
  }
  return values;
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(QUOTE, start + 1); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) {
    let escapes = 0;
    while (bytes[at - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at;
  }
  return bytes.length;
}
