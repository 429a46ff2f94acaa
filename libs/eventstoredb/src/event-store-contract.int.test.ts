import { describeEventStore } from '@weft/testing';
import { eventStoreOrReason } from '../../../infra/eventstoredb/server.mjs';
import { openEventStoreDb } from './event-store.js';
import { FakeServer } from './fake-server/fake-server.js';

describeEventStore('EventStoreDB (a fake server)', async () => {
  const server = new FakeServer();
  await server.start();
  return {
    open: () => openEventStoreDb({ connectionString: server.connectionString }),
    stop: async () => server.kill(),
  };
});

const { server, reason } = await eventStoreOrReason();
if (server === undefined) {
  it.skip(`EventStoreDB is an EventStore: no server, ${reason}`, () => {});
} else {
  const { connectionString } = server;
  const harness = { open: () => openEventStoreDb({ connectionString }), stop: () => server.stop() };
  describeEventStore(`EventStoreDB (${server.kind})`, async () => harness);
}
