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

const connectionString = process.env['WEFT_EVENTSTORE_URL'];
if (connectionString === undefined) {
  describe.skip('EventStoreDB (a real server): WEFT_EVENTSTORE_URL is not set', () => {
    it('is an EventStore', () => {});
  });
} else {
  describeEventStore(
    'EventStoreDB (a real server)',
    async () => ({ open: () => openEventStoreDb({ connectionString }), stop: async () => {} }),
    TRAITS,
  );
}
