import { NO_STREAM, EngineUnavailable, InvalidCall, type EventStore, type StoredEvent } from '@weft/processing';
import { newEvents, numberOf, revisionsOf, until, useFake } from './fake-server/use-fake.js';

describe('truncation on EventStoreDB (a fake server)', () => {
  const fake = useFake();
  const truncating = { truncatesPrevious: true } as const;

  /** Appended with its truncation, as by a process that died between the two steps. */
  const dieHalfWay = async (stream: string, expected: number) => {
    const dying = await fake.open({ patienceMs: 0 });
    await dying.head(stream);
    fake.server.willFail('append', 'none', 'busy');
    await expect(dying.append(stream, expected, newEvents(1, expected + 1), truncating)).rejects.toThrow(EngineUnavailable);
    await dying.close();
    expect(fake.metadata(stream)).not.toHaveProperty('$tb', expected + 1);
  };

  const listed = async (store: EventStore, prefix: string, after?: string) => {
    const found = [];
    for await (const entry of store.streams(prefix, after)) found.push(entry);
    return found;
  };

  it('is the stream’s own metadata, beside what others have put there', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(3));
    fake.write('$$view-1', '$metadata', { $acl: { $r: ['clinicians'] }, owner: 'region' });
    await store.append('view-1', 2, newEvents(2, 3), truncating);
    expect(fake.metadata('view-1')).toEqual({ $acl: { $r: ['clinicians'] }, owner: 'region', $tb: 3 });
    expect(revisionsOf(await store.read('view-1'))).toEqual([3, 4]);
  });

  it('leaves at least the append itself, so that the head is always known', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(1), truncating);
    expect(fake.metadata('view-1')).toEqual({});
    await store.append('view-1', 0, newEvents(1), truncating);
    expect(await store.head('view-1')).toBe(1);
  });

  it('knows the head of a stream of which somebody else has truncated everything', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(3));
    fake.write('$$view-1', '$metadata', { $tb: 3 });
    expect(await store.read('view-1')).toEqual([]);
    expect(await store.head('view-1')).toBe(2);
    expect(await store.append('view-1', 2, newEvents(1, 3))).toBe(3);
    expect(fake.server.log.records.filter(({ stream }) => stream === 'view-1')).toHaveLength(4);
  });

  it('never makes readable again what a later one has hidden', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(3));
    fake.write('$$view-1', '$metadata', { $tb: 2 ** 40 });
    await store.append('view-1', 2, newEvents(1), truncating);
    expect(fake.metadata('view-1')).toEqual({ $tb: 2 ** 40 });
  });

  it('survives many who change the metadata of one stream at the same moment', async () => {
    const stores = await Promise.all([fake.open(), fake.open(), fake.open()]);
    await stores[0]!.append('view-1', NO_STREAM, newEvents(1));
    let revision = 0;
    for (let round = 0; round < 10; round++) {
      const appended = await Promise.allSettled(
        stores.map((store) => store.append('view-1', revision, newEvents(1), truncating)),
      );
      expect(appended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      revision += 1;
      expect(revisionsOf(await stores[0]!.read('view-1'))).toEqual([revision]);
    }
  });

  it('is not acknowledged while it is not durable, hides what it should, and is finished before the next append', async () => {
    const store = await fake.open({ patienceMs: 100 });
    await store.append('view-1', NO_STREAM, newEvents(3));
    fake.server.willFail('append', 'none', ...Array.from({ length: 20 }, () => 'busy' as const));
    await expect(store.append('view-1', 2, newEvents(1, 3), truncating)).rejects.toThrow(EngineUnavailable);
    fake.server.heal();
    expect(fake.metadata('view-1')).toEqual({});
    expect(revisionsOf(await store.read('view-1', { maxCount: 2 }))).toEqual([3]);
    expect(revisionsOf(await store.read('view-1', { backwards: true, from: 2 }))).toEqual([]);
    expect(await store.append('view-1', 3, newEvents(1, 4))).toBe(4);
    expect(fake.metadata('view-1')).toEqual({ $tb: 3 });
  });

  it('counts as done for whoever reads after the process died between its two steps, and is then done', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(3));
    await dieHalfWay('view-1', 2);
    expect((await store.read('view-1')).map(numberOf)).toEqual([3]);
    expect(fake.metadata('view-1')).toEqual({ $tb: 3 });
  });

  it('counts as done for one who reads backwards, too', async () => {
    const store = await fake.open();
    await store.append('view-1', NO_STREAM, newEvents(3));
    await dieHalfWay('view-1', 2);
    expect((await store.read('view-1', { backwards: true })).map(numberOf)).toEqual([3]);
    await until('it is done', () => '$tb' in fake.metadata('view-1'));
  });

  it('is right for the reader even where it cannot be finished now', async () => {
    const store = await fake.open({ patienceMs: 50 });
    await store.append('view-1', NO_STREAM, newEvents(3));
    await dieHalfWay('view-1', 2);
    fake.server.willFail('append', ...Array.from({ length: 20 }, () => 'busy' as const));
    expect((await store.read('view-1')).map(numberOf)).toEqual([3]);
  });

  it('is refused for streams that are said never to be truncated, whose events then need no looking up', async () => {
    const store = await fake.open({ mayBeTruncated: (stream) => stream.startsWith('view-') });
    await store.append('careRecord-1', NO_STREAM, newEvents(2));
    await expect(store.append('careRecord-1', 1, newEvents(1), truncating)).rejects.toThrow(InvalidCall);
    const before = fake.server.calls.length;
    expect(await store.readAll({ prefixes: ['careRecord-'] })).toHaveLength(2);
    expect(fake.server.calls.length - before).toBe(1);
  });

  describe('in the order of all streams', () => {
    it('hides what the server still shows', async () => {
      const store = await fake.open();
      for (const stream of ['view-1', 'view-2']) await store.append(stream, NO_STREAM, newEvents(3));
      await store.append('view-1', 2, newEvents(1, 3), truncating);
      expect(fake.server.log.records.filter(({ stream }) => stream === 'view-1')).toHaveLength(4);
      const second = await fake.open();
      const all = await second.readAll({ prefixes: ['view-'] });
      expect(all.map(({ stream, revision }) => `${stream}@${revision}`)).toEqual([
        'view-2@0',
        'view-2@1',
        'view-2@2',
        'view-1@3',
      ]);
      const paged = [];
      for (let after: string | undefined; ;) {
        const page = await second.readAll({ after, maxCount: 1, prefixes: ['view-'] });
        if (page.length === 0) break;
        paged.push(...page);
        after = page[0]?.position;
      }
      expect(paged).toEqual(all);
    });

    it('gives none of the server’s own streams, whatever is asked for', async () => {
      const store = await fake.open();
      await store.append('view-1', NO_STREAM, newEvents(1));
      await store.append('view-1', 0, newEvents(1), truncating);
      expect((await store.readAll()).map(({ stream }) => stream)).toEqual(['view-1']);
      expect((await store.readAll({ prefixes: ['', '$$'] })).map(({ stream }) => stream)).toEqual(['view-1']);
      expect(await store.readAll({ prefixes: ['$$'] })).toEqual([]);
    });
  });

  describe('and scavenging', () => {
    const scavenged = async () => {
      const store = await fake.open();
      for (const stream of ['view-1', 'view-2', 'view-3']) await store.append(stream, NO_STREAM, newEvents(2));
      await store.append('view-1', 1, newEvents(1, 2), truncating);
      await store.append('view-2', 1, newEvents(1, 2), truncating);
      return store;
    };

    it('names every stream once, before and after', async () => {
      const store = await scavenged();
      const before = await listed(store, 'view-');
      expect(before.map(({ stream }) => stream)).toEqual(['view-1', 'view-2', 'view-3']);
      fake.server.log.scavenge();
      expect(fake.server.log.records.filter(({ stream }) => stream === 'view-1')).toHaveLength(1);
      const after = await listed(store, 'view-');
      expect(after.map(({ stream }) => stream)).toEqual(['view-3', 'view-1', 'view-2']);
      for (const [index, { position }] of after.entries()) {
        const rest = await listed(store, 'view-', position);
        expect(rest.map(({ stream }) => stream)).toEqual(after.slice(index + 1).map(({ stream }) => stream));
      }
    });

    it('misses no event after a position whose own event is gone', async () => {
      const store = await scavenged();
      const gone = fake.server.log.records
        .filter(({ stream }) => stream === 'view-2')
        .map(({ position }) => `${position}/${position}`);
      fake.server.log.scavenge();
      const all = await store.readAll({ prefixes: ['view-'] });
      expect(all.map(({ stream, revision }) => `${stream}@${revision}`)).toEqual([
        'view-3@0',
        'view-3@1',
        'view-1@2',
        'view-2@2',
      ]);
      for (const after of gone.slice(0, 2)) expect(await store.readAll({ after, prefixes: ['view-'] })).toEqual(all);
      const seen: string[] = [];
      const options = {
        prefixes: ['view-'],
        after: gone[1]!,
        onEvents: async (events: readonly StoredEvent[]) => void seen.push(...events.map(({ position }) => position)),
      };
      const subscription = await store.subscribe(options);
      await until('all arrived', () => seen.length === all.length);
      await subscription.stop();
      expect(seen).toEqual(all.map(({ position }) => position));
    });
  });
});
