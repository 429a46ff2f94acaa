import { randomUUID } from 'node:crypto';
import {
  ANY,
  BACKWARDS,
  binaryEvent,
  END,
  EventStoreDBClient,
  NO_STREAM,
  jsonEvent,
  streamNameFilter,
  type AppendExpectedRevision,
} from '@eventstore/db-client';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { eventStoreOrReason } from '../../../infra/eventstoredb/server.mjs';
import { appendRequests, revisionIn } from './append-messages.js';
import { Client } from './client.js';
import { parseConnectionString } from './connection-string.js';
import { FakeServer } from './fake-server/fake-server.js';
import { until } from './fake-server/use-fake.js';
import { toOwnEvent } from './stored-event.js';

/**
 * What the adapter relies on, asked of the server through the plain client: the same of the fake and of a real server, so that
 * a fake that has drifted away from the real one is found out there.
 */
function describeFacts(
  name: string,
  start: () => Promise<{ readonly connectionString: string; stop(): void | Promise<void> }>,
): void {
  describe(name, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let client: EventStoreDBClient;
    // With credentials of its own an append goes as one gRPC call, which no other client of the process can make fail.
    const credentials = { username: 'admin', password: 'changeit' };
    const fresh = () => `facts-${randomUUID()}`;
    const event = (id = randomUUID(), data: Record<string, unknown> = { n: 1 }) => jsonEvent({ id, type: 'fact-1', data });
    const append = async (stream: string, expectedRevision: AppendExpectedRevision, ...events: ReturnType<typeof event>[]) => {
      const { nextExpectedRevision } = await client.appendToStream(stream, events, { expectedRevision, credentials });
      return nextExpectedRevision;
    };
    const read = async (stream: string, options: Parameters<EventStoreDBClient['readStream']>[1] = {}) => {
      const revisions: bigint[] = [];
      for await (const { event: found } of client.readStream(stream, options)) revisions.push(found?.revision ?? -1n);
      return revisions;
    };
    const truncate = (stream: string, before: number) =>
      client.setStreamMetadata(stream, { truncateBefore: before }, { credentials });

    beforeAll(async () => {
      server = await start();
      client = EventStoreDBClient.connectionString(server.connectionString);
    });
    afterAll(async () => {
      await client.dispose();
      await server.stop();
    });

    it('a conflict has an empty message, and the revisions in fields', async () => {
      const stream = fresh();
      await append(stream, NO_STREAM, event(), event());
      const conflict = await append(stream, 5n, event()).catch((error: unknown) => error);
      expect(conflict).toMatchObject({ type: 'wrong-expected-version', message: '', actualVersion: 1n, streamName: stream });
      const missing = await append(fresh(), 0n, event()).catch((error: unknown) => error);
      expect(missing).toMatchObject({ type: 'wrong-expected-version', actualVersion: 'no_stream' });
    });

    it('more than 1 MiB in a call is refused, and a little less is not', async () => {
      const sized = (bytes: number) => event(randomUUID(), { x: 'x'.repeat(bytes) });
      const refused = await append(fresh(), NO_STREAM, sized(524_288), sized(524_288)).catch((error: unknown) => error);
      expect(refused).toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: 1_048_576 });
      expect(await append(fresh(), NO_STREAM, sized(524_000), sized(524_000))).toBe(1n);
    });

    it('binary data comes back byte for byte, metadata that is JSON as a value, and no metadata as undefined', async () => {
      const stream = fresh();
      const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const metadata = { z: 1, a: ['é', { deep: true }], n: null };
      const sent = [binaryEvent({ type: 'fact-1', data, metadata }), binaryEvent({ type: 'fact-1', data: new Uint8Array() })];
      await client.appendToStream(stream, sent, { expectedRevision: NO_STREAM, credentials });
      const found = [];
      for await (const { event: stored } of client.readStream(stream)) found.push(stored);
      expect(found.map((stored) => [...(stored?.data as Uint8Array)])).toEqual([[...data], []]);
      expect(JSON.stringify(found[0]?.metadata)).toBe(JSON.stringify(metadata));
      expect(found[1]?.metadata).toBeUndefined();
      expect(found.map((stored) => stored?.isJson)).toEqual([false, false]);
    });

    it('an append whose ids were seen at its revision succeeds, though nothing is written and the body differs', async () => {
      const stream = fresh();
      const [first, second] = [randomUUID(), randomUUID()];
      await append(stream, NO_STREAM, event(first), event(second));
      await append(stream, 1n, event());
      for (const expected of [NO_STREAM, ANY] as const) {
        expect(await append(stream, expected, event(first, { n: 2 }), event(second))).toBe(1n);
      }
      expect(await append(stream, 0n, event(second, { n: 2 }))).toBe(1n);
      expect(await read(stream)).toEqual([0n, 1n, 2n]);
    });

    it('an append at the current revision is written, whatever was seen', async () => {
      const stream = fresh();
      const id = randomUUID();
      await append(stream, NO_STREAM, event(id));
      expect(await append(stream, 0n, event(id))).toBe(1n);
      expect(await append(stream, ANY, event(), event(id))).toBe(3n);
      await expect(append(stream, ANY, event(id), event())).rejects.toMatchObject({ type: 'wrong-expected-version' });
    });

    it('a first id that was never seen makes a repeated append a conflict', async () => {
      const stream = fresh();
      const second = randomUUID();
      await append(stream, NO_STREAM, event(), event(second));
      await expect(append(stream, NO_STREAM, event(), event(second))).rejects.toMatchObject({ type: 'wrong-expected-version' });
    });

    describe('a batch of appends', () => {
      let batching: Client;
      beforeAll(() => {
        batching = new Client(parseConnectionString(server.connectionString));
      });
      afterAll(() => batching.disconnect());

      /** Sends all of it at once, and gives the answers by their correlation ids once all have come. */
      const answersTo = async (...appends: (readonly BatchAppendReq[])[]) => {
        const answers = new Map<string | undefined, BatchAppendResp>();
        await batching.onConnection(async (connection) => {
          const call = batching.batchAppend(connection);
          let failure: unknown;
          call.on('error', (error: unknown) => (failure = error));
          call.on('data', (answer: BatchAppendResp) => answers.set(answer.getCorrelationId()?.getString(), answer));
          for (const request of appends.flat()) call.write(request);
          await until('all are answered', () => failure !== undefined || answers.size >= appends.length);
          call.cancel();
        });
        return answers;
      };
      const sent = (id = randomUUID()) => toOwnEvent(id, 'fact-1', { n: 1 });

      it('is answered under the correlation ids as they were sent, and needs no deadline', async () => {
        const ids = [randomUUID(), randomUUID(), randomUUID()];
        const answers = await answersTo(
          ...ids.map((id, n) =>
            appendRequests(
              id,
              fresh(),
              -1,
              Array.from({ length: n + 1 }, () => sent()),
            ),
          ),
        );
        expect(ids.map((id) => answers.get(id)?.getSuccess()?.getCurrentRevision())).toEqual(['0', '1', '2']);
      });

      it('has several requests of one append, which is written once the final one has come', async () => {
        const [stream, id] = [fresh(), randomUUID()];
        const many = Array.from({ length: 10_000 }, () => sent());
        const requests = appendRequests(id, stream, -1, many);
        expect(requests.length).toBeGreaterThan(1);
        expect((await answersTo(requests)).get(id)?.getSuccess()?.getCurrentRevision()).toBe('9999');
      });

      it('says in its details why it did not write, and goes on', async () => {
        const [stream, deleted] = [fresh(), fresh()];
        await append(stream, NO_STREAM, event());
        await client.tombstoneStream(deleted, { credentials });
        const asked = [
          [stream, 7],
          [fresh(), 7],
          [deleted, -1],
          [stream, 0],
        ] as const;
        const ids = asked.map(() => randomUUID());
        const answers = await answersTo(
          ...asked.map(([name, expected], n) => appendRequests(ids[n] ?? '', name, expected, [sent()])),
        );
        const outcomes = ids.map((id, n) => {
          try {
            return revisionIn(answers.get(id)!, asked[n]![0]);
          } catch (error) {
            return error;
          }
        });
        expect(outcomes).toMatchObject([
          { type: 'wrong-expected-version', actualVersion: 0n, expectedVersion: 7n },
          { type: 'wrong-expected-version', actualVersion: 'no_stream' },
          { type: 'stream-deleted' },
          1,
        ]);
      });

      it('bounds one append as a call by itself is bounded', async () => {
        const id = randomUUID();
        const requests = appendRequests(id, fresh(), -1, [toOwnEvent(randomUUID(), 'fact-1', { x: 'x'.repeat(1_048_576) })]);
        const answer = (await answersTo(requests)).get(id);
        expect(() => revisionIn(answer!, '')).toThrow(expect.objectContaining({ maxAppendSize: 1_048_576 }));
      });
    });

    it('a missing stream is an error, past the end is empty, and a count of zero is an unknown error', async () => {
      const stream = fresh();
      await expect(read(stream)).rejects.toMatchObject({ type: 'stream-not-found', streamName: stream });
      await append(stream, NO_STREAM, event());
      expect(await read(stream, { fromRevision: 1n })).toEqual([]);
      expect(await read(stream, { fromRevision: 9n, direction: BACKWARDS })).toEqual([0n]);
      await expect(read(stream, { maxCount: 0 })).rejects.toMatchObject({ type: 'unknown' });
    });

    it('truncated events are gone from the stream at once, and a stream all truncated is empty but not missing', async () => {
      const stream = fresh();
      await append(stream, NO_STREAM, event(), event(), event());
      await truncate(stream, 2);
      expect(await read(stream)).toEqual([2n]);
      await truncate(stream, 3);
      expect(await read(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 })).toEqual([]);
      await expect(append(stream, 9_007_199_254_740_991n, event())).rejects.toMatchObject({ actualVersion: 2n });
    });

    it('after a soft delete the stream is missing, takes NO_STREAM, and its revisions go on', async () => {
      const stream = fresh();
      await append(stream, NO_STREAM, event(), event());
      await client.deleteStream(stream, { credentials });
      await expect(read(stream)).rejects.toMatchObject({ type: 'stream-not-found' });
      expect(await append(stream, NO_STREAM, event())).toBe(2n);
      expect(await read(stream)).toEqual([2n]);
    });

    it('a tombstoned stream says so, also of its metadata', async () => {
      const stream = fresh();
      await client.tombstoneStream(stream, { credentials });
      const deleted = { type: 'stream-deleted', streamName: stream };
      await expect(append(stream, ANY, event())).rejects.toMatchObject(deleted);
      await expect(read(stream)).rejects.toMatchObject(deleted);
      await expect(truncate(stream, 1)).rejects.toMatchObject({ type: 'stream-deleted' });
      await expect(client.getStreamMetadata(stream)).rejects.toMatchObject({ type: 'stream-deleted' });
    });

    it('events read from a stream have the position that they have in $all, and reading $all from it includes it', async () => {
      const stream = fresh();
      await append(stream, NO_STREAM, event());
      for await (const { event: found } of client.readStream(stream)) {
        expect(found?.position).toBeDefined();
        const all = client.readAll({ fromPosition: found?.position, maxCount: 1 });
        for await (const { event: same } of all) expect(same).toMatchObject({ streamId: stream, position: found?.position });
      }
    });

    it('a filtered subscription brings truncated events too, says when it has caught up, and begins behind its position', async () => {
      const stream = fresh();
      await append(stream, NO_STREAM, event(), event(), event());
      await truncate(stream, 2);
      const seen: { readonly revision: bigint; readonly position: { commit: bigint; prepare: bigint } }[] = [];
      const listen = async (fromPosition?: { commit: bigint; prepare: bigint }) => {
        let caughtUp = false;
        const filter = streamNameFilter({ prefixes: [stream] });
        const subscription = client.subscribeToAll({ filter, ...(fromPosition && { fromPosition }) });
        subscription.on('caughtUp', () => (caughtUp = true));
        subscription.on('data', ({ event: found }) => found && seen.push(found));
        await until('it caught up', () => caughtUp);
        await subscription.unsubscribe();
        return seen.splice(0);
      };
      const all = await listen();
      expect(all.map(({ revision }) => revision)).toEqual([0n, 1n, 2n]);
      expect((await listen(all[0]?.position)).map(({ revision }) => revision)).toEqual([1n, 2n]);
    });
  });
}

describeFacts('what is known of the server holds for the fake', async () => {
  const server = new FakeServer();
  await server.start();
  return { connectionString: server.connectionString, stop: () => server.kill() };
});

const { server, reason } = await eventStoreOrReason();
if (server === undefined) {
  it.skip(`what is known of the server holds for a real one: no server, ${reason}`, () => {});
} else {
  const { kind, connectionString, stop } = server;
  describeFacts(`what is known of the server holds for a real one (${kind})`, async () => ({ connectionString, stop }));
}
