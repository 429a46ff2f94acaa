import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { bytesOf, EngineDamaged, NO_STREAM } from '@weft/processing';
import { driverFor, type Database } from './driver.js';
import { openEmbedded, openEmbeddedBus, openEmbeddedStore } from './embedded.js';
import type { EmbeddedBus } from './event-bus.js';
import type { EmbeddedStore } from './event-store.js';

const BUILT = new URL('./index.js', import.meta.url.replace('/src/', '/dist/')).href;
/** Damaged copies in each test: spread over the file, always the same. */
const COPIES = 250;

/** Everything that a store or a bus can be asked for. */
async function everythingIn(store: EmbeddedStore): Promise<unknown[]> {
  const [names, streams]: [string[], unknown[]] = [[], []];
  for await (const { stream } of store.streams('')) names.push(stream);
  for (let n = 0; n <= 20; n += 1) {
    const stream = `careRecord-${n}`;
    streams.push([
      await store.head(stream),
      await store.read(stream),
      await store.read(stream, { backwards: true, maxCount: 3 }),
    ]);
  }
  return [await store.readAll(), names, streams];
}

async function everythingOn(bus: EmbeddedBus): Promise<unknown[]> {
  const topics = await bus.topics();
  const held = [];
  for (const { topic, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition += 1) held.push(await bus.read(topic, partition, 0));
    held.push(await bus.offsets(topic), await bus.committed('g', topic));
  }
  return [topics, held];
}

