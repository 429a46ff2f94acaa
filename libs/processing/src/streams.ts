import { PURPOSES, type Coordinates, type Projection, type Purpose } from '@weft/domain';
import type { Keys } from './ports.js';

const camelCase = (purpose: Purpose): string => purpose.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const CATEGORIES = new Map(PURPOSES.map((purpose) => [purpose, camelCase(purpose)]));

/** Names of the store's streams. The category is what stands before the first dash. */
export const CARE_RECORD_PREFIX = 'careRecord-';
/** What was accepted and decided about one number, in one order, and what each of it changed in the views of their person. */
export const careRecordStream = (key: string): string => `${CARE_RECORD_PREFIX}${key}`;
export const keyOfStream = (stream: string): string => stream.slice(CARE_RECORD_PREFIX.length);
/** How far the changes of the streams were published. */
export const PUBLISHER_STREAM = 'publisher-region';
/** In which epoch the store is, and whether everything is being published anew. */
export const EPOCH_STREAM = 'epoch-region';
/** Which person a FHIR Consent is about, by its source and id: it may be corrected to another. */
export const consentHolderStream = (consent: string): string => `consentHolder-${consent}`;
/** Which numbers ever had versions of an entry, by the entry's id. */
export const entryHoldersStream = (entry: string): string => `entryHolders-${entry}`;
/** What an organisation sent that is about nobody, by a name that its references use. */
export const keptResourceStream = (keys: Pick<Keys, 'digest'>, organisation: string, name: string): string =>
  `keptResource-${keys.digest(JSON.stringify([organisation, name])).slice(0, 32)}`;
/** Whom an entry was published about by FHIR, by its source, type and id. */
export const publishedEntryStream = (entry: string): string => `publishedEntry-${entry}`;
/** Which region this is. */
export const REGION_STREAM = 'itself-region';
export const POLICY_STREAM = 'policy-region';
export const POLICY_PROPOSALS_STREAM = 'policyProposals-region';
/** Who asked who somebody is that research or population health gives another name, who agreed, and who was told. */
export const RE_IDENTIFICATIONS_STREAM = 'reIdentifications-region';
export const POLICY_APPLIED_STREAM = 'policyApplied-region';
/** Whose records for direct care contradict themselves. */
export const REVIEWS_STREAM = 'reviews-region';
/** How many of an organisation's versions were set aside. */
export const versionsStream = (organisation: string): string => `versions-${organisation}`;
/** How far the projector of an inbound topic is in one of its partitions, by what the store has. */
export const markStream = ({ topic, partition }: Pick<Coordinates, 'topic' | 'partition'>): string =>
  `mark-${topic}-${partition}`;
/** Whose record something came to behind decisions that were not read. */
export const AWAITING_STREAM = 'awaitingDecisions-region';
/** The newest receipt, of all messages that were read. */
export const NEWEST_RECEIPT_STREAM = 'newestReceipt-region';
export const BOUNDARIES_STREAM = 'decisionBoundaries-region';
/** Who began to be told of a purpose over HTTP, and when. */
export const subscribersStream = (purpose: Purpose): string => `subscribers-${CATEGORIES.get(purpose)}`;
/** What was audited on a day, of the whole region, in the order in which it was written. */
export const AUDIT_PREFIX = 'audit-';
export const auditStream = (day: string): string => `${AUDIT_PREFIX}${day.replaceAll('-', '')}`;
/** The day of such a stream, `YYYY-MM-DD`; null for every other stream. */
export function dayOfAuditStream(stream: string): string | null {
  const [, year, month, day] = /^audit-(\d{4})(\d{2})(\d{2})$/.exec(stream) ?? [];
  return year === undefined ? null : `${year}-${month}-${day}`;
}
/** The same entries by whom they are about; `key` as the entry has it. */
export const AUDIT_OF_PREFIX = 'auditOf-';
export const auditOfStream = (key: string): string => `${AUDIT_OF_PREFIX}${key}`;
export const replayStream = (projection: Pick<Projection, 'purpose' | 'version'>): string =>
  `replay-${projection.purpose}View${projection.version}`;
