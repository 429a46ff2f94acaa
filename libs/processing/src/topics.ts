import type { Purpose } from '@weft/domain';

/** Names of the bus's topics. */
export const CARE_EVENTS_PREFIX = 'weft.care-events.';
export const careEventsTopic = (ods: string): string => `${CARE_EVENTS_PREFIX}${ods}`;
export const CONSENT_TOPIC = 'weft.consent';
export const QUARANTINE_TOPIC = 'weft.quarantine';
export const recordChangesTopic = (purpose: Purpose): string => `weft.record-changes.${purpose}`;
export const RECORD_PROJECTOR_GROUP = 'weft.record-projector';
export const OPT_OUT_PROJECTOR_GROUP = 'weft.opt-out-projector';
