import { Metadata, type ServiceError, type status } from '@grpc/grpc-js';

/**
 * How a call, or one append of a batch, can go wrong: it is answered so instead; done and not known to be (`timed-out`), or never
 * answered because the server dies (`lost`); or the whole batch is `broken` or `ended`. `none`: it does not go wrong.
 */
export type Fault =
  | 'none'
  | 'mute'
  | 'busy'
  | 'not-ready'
  | 'not-leader'
  | 'access-denied'
  | 'unimplemented'
  | 'too-slow'
  | 'timed-out'
  | 'lost'
  | 'broken'
  | 'ended';

/** An error as gRPC carries it; the metadata is where EventStoreDB says which of its own it is. */
export function failure(code: status, details: string, exception: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(exception)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}
