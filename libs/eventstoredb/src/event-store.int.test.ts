import {
  bytesOf,
  EngineDamaged,
  EngineUnavailable,
  InvalidCall,
  NO_STREAM,
  StreamDeleted,
  textOf,
  WrongExpectedRevision,
} from '@weft/processing';
import { openEventStoreDb } from './event-store.js';
import { newEvents, numberOf, revisionsOf, useFake } from './fake-server/use-fake.js';

describe('the EventStoreDB adapter on a fake server', () => {
  const fake = useFake();

  describe('appending', () => {
    it('refuses the very same append made again, which the server would take for the first', async () => {
      const store = await fake.open();
      const events = newEvents(2);
      await store.append('careRecord-1', NO_STREAM, events);
      await expect(store.append('careRecord-1', NO_STREAM, events)).rejects.toThrow(WrongExpectedRevision);
      const [first] = await store.read('careRecord-1');
      expect(first?.id).toBe(events[0]?.id);
    });

    it('does not take another body under the same ids for written', async () => {
      const store = await fake.open();
      const [event] = newEvents(1);
      await store.append('careRecord-1', NO_STREAM, [event!]);
      await expect(store.append('careRecord-1', NO_STREAM, [{ ...event!, data: bytesOf('{"n":99}') }])).rejects.toThrow(
        WrongExpectedRevision,
      );
      expect((await store.read('careRecord-1')).map(numberOf)).toEqual([0]);
    });

    it('is not made again by itself when its answer is lost: it may have been written, and here it was', async () => {
      const store = await fake.open();
      await store.append('careRecord-1', NO_STREAM, newEvents(1));
      fake.server.willFail('append', 'lost');
      await expect(store.append('careRecord-1', 0, newEvents(1, 1))).rejects.toThrow(EngineUnavailable);
      await fake.server.start();
      expect((await store.read('careRecord-1')).map(numberOf)).toEqual([0, 1]);
      expect(fake.server.calls.filter((method) => method === 'append')).toHaveLength(2);
    });

    it.each(['busy', 'not-leader', 'mute'] as const)(
      'fails with EngineUnavailable, once, when the server is %s',
      async (fault) => {
        const store = await fake.open({ deadlineMs: 2_000 });
        fake.server.willFail('append', fault);
        await expect(store.append('careRecord-1', NO_STREAM, newEvents(1))).rejects.toThrow(EngineUnavailable);
        expect(fake.server.calls.filter((method) => method === 'append')).toHaveLength(1);
        expect(await store.append('careRecord-1', NO_STREAM, newEvents(1))).toBe(0);
      },
    );
  });

  describe('reading', () => {
    it.each(['busy', 'not-leader', 'mute'] as const)('asks again when the server is %s', async (fault) => {
      const store = await fake.open({ deadlineMs: 1_000 });
      await store.append('careRecord-1', NO_STREAM, newEvents(2));
      fake.server.willFail('read', fault);
      expect((await store.read('careRecord-1')).map(numberOf)).toEqual([0, 1]);
    });

    it('asks no more when its patience is over, and says which engine and which setting', async () => {
      const store = await fake.open({ patienceMs: 300 });
      fake.server.willFail('read', ...Array.from({ length: 50 }, () => 'busy' as const));
      const refused = store.read('careRecord-1');
      await expect(refused).rejects.toThrow(EngineUnavailable);
      await expect(refused).rejects.toThrow(
        `EventStoreDB at ${fake.server.address} (WEFT_EVENTSTORE_URL): 14 UNAVAILABLE: Server Is Too Busy`,
      );
    });

    it('does not ask again for what its user may not see', async () => {
      const store = await fake.open();
      const before = fake.server.calls.length;
      fake.server.willFail('read', 'access-denied');
      await expect(store.head('careRecord-1')).rejects.toThrow(/access is denied to the user that WEFT_EVENTSTORE_URL names/);
      expect(fake.server.calls.length - before).toBe(1);
    });

    it('names what this store cannot have written, and serves none of it', async () => {
      const store = await fake.open();
      fake.write('careRecord-1', 'blob', 'of others', { metadata: 'no JSON' });
      await expect(store.read('careRecord-1')).rejects.toThrow(EngineDamaged);
      await expect(store.read('careRecord-1')).rejects.toThrow(
        /the metadata of event 0 of stream careRecord-1 is no object of JSON/,
      );
    });

    it('reads what others, or an earlier Weft, have written as JSON, under its own id', async () => {
      const store = await fake.open();
      const id = '6f1b9d3c-2f65-4f0e-9d3c-0f5a3c1b2d4e';
      fake.write('careRecord-1', 'note', { from: 'the console' });
      fake.write('careRecord-1', 'note', { n: 1 }, { metadata: JSON.stringify({ eventId: id }) });
      const events = await store.read('careRecord-1');
      expect(events.map(({ data }) => textOf(data))).toEqual(['{"from":"the console"}', '{"n":1}']);
      expect(events).toMatchObject([
        { type: 'note', meta: {}, revision: 0 },
        { id, meta: {}, revision: 1 },
      ]);
    });
  });

  describe('a deleted stream', () => {
    it('is as if it had never been after a soft delete, while its revisions go on', async () => {
      const store = await fake.open();
      await store.append('view-1', NO_STREAM, newEvents(3));
      fake.server.log.softDelete('view-1');
      expect(await store.read('view-1')).toEqual([]);
      expect(await store.head('view-1')).toBe(NO_STREAM);
      expect(await store.readAll({ prefixes: ['view-'] })).toEqual([]);
      expect(await store.append('view-1', NO_STREAM, newEvents(2, 3), { truncatesPrevious: true })).toBe(4);
      expect(revisionsOf(await store.read('view-1'))).toEqual([3, 4]);
      expect(await store.append('view-1', 4, newEvents(1, 5), { truncatesPrevious: true })).toBe(5);
      expect(revisionsOf(await store.read('view-1'))).toEqual([5]);
    });

    it('says StreamDeleted for everything once it has a tombstone, and shows nothing among all streams', async () => {
      const store = await fake.open();
      await store.append('view-1', NO_STREAM, newEvents(1));
      fake.server.log.tombstone('view-1');
      await expect(store.append('view-1', 0, newEvents(1))).rejects.toThrow(StreamDeleted);
      await expect(store.read('view-1')).rejects.toThrow(StreamDeleted);
      await expect(store.head('view-1')).rejects.toThrow(StreamDeleted);
      expect(await store.readAll({ prefixes: ['view-'] })).toEqual([]);
    });
  });

  describe('its connection', () => {
    it('says host and setting, and not the password, when nobody answers', async () => {
      const { address } = fake.server;
      fake.server.kill();
      const connectionString = `esdb://weft:hunter2@${address}?tls=false`;
      const failed = openEventStoreDb({ connectionString, patienceMs: 200 }).catch((error: unknown) => error);
      expect(await failed).toBeInstanceOf(EngineUnavailable);
      expect(((await failed) as Error).message).toContain(`EventStoreDB at ${address} (WEFT_EVENTSTORE_URL)`);
      expect(String(await failed)).not.toContain('hunter2');
    });

    it('fails clearly when the server does not speak TLS', async () => {
      const connectionString = `esdb://${fake.server.address.replace('127.0.0.1', 'localhost')}`;
      await expect(openEventStoreDb({ connectionString, patienceMs: 200, deadlineMs: 500 })).rejects.toThrow(EngineUnavailable);
    });

    it('fails clearly when the server accepts the connection and says nothing', async () => {
      fake.server.willFail('read', 'mute', 'mute', 'mute', 'mute', 'mute');
      const failed = fake.open({ patienceMs: 200, deadlineMs: 200 });
      await expect(failed).rejects.toThrow(/no answer within 200 ms/);
    });

    it('refuses a connection string that it cannot use, before it connects', async () => {
      await expect(fake.open({ connectionString: 'esdb://a?tls=perhaps' })).rejects.toThrow(InvalidCall);
    });

    it('finds the leader of a cluster by gossip, and again after all of it was away', async () => {
      const { address } = fake.server;
      const cluster = `esdb://127.0.0.1:1,${address}?tls=false&maxDiscoverAttempts=2&discoveryInterval=10`;
      const store = await fake.open({ connectionString: cluster });
      expect(await store.append('careRecord-1', NO_STREAM, newEvents(1))).toBe(0);
      fake.server.kill();
      await expect(store.append('careRecord-1', 0, newEvents(1))).rejects.toThrow(EngineUnavailable);
      await expect(store.append('careRecord-1', 0, newEvents(1))).rejects.toThrow(EngineUnavailable);
      await expect(store.check()).rejects.toThrow(EngineUnavailable);
      await fake.server.start();
      expect(await store.head('careRecord-1')).toBe(0);
      expect(await store.append('careRecord-1', 0, newEvents(1))).toBe(1);
    });
  });
});
