export {
  compare,
  type Compared,
  type CompareOptions,
  type Finding,
  type FindingKind,
  FINDINGS,
  type Tallied,
} from './compare.js';
export { BadManifest, type Manifest, MANIFEST_KINDS, type ManifestKind, type ManifestSource, readManifest } from './manifest.js';
export { asToldToSender, reconcile, type Reconciling } from './reconcile.js';
export {
  type SignedStatement,
  type Statement,
  type StatementJwk,
  type StatementKey,
  statementKey,
  type Verdict,
  verifyStatement,
} from './statement.js';
export { type KeptStatement, lastOfEach, lastStatements } from './statements.js';
