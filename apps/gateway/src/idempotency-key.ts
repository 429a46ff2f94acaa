import { refusal } from './refusals.js';

const KEY = /^[\x20-\x7e]{1,256}$/;

/** The header Idempotency-Key, as a text or as the string in quotes that its specification has; undefined where there is none. */
export function unquoted(header: string | undefined): string | undefined {
  return header?.replace(/^"(.*)"$/, '$1');
}

/** Throws 400 for a key that is none: a sender who takes their requests for one must not find them to be several. */
export function idempotencyKeyOf(header: string | string[] | undefined): string | undefined {
  const key = unquoted(Array.isArray(header) ? header.join() : header);
  if (key === undefined || KEY.test(key)) return key;
  throw refusal([{ field: 'Idempotency-Key', code: 'malformed-key', message: 'must be 1 to 256 printable ASCII characters' }]);
}
