import type { Projection } from '@weft/domain';

/** Names of the store's streams. The category is what stands before the first dash. */
export const CARE_RECORD_PREFIX = 'careRecord-';
export const CONSENT_PREFIX = 'consent-';
export const careRecordStream = (key: string): string => `${CARE_RECORD_PREFIX}${key}`;
export const consentStream = (key: string): string => `${CONSENT_PREFIX}${key}`;
export const identityStream = (key: string): string => `identity-${key}`;
export const viewStream = (projection: Projection, viewKey: string): string => `${viewPrefix(projection)}${viewKey}`;
export const viewPrefix = (projection: Projection): string =>
  `${projection.purpose.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}View${projection.version}-`;
export const POLICY_STREAM = 'policy-region';
export const POLICY_APPLIED_STREAM = 'policyApplied-region';
export const BOUNDARIES_STREAM = 'decisionBoundaries-region';
export const auditStream = (day: string): string => `audit-${day.replaceAll('-', '')}`;
export const replayStream = (projection: Projection): string => `replay-${projection.purpose}View${projection.version}`;
