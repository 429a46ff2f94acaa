import { connect, type Socket } from 'node:net';
import type { Found } from './rounds.js';
import { percentile } from './statistics.js';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Asked for in turn, over and over. */
  readonly paths: readonly string[];
  readonly authorization?: string;
}

const WARM_UP_SHARE = 0.2;
const HEAD_END = Buffer.from('\r\n\r\n');

/** Asks over keep-alive connections, on each one question at a time, and says how many answers a second came and how late. */
export async function load({ port, connections, seconds, paths, authorization }: Load): Promise<Found> {
  const begun = performance.now();
  const counted = begun + WARM_UP_SHARE * seconds * 1_000;
  const ends = counted + seconds * 1_000;
  const latencies: number[] = [];
  const bytes = { read: 0 };
  let asked = 0;
  const requests = paths.map((path) =>
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${authorization === undefined ? '' : `authorization: ${authorization}\r\n`}\r\n`,
    ),
  );
  const line = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const answers = new Answers(socket);
    while (performance.now() < ends) {
      const at = performance.now();
      socket.write(requests[asked++ % requests.length] as Buffer);
      const length = await answers.next();
      const now = performance.now();
      if (now < counted || now > ends) continue;
      latencies.push(now - at);
      bytes.read += length;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, line));
  return {
    rate: latencies.length / seconds,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    bytes: bytes.read / latencies.length,
  };
}

/** Answers with a content-length, one after the other. Anything but 200 is an error. */
class Answers {
  private missing = 0;
  private head: Buffer = Buffer.alloc(0);
  private length = 0;
  private resolve: (length: number) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', (error) => this.reject(error));
    socket.on('close', () => this.reject(new Error('the server hung up')));
  }

  /** Length of the next answer's body, once it is here whole. */
  next(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  private take(chunk: Buffer): void {
    if (this.missing > 0) {
      this.missing -= chunk.length;
      if (this.missing === 0) this.resolve(this.length);
      return;
    }
    this.head = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
    const end = this.head.indexOf(HEAD_END);
    if (end === -1) return;
    const text = this.head.toString('latin1', 0, end);
    if (!text.startsWith('HTTP/1.1 200')) return this.reject(new Error(text.slice(0, text.indexOf('\r\n'))));
    this.length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1]);
    this.missing = this.length + end + HEAD_END.length - this.head.length;
    this.head = Buffer.alloc(0);
    if (this.missing === 0) this.resolve(this.length);
  }
}
