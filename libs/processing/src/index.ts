export * from './apply-decisions.js';
export * from './apply-policy.js';
export { whatBecame, type Became, type Passed } from './became.js';
export { AwaitingPeople } from './awaiting.js';
export * from './boundaries.js';
export { chained, endOf } from './chain.js';
export * from './concurrency.js';
export {
  bytesOf,
  decodeAuditEntry,
  decodeNumberEvent,
  encodeAfter,
  encodeAuditEntry,
  effectIn,
  textOf,
  type AuditEntry,
  type RecordedDecision,
  type StreamEnd,
} from './encoding.js';
export * from './decision-effect.js';
export { entriesByThen } from './entries-by-then.js';
export { loadEpoch, type Epoch } from './epochs.js';
export * from './errors.js';
export * from './explain-record.js';
export { eachOnItsOwn, isOfEngine, unlessUnreadable, unprocessable, type UnreadableRecord } from './failures.js';
export { findKept, keepResources } from './kept-resources.js';
export { type EntryNamed, type EntryOf, notePublished, subjectsPublished } from './published-entries.js';
export { messagesLost, recordTopics, StoreWatch } from './catching-up.js';
export * from './changes-of.js';
export { countOf, decideViews, viewIn } from './decide-views.js';
export * from './derive-views.js';
export { eventsOf, isKnownNumber, loadNumber, type NumberState } from './number.js';
export { keysOfPerson, loadPerson, survivorOf, type FoundPerson, type Person } from './person.js';
export * from './publisher.js';
export { unreadSince } from './lane-ends.js';
export { timesPutBack, untilPutBack } from './marks.js';
export { metaOf, metaText } from './meta.js';
export { NotOfOrganisation, maySendAt, OrganisationBook, type Organisations, type RegionOrganisation } from './organisations.js';
export { partitionOf } from './partition-of.js';
export * from './person-of-pseudonym.js';
export * from './plan-policy.js';
export * from './policy-book.js';
export * from './policy-proposals.js';
export * from './ports.js';
export * from './projectors.js';
export * from './pseudonyms-of-person.js';
export * from './quarantine.js';
export * from './read-record.js';
export * from './re-identifications.js';
export * from './record-care-events.js';
export * from './record-changes.js';
export { type CodesInForce, CodesNotAuthorised, ReleasedCodesBook, sameCodes } from './released-codes.js';
export { Reviews, type ReviewCounts } from './reviews.js';
export { type Corrected } from './corrected.js';
export { type SetAside, type VersionCounts, versionCounts } from './set-aside.js';
export { hasNoRoom, PERMISSIONS_MAX, TOO_MANY } from './sift-decisions.js';
export * from './region.js';
export { patientKeys } from './patient-keys.js';
export { APART_MS, clocksApart, momentNow, type Apart } from './region-time.js';
export * from './replay-views.js';
export { tooLargeToStore } from './storable.js';
export * from './streams.js';
export * from './subscribers.js';
export * from './times-as-one.js';
export * from './topics.js';
export { messagesBetween } from './messages-between.js';
export { lagOf, oldestUnread, positionsOf, unreadMessages } from './unread.js';
export * from './verify-chains.js';
export * from './verify-views.js';
export { WaitingEvents } from './waiting.js';
export * from './wiring.js';
export { unlessFenced } from './append.js';
