import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bytesOf, EngineUnavailable, NO_STREAM, textOf } from '@weft/processing';
import { openEmbedded, openEmbeddedBus, openEmbeddedStore } from './embedded.js';
import { lockDirectory } from './lock-directory.js';

const BUILT = new URL('./index.js', import.meta.url.replace('/src/', '/dist/')).href;

/** A process of its own that runs `program` on the built engines, and the lines that it has printed. */
interface Program {
  readonly lines: string[];
  readonly process: ChildProcess;
  printed(count: number): Promise<void>;
  kill(): Promise<void>;
  ended(): Promise<number | null>;
}

describe('several processes on one data directory', () => {
  let directory: string;
  let programs: Program[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'weft-processes-'));
  });
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.kill()));
    programs = [];
    await rm(directory, { recursive: true });
  });

  const run = (body: string, shell = ''): Program => {
    const source = `
      const { openEmbeddedStore, openEmbeddedBus, lockDirectory } = await import(${JSON.stringify(BUILT)});
      const { randomUUID } = await import('node:crypto');
      const directory = ${JSON.stringify(directory)};
      const { writeSync } = await import('node:fs');
      // Said once it returns: what process.stdout keeps while the reader is slow would die with the process.
      const say = (line) => writeSync(1, line + '\\n');
      const event = (data) => ({ id: randomUUID(), type: 'care-event-recorded-1', data: Buffer.from(JSON.stringify(data)) });
      ${body}`;
    const node = [process.execPath, '--input-type=module', '--eval', source];
    const command = shell === '' ? node : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...node];
    const child = spawn(command[0] as string, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    const exit = once(child, 'exit').then(([code]) => code as number | null);
    let more: () => void = () => undefined;
    const reading = createInterface({ input: child.stdout });
    reading.on('line', (line) => {
      lines.push(line);
      more();
    });
    const closed = once(reading, 'close');
    const program: Program = {
      lines,
      process: child,
      printed: async (count) => {
        while (lines.length < count) {
          const arrived = new Promise<void>((resolve) => (more = resolve));
          const ended = closed.then(() => {
            if (lines.length < count) throw new Error(`the program ended after ${lines.length} lines`);
          });
          await Promise.race([arrived, ended]);
        }
      },
      kill: async () => {
        child.kill('SIGKILL');
        await exit;
        await closed;
      },
      ended: async () => {
        await closed;
        return exit;
      },
    };
    programs.push(program);
    return program;
  };

  const APPENDING = `
    const store = await openEmbeddedStore({ directory });
    await Promise.all(Array.from({ length: 16 }, async (_, writer) => {
      const stream = 'careRecord-' + process.pid + '-' + writer;
      for (let revision = -1; ; ) {
        revision = await store.append(stream, revision, [event({ n: revision + 1 })]);
        say(stream + ' ' + revision);
      }
    }));`;

  it('find every event that a killed process had acknowledged', async () => {
    const acknowledged: string[] = [];
    for (let round = 1; round <= 3; round += 1) {
      const program = run(APPENDING);
      await program.printed(300 * round);
      await program.kill();
      acknowledged.push(...program.lines);
      const store = await openEmbeddedStore({ directory });
      const found = new Set<string>();
      for (const stream of new Set(acknowledged.map((line) => line.split(' ')[0] as string))) {
        const events = await store.read(stream, { maxCount: 100_000 });
        expect(events.map(({ data }) => textOf(data))).toEqual(events.map((_, n) => JSON.stringify({ n })));
        for (const { revision } of events) found.add(`${stream} ${revision}`);
      }
      expect(acknowledged.filter((line) => !found.has(line))).toEqual([]);
      await store.checkIntegrity();
      await store.close();
    }
  });

  it('find every message that a killed process had published, and its group behind nothing that it had not handled', async () => {
    const create = await openEmbeddedBus({ directory });
    await create.createTopics([{ topic: 't', partitions: 4 }]);
    const program = run(`
      const bus = await openEmbeddedBus({ directory });
      await bus.consume({ group: 'g', topics: ['t'], maxBatch: 10, onBatch: async ({ partition, messages }) => {
        for (const { offset } of messages) say('handled ' + partition + ' ' + offset);
      } });
      await Promise.all(Array.from({ length: 16 }, async (_, publisher) => {
        for (let n = 0; ; n += 1) {
          const value = new TextEncoder().encode(publisher + '/' + n);
          const [place] = await bus.publish([{ topic: 't', key: 'key ' + publisher, value, headers: {} }]);
          say('published ' + place.partition + ' ' + place.offset);
        }
      }));`);
    await program.printed(2_000);
    await program.kill();

    const lines = new Set(program.lines);
    const committed = await create.committed('g', 't');
    expect(committed.some(({ offset }) => offset > 0)).toBe(true);
    for (const { partition, offset } of committed) {
      for (let before = 0; before < offset; before += 1) expect(lines.has(`handled ${partition} ${before}`)).toBe(true);
    }
    const highs = new Map((await create.offsets('t')).map(({ partition, high }) => [partition, high]));
    const published = program.lines.filter((line) => line.startsWith('published')).map((line) => line.split(' ').map(Number));
    expect(published.filter(([, partition = -1, offset = -1]) => offset >= (highs.get(partition) ?? 0))).toEqual([]);

    // The lease would last ten seconds; that its process is gone is known at once.
    const rest: string[] = [];
    const consumer = await create.consume({
      group: 'g',
      topics: ['t'],
      onBatch: async ({ partition, messages }) =>
        void rest.push(...messages.map(({ offset }) => `handled ${partition} ${offset}`)),
    });
    expect(consumer.assigned()).toHaveLength(4);
    const total = [...highs.values()].reduce((sum, high) => sum + high, 0);
    const done = async (): Promise<boolean> =>
      (await create.committed('g', 't')).reduce((sum, { offset }) => sum + Math.max(offset, 0), 0) === total;
    while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
    const handled = new Set([...program.lines.filter((line) => line.startsWith('handled')), ...rest]);
    expect(handled.size).toBe(total);
    await create.checkIntegrity();
    await create.close();
  });

  it('may write the same streams: every acknowledged event is there, each revision once', async () => {
    const contending = `
      const store = await openEmbeddedStore({ directory });
      await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
        const stream = 'careRecord-' + (writer % 4);
        for (let n = 0; n < 60; ) {
          const data = process.pid + '/' + writer + '/' + n;
          try {
            const revision = await store.append(stream, await store.head(stream), [event(data)]);
            say(stream + ' ' + revision + ' ' + data);
            n += 1;
          } catch (error) {
            if (error.type !== 'wrong-expected-revision') throw error;
          }
        }
      }));
      await store.close();`;
    const both = [run(contending), run(contending), run(contending)];
    expect(await Promise.all(both.map((program) => program.ended()))).toEqual([0, 0, 0]);
    const acknowledged = both.flatMap(({ lines }) => lines);
    expect(acknowledged).toHaveLength(3 * 8 * 60);
    const store = await openEmbeddedStore({ directory });
    const found: string[] = [];
    for (const stream of [0, 1, 2, 3].map((n) => `careRecord-${n}`)) {
      const events = await store.read(stream, { maxCount: 10_000 });
      found.push(...events.map(({ revision, data }) => `${stream} ${revision} ${JSON.parse(textOf(data)) as string}`));
    }
    expect(found.sort()).toEqual(acknowledged.sort());
    expect(await store.readAll({ maxCount: 10_000 })).toHaveLength(acknowledged.length);
    await store.checkIntegrity();
    await store.close();
  });

  it('may publish to the same partitions: every acknowledged message is at its place', async () => {
    const bus = await openEmbeddedBus({ directory });
    await bus.createTopics([
      { topic: 't', partitions: 3 },
      { topic: 'compacted', partitions: 1, compacted: true },
    ]);
    const publishing = `
      const bus = await openEmbeddedBus({ directory });
      await Promise.all(Array.from({ length: 8 }, async (_, publisher) => {
        for (let n = 0; n < 60; n += 1) {
          const text = process.pid + '/' + publisher + '/' + n;
          const message = { key: 'key ' + publisher, value: new TextEncoder().encode(text), headers: {} };
          const [place] = await bus.publish([{ ...message, topic: 't' }, { ...message, topic: 'compacted' }]);
          say(place.partition + ' ' + place.offset + ' ' + text);
        }
      }));
      await bus.close();`;
    const both = [run(publishing), run(publishing)];
    expect(await Promise.all(both.map((program) => program.ended()))).toEqual([0, 0]);
    const acknowledged = both.flatMap(({ lines }) => lines);
    const held = (await Promise.all([0, 1, 2].map((partition) => bus.read('t', partition, 0, 10_000)))).flat();
    const texts = held.map(({ partition, offset, value }) => `${partition} ${offset} ${Buffer.from(value ?? []).toString()}`);
    expect(texts.sort()).toEqual(acknowledged.sort());
    const kept = await bus.read('compacted', 0, 0, 10_000);
    expect(kept.map(({ key }) => key).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((n) => `key ${n}`));
    await bus.checkIntegrity();
    await bus.close();
  });

  it('are told which process plays a role already, until that one is gone', async () => {
    const program = run(`await lockDirectory(directory, 'up'); say('locked'); setInterval(() => undefined, 1000);`);
    await program.printed(1);
    const refused = lockDirectory(directory, 'up');
    await expect(refused).rejects.toThrow(EngineUnavailable);
    await expect(refused).rejects.toThrow(`another weft up, process ${program.process.pid}`);
    const other = await lockDirectory(directory, 'projector');
    await program.kill();
    const lock = await lockDirectory(directory, 'up');
    await expect(lockDirectory(directory, 'up')).rejects.toThrow(`process ${process.pid}`);
    lock.release();
    (await lockDirectory(directory, 'up')).release();
    other.release();
  });

  it('learn that the disk is full, lose nothing of what was acknowledged, and may go on once there is room', async () => {
    const program = run(
      `
      const store = await openEmbeddedStore({ directory });
      let revision = -1;
      try {
        for (;;) {
          revision = await store.append('careRecord-1', revision, [event('x'.repeat(10_000))]);
          say(String(revision));
        }
      } catch (error) {
        say(error.type + ': ' + error.message);
      }
      await store.close();`,
      // No file may grow beyond 2,000 blocks of 512 bytes.
      'trap "" XFSZ; ulimit -f 2000',
    );
    expect(await program.ended()).toBe(0);
    const last = program.lines.at(-1) ?? '';
    expect(last).toMatch(/^engine-unavailable: weft\.db: the disk (is full|reports an error)/);
    const acknowledged = program.lines.length - 1;
    expect(acknowledged).toBeGreaterThan(10);
    const store = await openEmbeddedStore({ directory });
    expect(await store.head('careRecord-1')).toBe(acknowledged - 1);
    expect(await store.read('careRecord-1')).toHaveLength(acknowledged);
    const data = bytesOf(JSON.stringify('there is room again'));
    const event = { id: '00000000-0000-4000-8000-000000000000', type: 't', data };
    expect(await store.append('careRecord-1', acknowledged - 1, [event])).toBe(acknowledged);
    await store.close();
  });

  it('wait for a lock without holding up anything else, and give up in time, with nothing written', async () => {
    const holding = run(`
      const { DatabaseSync } = await import(${JSON.stringify(
        Number(process.versions.node.split('.')[0]) >= 24 ? 'node:sqlite' : import.meta.resolve('@photostructure/sqlite'),
      )});
      await (await openEmbeddedStore({ directory })).close();
      const database = new DatabaseSync(directory + '/weft.db');
      database.exec('BEGIN IMMEDIATE');
      say('locked');
      // Held for as long as this runs: what nobody refers to is closed, and with it the lock goes.
      setInterval(() => database, 1000);`);
    await holding.printed(1);
    const store = await openEmbeddedStore({ directory, lockTimeoutMs: 200 });
    const event = { id: '00000000-0000-4000-8000-000000000000', type: 't', data: bytesOf('{}') };
    let turns = 0;
    let waiting = true;
    const count = (): void => {
      turns += 1;
      if (waiting) setTimeout(count, 1);
    };
    count();
    const refused = store.append('careRecord-1', NO_STREAM, [event]);
    await expect(refused).rejects.toThrow(EngineUnavailable);
    await expect(refused).rejects.toThrow('locked');
    waiting = false;
    expect(turns).toBeGreaterThan(10);
    expect(await store.read('careRecord-1')).toEqual([]);
    const later = store.append('careRecord-1', NO_STREAM, [event]);
    await holding.kill();
    expect(await later).toBe(0);
    await store.close();
  });

  it('keep what they hold from everybody else on the machine', async () => {
    const inside = join(directory, 'made');
    const { store, bus } = await openEmbedded({ directory: inside });
    await store.append('careRecord-1', NO_STREAM, [
      { id: '00000000-0000-4000-8000-000000000000', type: 't', data: bytesOf('{}') },
    ]);
    await bus.createTopics([{ topic: 't', partitions: 1 }]);
    const lock = await lockDirectory(inside, 'up');
    const modes = async (names: readonly string[]): Promise<string[]> =>
      Promise.all(names.map(async (name) => ((await stat(join(inside, name))).mode & 0o777).toString(8)));
    expect(await modes(['.'])).toEqual(['700']);
    const files = ['weft.db', 'weft.db-wal', 'weft.db-shm', 'weft-up.lock'];
    expect(await modes(files)).toEqual(files.map(() => '600'));
    lock.release();
    await Promise.all([store.close(), bus.close()]);
  });
});
