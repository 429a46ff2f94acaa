import { createHash } from 'node:crypto';
import { contentOf } from '@weft/domain';
import type { AcceptedEvent } from './accept-event.js';

/** Tells whether two events of one (source, id) say the same. */
export function contentDigest({ type, resource }: Pick<AcceptedEvent, 'type' | 'resource'>): string {
  return createHash('sha256').update(contentOf({ type, resource })).digest('base64url').slice(0, 22);
}
