export * from './apply-decisions.js';
export * from './apply-policy.js';
export * from './boundaries.js';
export * from './concurrency.js';
export {
  decodeAuditEntry,
  decodeAuditIndex,
  encodeAuditEntry,
  encodeAuditIndex,
  type AuditEntry,
  type RecordedDecision,
} from './encoding.js';
export * from './decision-effect.js';
export * from './errors.js';
export * from './explain-record.js';
export { loadConsent, loadView } from './load.js';
export * from './plan-policy.js';
export * from './policy-book.js';
export * from './policy-proposals.js';
export * from './ports.js';
export * from './projectors.js';
export * from './publish-changes.js';
export * from './quarantine.js';
export * from './read-record.js';
export * from './rebuild-views.js';
export * from './record-care-events.js';
export * from './record-changes.js';
export { DECISIONS_MAX, hasNoRoom, TOO_MANY } from './sift-decisions.js';
export * from './replay-views.js';
export * from './streams.js';
export * from './topics.js';
export * from './verify-views.js';
export * from './wiring.js';
