import { PURPOSES, type Organisation, type Purpose } from '@weft/domain';
import type { TopicSpec } from './ports.js';

/** Names of the bus's topics. */
export const CARE_EVENTS_PREFIX = 'weft.care-events.';
export const careEventsTopic = (ods: string): string => `${CARE_EVENTS_PREFIX}${ods}`;
export const HL7V2_PREFIX = 'weft.hl7v2.';
/** What an organisation's engine sends by HL7 v2, as it came. */
export const hl7v2Topic = (ods: string): string => `${HL7V2_PREFIX}${ods}`;
/** National events as they came, whomever they are about. */
export const NATIONAL_EVENTS_TOPIC = 'weft.national-events';
export const CONSENT_TOPIC = 'weft.consent';
export const QUARANTINE_TOPIC = 'weft.quarantine';
/** The header by which a redriven message says which place in quarantine it was mended from. */
export const MENDS_HEADER = 'weft-mends';
/** The header by which a redriven message says which place in quarantine it comes from. */
export const REDRIVES_HEADER = 'weft-redrives';
export const recordChangesTopic = (purpose: Purpose): string => `weft.record-changes.${purpose}`;
export const RECORD_PROJECTOR_GROUP = 'weft.record-projector';
export const OPT_OUT_PROJECTOR_GROUP = 'weft.opt-out-projector';
export const HL7_PROJECTOR_GROUP = 'weft.hl7-projector';
export const NATIONAL_GROUP = 'weft.national-gateway';
/** The group that deals with an inbound topic; undefined for one that no projector reads. */
export function groupOf(topic: string): string | undefined {
  if (topic === CONSENT_TOPIC) return OPT_OUT_PROJECTOR_GROUP;
  if (topic === NATIONAL_EVENTS_TOPIC) return NATIONAL_GROUP;
  if (topic.startsWith(HL7V2_PREFIX)) return HL7_PROJECTOR_GROUP;
  return topic.startsWith(CARE_EVENTS_PREFIX) ? RECORD_PROJECTOR_GROUP : undefined;
}

/**
 * The topics of a region, of whose organisations those named in `byHl7v2` send by it too, and that may hear of national events. What subscribers and operators read keeps the
 * last state of each key; what came in is kept for good.
 */
export function regionTopics(
  organisations: readonly Organisation[],
  partitions: number,
  byHl7v2: readonly string[] = [],
  hearsNational = false,
): TopicSpec[] {
  return [
    ...organisations.map(({ ods }) => ({ topic: careEventsTopic(ods), partitions })),
    ...byHl7v2.map((ods) => ({ topic: hl7v2Topic(ods), partitions })),
    ...(hearsNational ? [{ topic: NATIONAL_EVENTS_TOPIC, partitions }] : []),
    { topic: CONSENT_TOPIC, partitions },
    ...PURPOSES.map((purpose) => ({ topic: recordChangesTopic(purpose), partitions, compacted: true })),
    { topic: QUARANTINE_TOPIC, partitions: 1, compacted: true },
  ];
}
