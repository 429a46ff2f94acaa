import { describeEventStore } from '@weft/testing';
import { openEventStoreDb } from './event-store.js';
import { FakeServer } from './fake-server/fake-server.js';

const TRAITS = { keepsJsonValuesOnly: true };

describeEventStore(
  'EventStoreDB (a fake server)',
  async () => {
    const server = new FakeServer();
    await server.start();
    return {
      open: () => openEventStoreDb({ connectionString: server.connectionString }),
      stop: async () => server.kill(),
    };
  },
  TRAITS,
);

const connectionString = process.env['WEFT_EVENTSTORE_URL'] ?? '';
const describeReal = connectionString === '' ? describe.skip : describe;
describeReal('with WEFT_EVENTSTORE_URL, which says where a real server is', () => {
  const harness = { open: () => openEventStoreDb({ connectionString }), stop: async () => {} };
  describeEventStore('EventStoreDB', async () => harness, TRAITS);
});