describe('what has changed on the disk', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-damage-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** Opens and reads a copy of `files`: what it holds, or the error. Each has a directory of its own. */
  const outcome = async (files: Readonly<Record<string, Uint8Array>>, indexed?: Date): Promise<unknown> => {
    const copy = join(directory, randomUUID());
    await mkdir(copy);
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(copy, name), bytes);
    if (indexed !== undefined) await utimes(join(copy, 'weft.db-shm'), indexed, indexed);
    let close: () => Promise<unknown> = async () => undefined;
    try {
      const { store, bus } = await openEmbedded({ directory: copy });
      close = () => Promise.all([store.close(), bus.close()]);
      return JSON.stringify([await everythingIn(store), await everythingOn(bus)]);
    } catch (error) {
      return error;
    } finally {
      await close();
    }
  };

  const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy[at] = (copy[at] as number) ^ (1 << bit);
    return copy;
  };
  const spread = (bytes: Uint8Array): number[] =>
    Array.from({ length: COPIES }, (_, n) => Math.floor(((n + 0.37) * bytes.length) / COPIES));

  /** Fails with the first outcome that is neither the whole truth nor EngineDamaged; gives how many were damaged. */
  const judge = (outcomes: readonly unknown[], whole: unknown): number => {
    for (const each of outcomes) if (each !== whole && !(each instanceof EngineDamaged)) throw each;
    return outcomes.filter((each) => each instanceof EngineDamaged).length;
  };

  const storeFile = async (): Promise<Uint8Array> => {
    const made = join(directory, randomUUID());
    const store = await openEmbeddedStore({ directory: made });
    for (let n = 0; n < 20; n += 1) {
      let revision = NO_STREAM;
      for (let i = 0; i < 8 + n; i += 1) {
        const event = {
          id: randomUUID(),
          type: 'care-event-recorded-1',
          data: bytesOf(JSON.stringify({ n, i, text: 'x'.repeat(300) })),
        };
        revision = await store.append(`careRecord-${n}`, revision, [event], { truncatesPrevious: n % 5 === 0 && i === 5 });
      }
    }
    await store.close();
    return readFile(join(made, 'weft.db'));
  };

  const busFile = async (): Promise<Uint8Array> => {
    const made = join(directory, randomUUID());
    const bus = await openEmbeddedBus({ directory: made });
    await bus.createTopics([
      { topic: 't', partitions: 3 },
      { topic: 'compacted', partitions: 1, compacted: true },
    ]);
    for (let n = 0; n < 150; n += 1) {
      const value = n % 50 === 49 ? null : new TextEncoder().encode(`${n} ${'x'.repeat(300)}`);
      const topic = n % 3 === 0 ? 'compacted' : 't';
      const publish = (key: string) => ({ topic, key, partitionKey: `${n % 7}`, value, headers: { ce_id: String(n) } });
      await bus.publish([publish(`key ${n % 40}`), publish(`key ${n % 33} too`)]);
    }
    await bus.seek('g', 't', [{ partition: 1, offset: 7 }]);
    await bus.close();
    return readFile(join(made, 'weft.db'));
  };

  it.each([
    ['streams', storeFile],
    ['topics', busFile],
  ])('is named and never served: a flipped bit anywhere in a file of %s', async (_, make) => {
    const bytes = await make();
    const whole = await outcome({ 'weft.db': bytes });
    expect(typeof whole).toBe('string');
    const outcomes = [];
    for (const [n, at] of spread(bytes).entries()) outcomes.push(await outcome({ 'weft.db': flipped(bytes, at, n % 8) }));
    // The rest fell on room that is not in use.
    expect(judge(outcomes, whole)).toBeGreaterThan(COPIES / 5);
  });

  it.each([
    ['streams', storeFile],
    ['topics', busFile],
  ])('is named and never served: a file of %s cut short, wherever', async (_, make) => {
    const bytes = await make();
    for (let n = 0; n < 30; n += 1) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * n) / 30));
      expect(await outcome({ 'weft.db': cut })).toBeInstanceOf(EngineDamaged);
    }
  });

  it('is named and never served: the log of a process that was killed, cut short or with a flipped bit', async () => {
    const made = join(directory, randomUUID());
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { openEmbeddedStore } = await import(${JSON.stringify(BUILT)});
       const store = await openEmbeddedStore({ directory: ${JSON.stringify(made)} });
       for (let n = 0; n < 20; n += 1) {
         await store.append('careRecord-' + n, -1, [{ id: crypto.randomUUID(), type: 't', data: Buffer.from('x'.repeat(300)) }]);
       }
       console.log('done');
       setInterval(() => undefined, 1000);`,
    ]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const names = ['weft.db', 'weft.db-wal', 'weft.db-shm'] as const;
    const [file, log, index] = (await Promise.all(names.map((name) => readFile(join(made, name))))) as [Buffer, Buffer, Buffer];
    const withLog = (bytes: Uint8Array, indexed?: Date) =>
      outcome({ 'weft.db': file, 'weft.db-wal': bytes, 'weft.db-shm': index }, indexed);
    const whole = await withLog(log);
    const eventsIn = (found: unknown): unknown[] | undefined => (JSON.parse(found as string) as [unknown[][]])[0][0];
    expect(eventsIn(whole)).toHaveLength(20);
    // What a process was writing when it was killed is no damage.
    expect(await withLog(Buffer.concat([log, log.subarray(32, 3_000)]))).toBe(whole);
    // After a power cut the index may be older than the log, or newer: then SQLite's own judgement counts.
    const beforeBoot = new Date(Date.now() - (uptime() + 3_600) * 1_000);
    expect(eventsIn(await withLog(log.subarray(0, 32), beforeBoot))).toEqual([]);
    for (const [n, at] of spread(log).entries()) expect(await withLog(flipped(log, at, n % 8))).toBeInstanceOf(EngineDamaged);
    for (let n = 0; n < 20; n += 1) {
      expect(await withLog(log.subarray(0, Math.floor((log.length * n) / 20)))).toBeInstanceOf(EngineDamaged);
    }
  });

  it('is named and never served: a log whose commits are all in the file already, as what is left of it would hide them', async () => {
    const made = join(directory, randomUUID());
    const store = await openEmbeddedStore({ directory: made });
    for (let revision = NO_STREAM; revision < 20; revision += 1) {
      await store.append('careRecord-1', revision, [
        { id: randomUUID(), type: 't', data: bytesOf(JSON.stringify('x'.repeat(300))) },
      ]);
    }
    const { DatabaseSync } = (await import(driverFor(process.versions.node))) as { DatabaseSync: new (file: string) => Database };
    const other = new DatabaseSync(join(made, 'weft.db'));
    other.exec('PRAGMA wal_checkpoint(PASSIVE)');
    const names = ['weft.db', 'weft.db-wal', 'weft.db-shm'] as const;
    const [file, log, index] = (await Promise.all(names.map((name) => readFile(join(made, name))))) as [Buffer, Buffer, Buffer];
    other.close();
    await store.close();
    const withLog = (bytes: Uint8Array) => outcome({ 'weft.db': file, 'weft.db-wal': bytes, 'weft.db-shm': index });
    expect(typeof (await withLog(log))).toBe('string');
    for (const [n, at] of spread(log).entries()) {
      if (n % 10 === 0) expect(await withLog(flipped(log, at, n % 8))).toBeInstanceOf(EngineDamaged);
    }
  });

  /** Until a call is refused: the check of a large file runs beside those who ask. */
  const refusal = async (ask: () => Promise<unknown>): Promise<unknown> => {
    for (;;) {
      try {
        await ask();
      } catch (error) {
        return error;
      }
      await setImmediate();
    }
  };

  it('is found beside the work in a file too large to be checked before it, and from then on nothing is served or taken', async () => {
    const made = join(directory, randomUUID());
    const event = () => ({ id: randomUUID(), type: 't', data: bytesOf('{}') });
    const store = await openEmbeddedStore({ directory: made });
    await store.append('consent-hidden', NO_STREAM, [event()]);
    await store.close();
    const file = join(made, 'weft.db');
    const whole = await readFile(file);
    // The name stands in the table and in the index: where the index has another one, the stream cannot be found by its name.
    const places = [whole.indexOf('consent-hidden'), whole.lastIndexOf('consent-hidden')];
    const found: number[] = [];
    for (const place of places) {
      await writeFile(file, flipped(whole, place + 8, 0));
      const damaged = await openEmbeddedStore({ directory: made, checkAtOpenBytes: 0 });
      found.push(await damaged.head('consent-hidden'));
      expect(await refusal(() => damaged.head('consent-hidden'))).toBeInstanceOf(EngineDamaged);
      await expect(damaged.append('consent-other', NO_STREAM, [event()])).rejects.toBeInstanceOf(EngineDamaged);
      await expect(damaged.check()).rejects.toBeInstanceOf(EngineDamaged);
      await damaged.close();
    }
    expect(found).toContain(NO_STREAM);
  });

  it('is not imagined: a sound file that is checked beside the work is served to the end', async () => {
    const made = join(directory, randomUUID());
    await (await openEmbeddedBus({ directory: made })).close();
    const bus = await openEmbeddedBus({ directory: made, checkAtOpenBytes: 0 });
    await bus.createTopics([{ topic: 'weft.consent', partitions: 1 }]);
    await bus.checkIntegrity();
    expect((await bus.topics()).map(({ topic }) => topic)).toEqual(['weft.consent']);
    await bus.close();
  });

  it('is named: a file that is no database, is somebody else’s, or has vanished from beside its log', async () => {
    const store = await storeFile();
    const text = new TextEncoder().encode('not at all'.repeat(1_000));
    expect(String(await outcome({ 'weft.db': text }))).toContain('weft.db: ');
    expect(await outcome({ 'weft.db': text })).toBeInstanceOf(EngineDamaged);
    const others = flipped(store, 71, 0);
    expect(String(await outcome({ 'weft.db': others }))).toContain('weft.db: the file was not made by Weft');
    expect(String(await outcome({ 'weft.db-wal': store }))).toContain('weft.db: the file is gone');
    expect(String(await outcome({ 'weft.db': new Uint8Array(0) }))).toContain('weft.db: the file is empty');
  });

  it.each(['bus.db', 'store.db'])('is named: a directory of an earlier Weft, which kept a %s, with what to do', async (file) => {
    const store = await storeFile();
    for (const files of [{ [file]: store }, { [file]: store, 'weft.db': store }]) {
      const refused = await outcome(files);
      expect(refused).toBeInstanceOf(EngineDamaged);
      expect(String(refused)).toContain(`${file}: the data directory was made by an earlier form of Weft`);
      expect(String(refused)).toContain('Publish again into an empty directory, or keep that version');
    }
  });

  it('is named: a file of a newer Weft, with what to do', async () => {
    const made = join(directory, randomUUID());
    await (await openEmbeddedStore({ directory: made })).close();
    const { DatabaseSync } = (await import(driverFor(process.versions.node))) as { DatabaseSync: new (file: string) => Database };
    const database = new DatabaseSync(join(made, 'weft.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openEmbeddedStore({ directory: made })).rejects.toThrow(/made by a newer Weft: its schema is 99/);
  });
});
