import {
  EngineError,
  EngineUnavailable,
  InvalidCall,
  NO_STREAM,
  StreamDeleted,
  TooLarge,
  WrongExpectedRevision,
} from '@weft/processing';
import { SETTING } from './connection-string.js';

/** What was asked when it failed. */
export interface Asked {
  /** How messages name the engine: its hosts and the setting they come from. */
  readonly engine: string;
  readonly stream?: string;
  readonly expected?: number;
  readonly bytes?: number;
}

/** The fields by which the client's errors are told apart: its own have a `type`, those of gRPC only a `code`. */
interface ClientError {
  readonly type?: string;
  readonly code?: number;
  readonly message: string;
  readonly actualVersion?: bigint | string;
  readonly maxAppendSize?: number;
}

/** gRPC status codes, https://grpc.io/docs/guides/status-codes/. */
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;
const NEVER = new Set([PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED]);

function fields(error: unknown): ClientError {
  return error instanceof Error ? (error as ClientError) : { message: String(error) };
}

export function isType(error: unknown, type: string): boolean {
  return fields(error).type === type;
}

/** What an error of the client means to a caller of the port; what is none of the port's own is EngineUnavailable. */
export function engineError(error: unknown, { engine, stream = '', expected = NO_STREAM, bytes = NaN }: Asked): EngineError {
  if (error instanceof EngineError) return error;
  const { type, code, message, actualVersion, maxAppendSize = NaN } = fields(error);
  switch (type) {
    case 'wrong-expected-version':
      return new WrongExpectedRevision(stream, expected, typeof actualVersion === 'bigint' ? Number(actualVersion) : NO_STREAM);
    case 'stream-deleted':
      return new StreamDeleted(stream);
    case 'maximum-append-size-exceeded':
      return new TooLarge(`append to ${stream}`, bytes, maxAppendSize);
    case 'access-denied':
      return new EngineUnavailable(engine, `access is denied to the user that ${SETTING} names`, { cause: error });
    default:
  }
  if (code === INVALID_ARGUMENT || type === 'invalid-argument') return new InvalidCall(`${engine}: ${message}`, { cause: error });
  const what = message.replace(/\.? Resolution note:\s*$/, '');
  return new EngineUnavailable(engine, what === '' ? (type ?? 'unknown error') : what, { cause: error });
}

/** Whether a call that only asks may be made again: not where the answer would be the same. */
export function isPassing(error: unknown): boolean {
  const { type, code } = fields(error);
  if (type === 'access-denied' || NEVER.has(code ?? 0)) return false;
  return engineError(error, { engine: '' }).retriable;
}
