import { fork, type ChildProcess } from 'node:child_process';
import { connect, createServer } from 'node:net';

/** As `npm run weft` and the image have it; whoever is measured has the same. */
export const YOUNG = '--max-semi-space-size=32';

/** What has Node write where the time of its process went, when the process ends. */
export const profiling = (directory: string | undefined): string[] =>
  directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];

/** One caller asks as fast as it can: that is what is measured. */
const UNLIMITED = { WEFT_LIMIT_TOKEN_RATE: '1000000', WEFT_LIMIT_ORGANISATION_RATE: '1000000' };

export interface Server {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * A Node program that listens on WEFT_PORT (or PORT), in a process of its own; resolves once `path` answers there, or, where it speaks no HTTP
 * (null), once it takes connections.
 */
export async function startServer(
  program: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { path, profiles }: { readonly path: string | null; readonly profiles: string | undefined },
): Promise<Server> {
  const port = await freePort();
  const child = fork(program, [...args], {
    env: { ...process.env, ...UNLIMITED, ...environment, WEFT_PORT: String(port), PORT: String(port) },
    execArgv: [YOUNG, ...profiling(profiles)],
    // Its log is written, as in production, but not kept.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await untilIt(child, () => (path === null ? takesConnections(port) : answers(`http://127.0.0.1:${port}${path}`)));
  return { port, pid: child.pid!, stop: () => stopped(child) };
}

/** A server may first have to fill its database. */
const PATIENCE_MS = 300_000;
const PAUSE_MS = 50;

async function untilIt(child: ChildProcess, serves: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await serves())) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`the server does not answer`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => null);
  if (response?.ok !== true) return false;
  await response.arrayBuffer();
  return true;
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Asks it to end, as an operator does, and waits until it has. */
export async function stopped(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  await ended;
}
