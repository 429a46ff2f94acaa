import { Readable, Writable } from 'node:stream';
import { EXIT } from './failure.js';
import { run } from './program.js';
import { Terminal } from './terminal.js';

/** Runs a command line in this process. A terminal is only simulated where `tty` says so. */
export async function runWeft(line: string, env: Readonly<Record<string, string>>, tty = false, input: readonly string[] = []) {
  const written: { out: string; err: string } = { out: '', err: '' };
  const stream = (name: 'out' | 'err') =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _, done) {
          written[name] += chunk.toString('utf8');
          done();
        },
      }),
      tty ? { isTTY: true, columns: 80 } : {},
    );
  const terminal = new Terminal(stream('out'), stream('err'), env);
  const exitCode = await run(
    line.split(' ').filter((word) => word !== ''),
    {
      terminal,
      env,
      stdin: Readable.from(input.map((text) => Buffer.from(text))),
      exitCode: EXIT.ok,
    },
  );
  return { ...written, exitCode };
}
