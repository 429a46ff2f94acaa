import { Readable, Writable } from 'node:stream';
import type { Context } from './context.js';
import { EXIT } from './failure.js';
import { run } from './program.js';
import { Terminal } from './terminal.js';

/** Runs a command line, or its words, in this process. A terminal is only simulated where `tty` says so. */
export async function runWeft(
  line: string | readonly string[],
  env: Readonly<Record<string, string>>,
  tty = false,
  input: readonly string[] = [],
  engines?: Context['engines'],
) {
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
  const exitCode = await run(typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line, {
    terminal,
    env,
    stdin: Readable.from(input.map((text) => Buffer.from(text))),
    exitCode: EXIT.ok,
    ...(engines !== undefined && { engines }),
  });
  return { ...written, exitCode };
}
