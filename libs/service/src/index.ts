export * from './access.js';
export { AnswerTimes } from './answer-times.js';
export { adoptPolicy, codesDiffer, firstPolicy, organisationsDiffer, settingsDiffer, warnAtStart } from './adopt-policy.js';
export { type Actor, AuditLog, type Given } from './audit-log.js';
export { addDays, auditAbout, auditOfDay, type StoredAuditEntry } from './audit-trail.js';
export { Audited, AuditedProblemFilter } from './audited.js';
export { BODY_LIMIT_BYTES, RawBody, utf8Text } from './bodies.js';
export { Example } from './documentation.js';
export { type Engines, openEngines } from './engines.js';
export { createHttpApp, type HttpAppOptions, listen, REGION_HEADER } from './http-app.js';
export { createKeys, type KeySecrets, keySecrets } from './keys.js';
export { createLogger, type Logger, withoutNumbers } from './log.js';
export { type Hl7v2Listener, organisationsByHl7v2, usualListener } from './hl7v2-listeners.js';
export { Metrics } from './metrics.js';
export { type NationalSettings } from './national-settings.js';
export { invalid, parameter, refuseOtherParameters, VALIDATE_ONLY, validateOnly } from './parameters.js';
export { refuseUnlessAccepted } from './media-types.js';
export { type Issue, issueOf, type OperationOutcome, outcomeOf } from './operation-outcome.js';
export { HttpProblem, PROBLEM_JSON, problemOf, type ProblemDetails, sendProblem, unavailable } from './problem.js';
export { publicAddressOf } from './public-address.js';
export { createRegion, createTopicsOf, prepareRegion } from './create-region.js';
export { type Probe, Readiness, type ReadinessReport } from './readiness.js';
export { fingerprintOf, NoRegion, NotThisRegion, SETTING_OF } from './region-fits.js';
export { organisationsIn, RegionOrganisations, type Standing } from './region-organisations.js';
export { openService, Service } from './service.js';
export * from './settings.js';
export { onceEnginesAnswer } from './start-patience.js';
export { systemClock, systemRandom, systemTimers } from './system.js';
export { createReplayWorkers, type ReplayWorkers } from './replay-workers.js';
export { projectorObserver } from './projector-observer.js';
export {
  QuarantineTally,
  watchDecisions,
  describeApart,
  watchClocks,
  watchLag,
  watchMarks,
  watchNational,
  watchPolicy,
  watchPositions,
  watchPublisher,
  watchQuarantine,
  watchReconciliations,
  watchReviews,
  watchVersions,
  watchWaiting,
} from './region-metrics.js';
export * from './tokens.js';
export { runApp } from './run-app.js';
export { cursorSecretOf, openWiring, sealOf, statementKeyOf, WIRING } from './wiring.js';
