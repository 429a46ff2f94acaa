import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { EngineDamaged } from '@weft/processing';

/** What the process is given. */
export interface CheckedFile {
  readonly path: string;
  readonly file: string;
}

/**
 * Checks a file that is too large to be checked before it is served, in a process of its own while it is served: a thread
 * within SQLite cannot be stopped, and takes the whole process with it when it comes out of there after it was told to. Every
 * row carries a checksum; what this finds is damage to where rows are found, which could hide one, and a hidden decision would
 * show what it withholds. Once any is found nothing is answered any more.
 */
export class WholeCheck {
  private damage: EngineDamaged | undefined;
  private readonly checker: ChildProcess;

  constructor({ path, file }: CheckedFile) {
    const program = createRequire(import.meta.url).resolve('@weft/embedded/whole-check');
    this.checker = fork(program, [path, file], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.checker.once('message', (found: string) => (this.damage = new EngineDamaged(file, found)));
    // A disk that cannot be read now says so to whoever reads next; the file is checked again at the next start.
    this.checker.once('error', () => undefined);
    this.checker.unref();
    this.checker.channel?.unref();
  }

  /** Throws EngineDamaged once damage was found. */
  refuse(): void {
    if (this.damage !== undefined) throw this.damage;
  }

  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.checker;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = once(this.checker, 'exit');
    this.checker.ref();
    this.checker.kill('SIGKILL');
    await ended;
  }
}
