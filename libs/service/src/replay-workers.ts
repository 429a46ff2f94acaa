import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { EngineError, type ReplayChunk, type ReplayLane, type ReplayProgress } from '@weft/processing';
import type { Settings } from './settings.js';

/** What a worker makes of a chunk; an error crosses as what it says. */
export type ReplayAnswer =
  | { readonly ok: true; readonly progress: ReplayProgress }
  | { readonly ok: false; readonly message: string; readonly type: string; readonly retriable: boolean };

/** What went wrong in a worker thread, with the type that it had there. */
class FailedInWorker extends EngineError {
  constructor(
    message: string,
    readonly type: string,
    readonly retriable: boolean,
  ) {
    super(message);
  }
}

export interface ReplayWorkers {
  readonly lanes: readonly ReplayLane[];
  /** Lets them close their engines; resolves when they are gone. */
  close(): Promise<void>;
}

/**
 * Worker threads that replay, each with engines of its own: patients are independent of each other, so as many work side by
 * side as there are cores. A thread starts with its first chunk. The fence keeps them apart from each other and from projectors.
 */
export function createReplayWorkers(settings: Settings, count: number): ReplayWorkers {
  const workers = Array.from({ length: count }, () => new ReplayWorker(settings));
  return {
    lanes: workers.map((worker) => (chunk: ReplayChunk) => worker.run(chunk)),
    close: async () => void (await Promise.all(workers.map((worker) => worker.end()))),
  };
}

class ReplayWorker {
  private worker: Worker | undefined;
  private gone: Promise<void> = Promise.resolve();

  constructor(private readonly settings: Settings) {}

  /** One chunk at a time. */
  async run(chunk: ReplayChunk): Promise<ReplayProgress> {
    const worker = (this.worker ??= this.start());
    const answer = await new Promise<ReplayAnswer>((resolve, reject) => {
      const ended = (code: number): void => reject(new Error(`a replay worker ended with code ${code}`));
      worker.once('error', reject).once('exit', ended);
      worker.once('message', (message: ReplayAnswer) => {
        worker.off('error', reject).off('exit', ended);
        resolve(message);
      });
      worker.postMessage(chunk);
    });
    if (answer.ok) return answer.progress;
    throw new FailedInWorker(answer.message, answer.type, answer.retriable);
  }

  async end(): Promise<void> {
    this.worker?.postMessage('end');
    await this.gone;
  }

  private start(): Worker {
    const file = createRequire(import.meta.url).resolve('@weft/service/replay-worker');
    const worker = new Worker(file, { workerData: this.settings });
    // Its failure is the chunk's; without a chunk under way there is nobody to tell.
    worker.on('error', () => undefined);
    this.gone = new Promise((resolve) => worker.once('exit', () => resolve()));
    return worker;
  }
}
