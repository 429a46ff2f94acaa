export interface EventStoreServer {
  /** `named`: WEFT_EVENTSTORE_URL; `docker`: a container of our own. */
  readonly kind: 'named' | 'docker';
  readonly connectionString: string;
  stop(): Promise<void>;
}

/** For test files: says aloud which server it is, or why there is none. */
export function eventStoreOrReason(): Promise<
  { readonly server: EventStoreServer; readonly reason?: undefined } | { readonly server?: undefined; readonly reason: string }
>;
