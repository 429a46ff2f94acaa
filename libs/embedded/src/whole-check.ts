import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { EngineDamaged, type Timers } from '@weft/processing';

/** What the process is given. */
export interface CheckedFile {
  readonly path: string;
  readonly file: string;
}

/** A check that came to no end, because the disk could not be read or something killed it, is begun again after so long. */
const BEGUN_AGAIN_AFTER_MS = 60_000;

/**
 * Checks a file that is too large to be checked before it is served, in a process of its own while it is served: a thread
 * within SQLite cannot be stopped, and takes the whole process with it when it comes out of there after it was told to. Every
 * row carries a checksum; what this finds is damage to where rows are found, which could hide one, and a hidden decision would
 * show what it withholds. So it is begun again until it comes to its end, and once damage is found nothing is answered any more.
 */
export class WholeCheck {
  private damage: EngineDamaged | undefined;
  private checker: ChildProcess;
  private readonly stopped = new AbortController();

  constructor(
    private readonly checked: CheckedFile,
    private readonly timers: Timers,
  ) {
    this.checker = this.begin();
  }

  /** Throws EngineDamaged once damage was found. */
  refuse(): void {
    if (this.damage !== undefined) throw this.damage;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    const { pid, exitCode, signalCode } = this.checker;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = once(this.checker, 'exit');
    this.checker.ref();
    this.checker.kill('SIGKILL');
    await ended;
  }

  private begin(): ChildProcess {
    const { path, file } = this.checked;
    const program = createRequire(import.meta.url).resolve('@weft/embedded/whole-check');
    const checker = fork(program, [path, file], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    checker.once('message', (found: string) => (this.damage = new EngineDamaged(file, found)));
    // One that could not be started has no number, and may or may not be said to have ended.
    checker.once('error', () => checker.pid === undefined && void this.beginAgain());
    checker.once('exit', (code) => checker.pid !== undefined && code !== 0 && void this.beginAgain());
    checker.unref();
    checker.channel?.unref();
    return checker;
  }

  private async beginAgain(): Promise<void> {
    // One that was stopped has ended too.
    while (!this.stopped.signal.aborted) {
      await this.timers.sleep(BEGUN_AGAIN_AFTER_MS, this.stopped.signal);
      if (this.stopped.signal.aborted) return;
      try {
        this.checker = this.begin();
        return;
      } catch {
        // The machine has no room for one more process now: whoever is served is served all the same.
      }
    }
  }
}
