import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

/** The log is moved into the file each time that about so much was written. */
const WRITTEN_BYTES = 4 * 1024 * 1024;

/**
 * Moves the log into the file in a thread of its own: it takes tens of milliseconds of reading, writing and syncing, in which the
 * event loop would stand still. The thread is begun when there is first something to move. Where it lags behind, or ended,
 * SQLite does the same by itself at a longer log (see database.ts).
 */
export class Checkpoints {
  private bytes = 0;
  private thread: Worker | undefined;

  constructor(private readonly path: string) {}

  /** So much was committed, about. */
  written(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < WRITTEN_BYTES) return;
    this.bytes = 0;
    this.thread ??= this.begin();
    this.thread.postMessage('move');
  }

  async stop(): Promise<void> {
    const { thread } = this;
    if (thread === undefined) return;
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.ref();
    thread.postMessage('end');
    await ended;
  }

  private begin(): Worker {
    const program = createRequire(import.meta.url).resolve('@weft/embedded/checkpoints');
    const thread = new Worker(program, { workerData: this.path });
    const forget = (): void => void (this.thread = undefined);
    thread.once('error', forget);
    thread.once('exit', forget);
    thread.unref();
    return thread;
  }
}
