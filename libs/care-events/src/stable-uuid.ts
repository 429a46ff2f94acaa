import { createHash } from 'node:crypto';

/** A UUID (version 8, RFC 9562) that is always the same for the same text. */
export function stableUuid(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex');
  const variant = (8 + (Number.parseInt(hash[16]!, 16) % 4)).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
