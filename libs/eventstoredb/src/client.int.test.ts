import { NO_STREAM, EngineUnavailable } from '@weft/processing';
import { Appends } from './appends.js';
import { Calls } from './calls.js';
import { Client } from './client.js';
import { parseConnectionString } from './connection-string.js';
import { newEvents, until, useFake } from './fake-server/use-fake.js';
import { toOwnEvent } from './stored-event.js';
import { systemClock, systemRandom, systemTimers } from './system.js';

describe('the client’s sharp edges', () => {
  const fake = useFake();

  it('an append that begins at the very moment when a channel fails is made on it or on the next one', async () => {
    const client = new Client(parseConnectionString(fake.server.connectionString));
    const surroundings = { clock: systemClock, timers: systemTimers, random: systemRandom };
    const calls = new Calls('EventStoreDB', surroundings, { deadlineMs: 10_000, patienceMs: 0 });
    const appends = new Appends(client, calls);
    const event = () => toOwnEvent(systemRandom.uuid(), 't', {});
    await appends.append('careRecord-1', NO_STREAM, [event()]);
    fake.server.willFail('read', 'busy');
    const appended = new Promise((resolve, reject) => {
      client
        .readStream('careRecord-1')
        .on('error', () => void appends.append('careRecord-1', 0, [event()]).then(resolve, reject));
    });
    await expect(appended).resolves.toBe(1);
    calls.close();
    appends.close();
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
