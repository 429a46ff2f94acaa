import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEmbeddedBus } from '@weft/embedded';
import { bytesAsText, RawEvents } from '@weft/hl7v2';
import { hl7v2Topic } from '@weft/processing';
import { createRegion, loadSettings } from '@weft/service';
import { admission, Engine } from './engine.fixture.js';

const main = fileURLToPath(import.meta.url)
  .replace('/src/', '/dist/')
  .replace(/main\.e2e\.test\.ts$/, 'main.js');

describe('the HL7 v2 gateway as a process', () => {
  let directory: string;
  let listeners: string;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-hl7-gateway-'));
    listeners = join(directory, 'listeners.json');
    writeFileSync(listeners, JSON.stringify([{ name: 'pas', organisation: 'RX901', port: 0 }]));
    await (await createRegion(loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal' }))).close();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  function start(env: Record<string, string> = { WEFT_HL7V2_LISTENERS: listeners }) {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'], WEFT_DATA_DIR: directory, WEFT_PORT: '0', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let errors = '';
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const port = new Promise<number>((resolve) => {
      child.stderr!.on('data', (chunk: Buffer) => {
        errors += chunk;
        const found = /"listener":"pas","port":(\d+)/.exec(errors)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
    return { child, exited, port, errors: () => errors };
  }

  const engineAt = async (port: Promise<number>): Promise<Engine> => new Engine(connect(await port, '127.0.0.1'));

  it('ends at once with what is wrong with its listeners', async () => {
    const none = start({});
    expect(await none.exited).toEqual([2, null]);
    expect(none.errors()).toContain('WEFT_HL7V2_LISTENERS: is missing');
    writeFileSync(listeners, JSON.stringify([{ name: 'pas', organisation: 'RX901', port: 0, host: '0.0.0.0' }]));
    const bare = start();
    expect(await bare.exited).toEqual([2, null]);
    expect(bare.errors()).toContain('WEFT_HL7V2_LISTENERS: [0].tls is missing');
  });

  it('stores each message once by its id, killed wherever between a frame and its acknowledgement, when its sender repeats', async () => {
    const ids = Array.from({ length: 6 }, (_, index) => `K${index}`);
    for (const [index, id] of ids.entries()) {
      const { child, exited, port } = start();
      const engine = await engineAt(port);
      engine.sendFrame(admission(`${id}`));
      // At once, on its way, once it is durable, and once it was acknowledged.
      if (index % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
      if (index % 3 === 2) await engine.acknowledgements(1);
      child.kill('SIGKILL');
      await exited;
    }
    const { child, exited, port } = start();
    const engine = await engineAt(port);
    for (const id of ids) engine.sendFrame(admission(id));
    expect(await engine.acknowledgements(ids.length)).toEqual(ids.map((id) => `AA:${id}`));
    child.kill('SIGTERM');
    await exited;
    expect((await stored()).sort()).toEqual(ids.map((id) => admission(id)));
  });

  /** Each event once by its id. */
  async function stored(): Promise<string[]> {
    const bus = await openEmbeddedBus({ directory });
    const events = new Map<string, string>();
    const topic = hl7v2Topic('RX901');
    const reader = new RawEvents();
    for (const { partition } of await bus.offsets(topic)) {
      for (const message of await bus.read(topic, partition, 0)) {
        const event = reader.take(message);
        if (event !== null) events.set(event.id, bytesAsText(event.bytes));
      }
    }
    await bus.close();
    return [...events.values()];
  }
});
