export { attachedTo, attachmentAddress, withAttachmentsAt, type Attached } from './attachments.js';
export type { KeptResource } from './about-nobody.js';
export { acceptEvent } from './accept-event.js';
export type { AcceptedEvent, AcceptOptions } from './accept-event.js';
export type { FoundResources } from './bundle-kept.js';
export { careEventsOfBundle, openBundle } from './bundle.js';
export type { BundleItem, BundleOptions, Interaction, OpenedBundle, PendingItem } from './bundle.js';
export type { FhirRequest } from './bundle-request.js';
export { contentDigest } from './content-digest.js';
export { foreignText } from './foreign-text.js';
export { acceptWithKept, type Before } from './kept-before.js';
export {
  BATCH_EVENTS_MAX,
  BATCH_LIMIT_BYTES,
  CLOUD_EVENT_JSON,
  CLOUD_EVENTS_BATCH_JSON,
  contentModeOf,
  readCloudEvent,
  readCloudEventBatch,
} from './cloud-event.js';
export type { Arrival, ContentMode, ReceivedEvent } from './cloud-event.js';
export { decisionsOfConsent, isPrivacyConsent, subjectOfConsent } from './consent-in.js';
export type { ConsentContext, ConsentReading } from './consent-in.js';
export { consentOf } from './consent-out.js';
export type { ConsentParts } from './consent-out.js';
export { AHEAD_MAX_MS, Envelope, FHIR_JSON, GOVERNANCE_SOURCE, instantOf, organisationOf } from './envelope.js';
export type { EventType } from './envelope.js';
export { fhirProblems } from './fhir.js';
export { FHIR_INTERACTIONS, type FhirInteraction, isFoundByIdentifier } from './fhir-interactions.js';
export { capabilityStatement, everythingBundle } from './fhir-out.js';
export type { EverythingPage, RecordEntry } from './fhir-out.js';
export { JSON_DEPTH_MAX, readFhirJson, readJson, repeatedMemberOf } from './json.js';
export { type Identified, identityProblems } from './mended.js';
export { judgeMany } from './judge-many.js';
export type { BundleSent, JudgedMany, JudgedOne, JudgeRules, Many, ReadyEvent } from './judge-many.js';
export { unpacked } from './packed.js';
export type { Packed } from './packed.js';
export { createMessageReader, mendsHeader, SEAL_HEADER, sealMessage, toMessage } from './message.js';
export type { ReaderOptions, Seal } from './message.js';
export { NHS_NUMBER_SYSTEM, nhsNumberOfReference, nhsNumbersOf } from './patient-reference.js';
export { patientSummary } from './patient-summary.js';
export type { SummaryOptions } from './patient-summary.js';
export { PROBLEM_JSON, problemDetails } from './problem-details.js';
export type { ProblemDetails } from './problem-details.js';
export type { RequestKeys } from './request-ids.js';
