import { randomUUID } from 'node:crypto';
import { bytesOf, textOf, type EventStore, type NewEvent, type StoredEvent } from '@weft/processing';
import { openEventStoreDb, type EventStoreDbOptions } from '../event-store.js';
import { FakeServer } from './fake-server.js';

export interface Fake {
  readonly server: FakeServer;
  /** A store on it, with short times so that tests need not wait. */
  open(options?: Partial<EventStoreDbOptions>): Promise<EventStore>;
  /** What somebody else writes there, without the adapter. */
  write(
    stream: string,
    type: string,
    data: unknown,
    options?: { readonly contentType?: string; readonly metadata?: string },
  ): void;
  /** A stream's metadata as it stands there. */
  metadata(stream: string): object;
}

/** A fresh fake server for each test of a describe; it and all stores are closed after the test. */
export function useFake(): Fake {
  let server: FakeServer;
  let stores: EventStore[];
  beforeEach(async () => {
    stores = [];
    server = new FakeServer();
    await server.start();
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    server.kill();
  });
  return {
    get server() {
      return server;
    },
    async open(options = {}) {
      // Long enough for a machine that has other things to do: tests of silence say how long they wait.
      const limits = { deadlineMs: 10_000, patienceMs: 30_000, retryPauseMs: 20 };
      const store = await openEventStoreDb({ connectionString: server.connectionString, ...limits, ...options });
      stores.push(store);
      return store;
    },
    write(stream, type, data, { contentType = 'application/json', metadata = '' } = {}) {
      const bytes = Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
      server.log.append(stream, 'any', [{ id: randomUUID(), type, contentType, data: bytes, metadata: bytesOf(metadata) }]);
    },
    metadata: (stream) => server.log.metadata(stream),
  };
}

export const newEvents = (count: number, first = 0): NewEvent[] =>
  Array.from({ length: count }, (_, n) => ({
    id: randomUUID(),
    type: 'numbered-1',
    data: bytesOf(JSON.stringify({ n: first + n })),
  }));
export const numberOf = ({ data }: StoredEvent): number => (JSON.parse(textOf(data)) as { n: number }).n;
export const revisionsOf = (events: readonly StoredEvent[]): number[] => events.map(({ revision }) => revision);

/** Waits for a condition; fails with its name when it does not come true. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`in ${timeoutMs} ms it did not come to pass that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
