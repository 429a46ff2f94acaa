import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Found } from './rounds.js';
import { percentile } from './statistics.js';

export interface MllpLoad {
  readonly port: number;
  /** Each sends a message once its last is acknowledged. */
  readonly connections: number;
  /** The listener's process, of which is asked how long it was busy. */
  readonly pid: number;
  /** Each message over a connection of its own, for a listener that takes one a connection. */
  readonly once: boolean;
}

const WARM_UP_SHARE = 0.2;
/** So far in MSH-10 stands. */
const HEADER_BYTES = 200;
const [VT, FS, CR] = [0x0b, 0x1c, 0x0d];

/** Bytes of a message as they are sent. */
export const framed = (message: string): Buffer =>
  Buffer.concat([Buffer.of(VT), Buffer.from(message, 'utf8'), Buffer.of(FS, CR)]);

/** Sends the frames, and says how many a second are acknowledged and how late. The first of them warm up, and are not counted. */
export async function send({ port, connections, pid, once }: MllpLoad, frames: readonly Buffer[]): Promise<Found> {
  const warmUp = Math.floor(frames.length * WARM_UP_SHARE);
  const latencies: number[] = [];
  let [next, acknowledged] = [0, 0];
  let counted = { at: performance.now(), busy: busySeconds(pid) };
  const open = new Set<Connection>();
  const line = async (): Promise<void> => {
    let connection: Connection | undefined;
    while (next < frames.length) {
      const frame = frames[next++]!;
      const at = performance.now();
      if (connection === undefined) open.add((connection = await opened(port)));
      await connection.send(frame);
      acknowledged += 1;
      if (acknowledged === warmUp) counted = { at: performance.now(), busy: busySeconds(pid) };
      if (acknowledged > warmUp) latencies.push(performance.now() - at);
      if (!once) continue;
      connection.close();
      open.delete(connection);
      connection = undefined;
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, line));
  } finally {
    for (const connection of open) connection.close();
  }
  const seconds = (performance.now() - counted.at) / 1_000;
  return {
    rate: latencies.length / seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    cpu: ((busySeconds(pid) - counted.busy) * 1e6) / latencies.length,
  };
}

/** Of a clock tick Linux makes a hundredth of a second for whoever asks, whatever its own are. */
const TICK_SECONDS = 0.01;

/** How long a process was busy, in all its threads; NaN where the system does not say. */
function busySeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the program's name, which may hold anything: the state, and ten fields on utime and stime.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return (user! + system!) * TICK_SECONDS;
  } catch {
    return NaN;
  }
}

async function opened(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return new Connection(socket);
}

/** Messages one after the other. Anything but AA of the one that was sent is an error. */
class Connection {
  private text = '';
  private controlId = '';
  private resolve: () => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.take(chunk.toString('latin1')));
    socket.on('error', (error) => this.reject(error));
    socket.on('close', () => this.reject(new Error('the listener hung up')));
  }

  /** Resolves once it is acknowledged. */
  send(frame: Buffer): Promise<void> {
    this.controlId = frame.toString('latin1', 0, HEADER_BYTES).split('|', 10)[9]!;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.socket.write(frame);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: string): void {
    this.text += chunk;
    if (!this.text.endsWith('\x1c\r')) return;
    const text = this.text.slice(0, -2);
    this.text = '';
    const [, code, of] = /\rMSA\|([^|]*)\|([^|\r]*)/.exec(text) ?? [];
    if (code === 'AA' && of === this.controlId) this.resolve();
    else this.reject(new Error(`${this.controlId} is not acknowledged: ${text.replaceAll('\r', ' ')}`));
  }
}
