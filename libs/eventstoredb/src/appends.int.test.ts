import {
  bytesOf,
  EngineUnavailable,
  type EventStore,
  NO_STREAM,
  type Timers,
  TooLarge,
  WrongExpectedRevision,
} from '@weft/processing';
import { newEvents, numberOf, until, useFake } from './fake-server/use-fake.js';

describe('appends on one call of a connection to EventStoreDB (a fake server)', () => {
  const fake = useFake();
  const made = (method: string) => fake.server.calls.filter((call) => call === method).length;
  const outcomeOf = (append: Promise<number>) => append.catch((error: unknown) => error);
  /** Appends of as many events as the stream’s number says, so that no two are answered alike. */
  const appendTo = (store: EventStore, ...numbers: number[]) =>
    numbers.map((n) => outcomeOf(store.append(`careRecord-${n}`, NO_STREAM, newEvents(n))));
  const written = (count: number) => until('all is written', () => fake.server.log.records.length >= count);

  it('share it, ask for the leader, and ask the server nothing else', async () => {
    const store = await fake.open();
    expect(await Promise.all(appendTo(store, 1, 2, 3, 4, 5))).toEqual([0, 1, 2, 3, 4]);
    expect([made('append'), made('batchAppend'), made('getSupportedMethods')]).toEqual([5, 1, 0]);
    expect(fake.server.leaderless).toBe(0);
  });

  it('have each its own answer, in whatever order the answers come', async () => {
    const store = await fake.open();
    const answer = fake.server.holdAnswers();
    const appended = appendTo(store, 1, 2, 3, 4, 5);
    await written(15);
    answer();
    expect(await Promise.all(appended)).toEqual([0, 1, 2, 3, 4]);
  });

  it('of more events than one message holds are all written, or none', async () => {
    const store = await fake.open();
    const many = newEvents(8_000);
    expect(await store.append('careRecord-1', NO_STREAM, many)).toBe(7_999);
    await expect(store.append('careRecord-1', 9_999, many)).rejects.toThrow(WrongExpectedRevision);
    expect((await store.read('careRecord-1', { maxCount: 10_000 })).map(numberOf)).toEqual([...many.keys()]);
  });

  it.each([
    ['breaks', 'broken', /Exception was thrown by handler/],
    ['is ended', 'ended', /the server ended the stream of appends/],
    ['is at a node that leads no more', 'not-leader', /Leader info available/],
  ] as const)('fail with it where it %s, as they may have been written; no other connection’s do', async (_, fault, reason) => {
    const [store, other] = await Promise.all([fake.open(), fake.open()]);
    const answer = fake.server.holdAnswers();
    const failing = appendTo(store, 1, 2);
    const untouched = appendTo(other, 3, 4);
    await written(10);
    fake.server.willFail('append', fault);
    failing.push(outcomeOf(store.append('careRecord-5', NO_STREAM, newEvents(1))));
    for (const outcome of await Promise.all(failing)) {
      expect(outcome).toBeInstanceOf(EngineUnavailable);
      expect((outcome as Error).message).toMatch(reason);
    }
    answer();
    expect(await Promise.all(untouched)).toEqual([2, 3]);
    expect(await store.head('careRecord-2')).toBe(1);
    expect(await store.head('careRecord-5')).toBe(NO_STREAM);
    expect(made('append')).toBe(5);
  });

  it('begin another call after one that failed', async () => {
    const store = await fake.open();
    fake.server.willFail('append', 'broken');
    await expect(store.append('careRecord-1', NO_STREAM, newEvents(1))).rejects.toThrow(EngineUnavailable);
    expect(await Promise.all(appendTo(store, 1, 2))).toEqual([0, 1]);
    expect(made('batchAppend')).toBe(2);
  });

  it.each([
    ['not ready', 'not-ready', /Server Is Not Ready/],
    ['busy', 'busy', /Server Is Busy/],
    ['denied to its user', 'access-denied', /access is denied to the user that WEFT_EVENTSTORE_URL names/],
    ['not done in the server’s time, and written nevertheless', 'timed-out', /deadline-exceeded/],
  ] as const)('fail alone where one is %s, and the call goes on', async (_, fault, reason) => {
    const store = await fake.open();
    const answer = fake.server.holdAnswers();
    const others = appendTo(store, 1, 2);
    await written(3);
    fake.server.willFail('append', fault);
    const failed = outcomeOf(store.append('careRecord-3', NO_STREAM, newEvents(1)));
    await until('it was asked for', () => made('append') === 3);
    answer();
    expect(await failed).toBeInstanceOf(EngineUnavailable);
    expect(String(await failed)).toMatch(reason);
    expect(await Promise.all([...others, ...appendTo(store, 4)])).toEqual([0, 1, 3]);
    expect(await store.head('careRecord-3')).toBe(fault === 'timed-out' ? 0 : NO_STREAM);
    expect(made('batchAppend')).toBe(1);
  });

  it('are too large where the server’s own limit is lower', async () => {
    const store = await fake.open();
    fake.server.limitBytes = 1_000;
    const [event] = newEvents(1);
    const large = { ...event!, data: bytesOf(JSON.stringify('x'.repeat(2_000))) };
    const refused = store.append('careRecord-1', NO_STREAM, [large]);
    await expect(refused).rejects.toThrow(TooLarge);
    await expect(refused).rejects.toMatchObject({ limit: 1_000, bytes: expect.any(Number) });
    expect(await store.append('careRecord-1', NO_STREAM, newEvents(1))).toBe(0);
  });

  it.each([
    ['has no such call', 'unimplemented', /UNIMPLEMENTED/],
    ['takes no call now', 'busy', /Server Is Too Busy/],
    ['denies it to their user', 'access-denied', /access is denied to the user that WEFT_EVENTSTORE_URL names/],
  ] as const)('name a server that %s, and are made once it does', async (_, fault, reason) => {
    const store = await fake.open();
    fake.server.willFail('batchAppend', fault);
    const [first, second] = await Promise.all(appendTo(store, 1, 2));
    for (const outcome of [first, second]) {
      expect(outcome).toBeInstanceOf(EngineUnavailable);
      expect(String(outcome)).toMatch(reason);
    }
    expect(made('append')).toBe(0);
    expect(await Promise.all(appendTo(store, 1, 2))).toEqual([0, 1]);
  });

  it('that are not answered in time leave the call to those whose time is not over, and the next one begins another', async () => {
    let now = 0;
    const asleep = new Set<() => void>();
    const timers: Timers = {
      sleep: (_, signal) =>
        new Promise((wake) => {
          asleep.add(wake);
          signal?.addEventListener('abort', () => wake());
        }),
    };
    const store = await fake.open({ deadlineMs: 10_000, clock: { now: () => now, steady: () => now }, timers });
    const answer = fake.server.holdAnswers();
    const [late] = appendTo(store, 1);
    await written(1);
    now = 4_000;
    const [inTime] = appendTo(store, 2);
    await written(3);
    now = 10_000;
    for (const wake of asleep) wake();
    expect(String(await late)).toMatch(/no answer within 10000 ms/);
    const [next] = appendTo(store, 3);
    await written(6);
    expect([made('batchAppend'), fake.server.batches]).toEqual([2, 2]);
    answer();
    expect(await Promise.all([inTime, next])).toEqual([1, 2]);
    await until('the first call is over', () => fake.server.batches === 1);
  });

  /** Nothing else ends a call that is left open: keep-alive would notice after ten seconds that its channel is closed. */
  const withoutKeepAlive = () => fake.open({ connectionString: `${fake.server.connectionString}&keepAliveInterval=600000` });

  it('leave nothing open on a connection that the client has given up', async () => {
    const store = await withoutKeepAlive();
    await Promise.all(appendTo(store, 1));
    fake.server.willFail('read', 'busy');
    expect(await store.head('careRecord-1')).toBe(0);
    expect(await Promise.all(appendTo(store, 2))).toEqual([1]);
    expect(made('batchAppend')).toBe(2);
    await until('the first call is over', () => fake.server.batches === 1);
  });

  it('are told when the store is closed, which ends the call; those asked for before the connection was found are never made', async () => {
    const store = await fake.open();
    fake.server.holdAnswers();
    const waiting = appendTo(store, 1, 2);
    await written(3);
    const begun = outcomeOf(store.append('careRecord-3', NO_STREAM, newEvents(1)));
    await store.close();
    for (const outcome of [...(await Promise.all(waiting)), await begun]) {
      expect(outcome).toBeInstanceOf(EngineUnavailable);
      expect(String(outcome)).toMatch(/the store is closed/);
    }
    await until('the call is over', () => fake.server.batches === 0);
    expect(made('append')).toBe(2);
  });

  it('end their call with the store also where nobody waits', async () => {
    const store = await withoutKeepAlive();
    await Promise.all(appendTo(store, 1));
    await store.close();
    await until('the call is over', () => fake.server.batches === 0);
    await expect(store.append('careRecord-1', 0, newEvents(1))).rejects.toThrow(/the store is closed/);
  });
});
