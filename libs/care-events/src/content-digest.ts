import { createHash } from 'node:crypto';
import { contentOf } from '@weft/domain';
import type { AcceptedEvent } from './accept-event.js';

/** Tells whether two events of one (source, id) say the same: as the record has it. */
export function contentDigest({ type, resource }: Pick<AcceptedEvent, 'type' | 'resource'>): string {
  return createHash('sha256').update(contentOf({ type, resource })).digest('hex').slice(0, 32);
}
