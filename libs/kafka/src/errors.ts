import { EngineError, EngineUnavailable, InvalidCall, NotPermitted, TooLarge, UnknownTopic } from '@weft/processing';

/** Refusals that the same call will meet again. */
const NEVER = new Set([
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_REPLICA_ASSIGNMENT',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'INVALID_RECORD',
  'INVALID_GROUP_ID',
  'INVALID_TRANSACTION_TIMEOUT',
  'POLICY_VIOLATION',
  'SECURITY_DISABLED',
]);

/** The broker's own name for what went wrong (`TOPIC_AUTHORIZATION_FAILED`), however deep kafkajs has wrapped it. */
export function protocolError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { type, cause, errors } = error as { type?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (typeof type === 'string') return type;
  return protocolError(errors?.[0]) ?? protocolError(cause);
}

/** True when the group has gone on without this member: what it holds may be another's now. */
export function isFenced(error: unknown): boolean {
  const type = protocolError(error);
  return type === 'ILLEGAL_GENERATION' || type === 'UNKNOWN_MEMBER_ID' || type === 'REBALANCE_IN_PROGRESS';
}

/**
 * Whether a failure says that a broker or the way to it was away for a moment, or the group went on: not what a fetch brought, or
 * may not bring.
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof EngineError) return error.cause === undefined || isPassing(error.cause);
  if (!(error instanceof Error)) return false;
  if (isFenced(error)) return true;
  const { cause, retriable } = error as { cause?: unknown; retriable?: unknown };
  return error.name === 'KafkaJSNumberOfRetriesExceeded' ? isPassing(cause) : retriable === true;
}

/**
 * What a kafkajs error means to a caller of the port. `doing` says what was tried. Never quotes a message's key or value, and
 * kafkajs's own texts do not either.
 */
export function engineError(error: unknown, doing: string, topic?: string): EngineError {
  if (error instanceof EngineError) return error;
  const type = protocolError(error);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION' && topic !== undefined) return new UnknownTopic(topic);
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') return new TooLarge(doing, NaN, NaN);
  if (type?.endsWith('_AUTHORIZATION_FAILED')) return new NotPermitted(`${doing}: the broker does not permit it (${type})`);
  const message = error instanceof Error ? error.message : String(error);
  if (type !== undefined && NEVER.has(type)) return new InvalidCall(`${doing}: ${message} (${type})`);
  return new EngineUnavailable('Kafka', `${doing}: ${message}`, { cause: error });
}
