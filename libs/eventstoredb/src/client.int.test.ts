import { NO_STREAM as MISSING, jsonEvent } from '@eventstore/db-client';
import { NO_STREAM, EngineUnavailable } from '@weft/processing';
import { Client } from './client.js';
import { parseConnectionString } from './connection-string.js';
import { newEvents, until, useFake } from './fake-server/use-fake.js';

describe('the client’s sharp edges', () => {
  const fake = useFake();

  it('an append that begins at the very moment when a channel fails is made on it or on the next one', async () => {
    const client = new Client(parseConnectionString(fake.server.connectionString));
    await client.appendToStream('careRecord-1', jsonEvent({ type: 't', data: {} }), { expectedRevision: MISSING });
    fake.server.willFail('read', 'busy');
    const appended = new Promise((resolve, reject) => {
      client.readStream('careRecord-1').on('error', () => {
        client.appendToStream('careRecord-1', jsonEvent({ type: 't', data: {} }), { expectedRevision: 0n }).then(resolve, reject);
      });
    });
    await expect(appended).resolves.toMatchObject({ nextExpectedRevision: 1n });
    await client.disconnect();
  });

  it('a call that fails while no member of the cluster is found fails alone', async () => {
    const connectionString = `esdb://127.0.0.1:1,${fake.server.address}?tls=false&maxDiscoverAttempts=20&discoveryInterval=20`;
    const store = await fake.open({ connectionString, patienceMs: 0, deadlineMs: 5_000 });
    fake.server.willFail('read', 'mute', 'busy');
    const onOldChannel = store.head('careRecord-1').catch((error: unknown) => error);
    await until('it is under way', () => fake.server.calls.length === 2);
    await expect(store.head('careRecord-1')).rejects.toThrow(/Server Is Too Busy/);
    fake.server.kill();
    // Looks for a new channel, and is still looking when the call on the old one fails.
    await expect(store.append('careRecord-1', NO_STREAM, newEvents(1))).rejects.toThrow(/Failed to discover/);
    expect(await onOldChannel).toBeInstanceOf(EngineUnavailable);
  });
});
