import type { Projection } from '@weft/domain';
import type { Keys, OutgoingMessage } from './ports.js';
import { recordChangesTopic } from './topics.js';

/** What subscribers of a purpose are told of one entry. */
export interface RecordChange {
  readonly projection: Projection;
  /** The patient's key within the purpose. */
  readonly viewKey: string;
  /** The entry's id in the view. */
  readonly entryId: string;
  readonly kind: 'included' | 'amended' | 'withdrawn';
  /** The entry as JSON; absent of a withdrawal. */
  readonly entry?: string;
  /** Revision of the view stream that this is true of: a subscriber ignores what is older than what it has. */
  readonly viewRevision: number;
}

/** The message key of an entry's changes: beyond individual care its id in the view is a pseudonym already. */
export function changeKey(projection: Projection, viewKey: string, entryId: string, keys: Keys): string {
  return `${viewKey}.${projection.identifies ? keys.pseudonym(projection.purpose, entryId) : entryId}`;
}

/** More events than one view's stream will ever hold. */
const REVISIONS_A_VERSION = 1e10;

/**
 * A view's revision as subscribers see it: the streams of two versions of a view both begin at 0, and a subscriber that has an
 * entry of the one must not take the other's for older.
 */
export function toldRevision({ version }: Projection, viewRevision: number): number {
  return (version - 1) * REVISIONS_A_VERSION + viewRevision;
}

const utf8 = new TextEncoder();

/**
 * The change as a CloudEvent in binary mode. The key names the entry, so that compaction leaves of each entry its last
 * state; a withdrawal is a tombstone. All changes of a patient go to one partition, in order.
 */
export function changeMessage(change: RecordChange, keys: Keys, time: string): OutgoingMessage {
  const { projection, viewKey, entry, kind, viewRevision } = change;
  const key = changeKey(projection, viewKey, change.entryId, keys);
  return {
    topic: recordChangesTopic(projection.purpose),
    key,
    partitionKey: viewKey,
    value: entry === undefined ? null : utf8.encode(entry),
    headers: {
      ce_specversion: '1.0',
      ce_id: `${key}@${toldRevision(projection, viewRevision)}.${kind}`,
      ce_source: 'urn:weft:record-projector',
      ce_type: `record-entry-${kind}-1`,
      ce_subject: viewKey,
      ce_time: time,
      ce_viewrevision: String(toldRevision(projection, viewRevision)),
      ...(entry === undefined ? {} : { 'content-type': 'application/json' }),
    },
  };
}
