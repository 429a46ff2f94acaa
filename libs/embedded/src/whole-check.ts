import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { EngineDamaged } from '@weft/processing';

/** What the thread is given. */
export interface CheckedFile {
  readonly path: string;
  readonly file: string;
}

/**
 * Checks a file that is too large to be checked before it is served, in a thread of its own while it is served. Every row
 * carries a checksum; what this finds is damage to where rows are found, which could hide one, and a hidden decision would
 * show what it withholds. Once any is found nothing is answered any more.
 */
export class WholeCheck {
  private damage: EngineDamaged | undefined;
  private readonly worker: Worker;

  constructor(checked: CheckedFile) {
    const program = createRequire(import.meta.url).resolve('@weft/embedded/whole-check');
    this.worker = new Worker(program, { workerData: checked });
    this.worker.unref();
    this.worker.once('message', (found: string) => (this.damage = new EngineDamaged(checked.file, found)));
    // A disk that cannot be read now says so to whoever reads next; the file is checked again at the next start.
    this.worker.once('error', () => undefined);
  }

  /** Throws EngineDamaged once damage was found. */
  refuse(): void {
    if (this.damage !== undefined) throw this.damage;
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
