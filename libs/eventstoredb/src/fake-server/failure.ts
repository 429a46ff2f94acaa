import { Metadata, type ServiceError, type status } from '@grpc/grpc-js';

/** An error as gRPC carries it; the metadata is where EventStoreDB says which of its own it is. */
export function failure(code: status, details: string, exception: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(exception)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
}
