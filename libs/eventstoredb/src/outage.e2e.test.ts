import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { useFake, until } from './fake-server/use-fake.js';

/** Built before the tests run; a process of its own cannot run TypeScript. */
const WRITER = fileURLToPath(new URL('./fake-server/writer.worker.ts', import.meta.url))
  .replace('/src/', '/dist/')
  .replace(/\.ts$/, '.js');

interface Report {
  readonly acknowledged: string[];
  readonly seen: string[];
  readonly failed: number;
}

describe('a process on EventStoreDB (a fake server) that is killed again and again under load', () => {
  const fake = useFake();
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  it('never dies of it, loses nothing that was acknowledged, and sees every event once and in order', async () => {
    const { server } = fake;
    const writer = (child = fork(WRITER, [server.connectionString], { silent: true }));
    let [acknowledged, written, output] = [0, false, ''];
    let report: Report | undefined;
    writer.stderr?.on('data', (text) => (output += String(text)));
    writer.on('message', (message: { acknowledged?: number; written?: true; done?: Report }) => {
      acknowledged = message.acknowledged ?? acknowledged;
      written ||= message.written === true;
      report = message.done ?? report;
    });
    const lives = () => {
      if (writer.exitCode !== null && report === undefined) throw new Error(`it died with ${writer.exitCode}: ${output}`);
      return true;
    };
    const moreAcknowledged = async () => {
      const before = acknowledged;
      await until('it writes on', () => lives() && acknowledged > before + 200);
    };
    for (const awayMs of [0, 50, 0, 300, 1_500]) {
      await moreAcknowledged();
      server.kill();
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      await server.start();
    }
    await moreAcknowledged();
    writer.send({});
    await until('its writers stopped', () => lives() && written);
    const ids = server.log.records.filter(({ stream }) => stream.startsWith('storm-')).map(idOf);
    writer.send({ expected: ids.length });
    await until('it has seen all', () => lives() && report !== undefined);
    await until('it ended', () => writer.exitCode !== null);

    expect(report?.failed).toBeGreaterThan(0);
    expect(report?.seen).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    const there = new Set(ids);
    expect(report?.acknowledged.filter((id) => !there.has(id))).toEqual([]);
    expect(writer.exitCode).toBe(0);
    expect(output).toBe('');
  });
});

function idOf({ metadata }: { readonly metadata: Uint8Array }): string {
  return (JSON.parse(Buffer.from(metadata).toString()) as { $weft: { eventId: string } }).$weft.eventId;
}
