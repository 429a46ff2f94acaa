import { EngineDamaged, EngineError, EngineUnavailable } from '@weft/processing';
import { lockPauseMs, type Waiting } from './database.js';
import type { Database, Statement } from './driver.js';
import { engineError, isBusy } from './errors.js';

/** One caller's part of a transaction. `run` decides before it writes: an EngineError it throws refuses this part alone. */
interface Part {
  readonly run: () => unknown;
  readonly weight: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** So much is written in one transaction at most: other writers and this process's event loop get their turn. */
const BYTES_MAX = 2 * 1024 * 1024;
/** What a row costs beside its bytes. */
const ROW_BYTES = 300;

/**
 * Group commit: what is submitted within one turn of the event loop is written in one transaction, and every caller is
 * answered after its COMMIT has returned, hence after it is on the disk. Each part is decided on its own inside.
 */
export class GroupCommit {
  private readonly begin: Statement;
  private readonly commit: Statement;
  private readonly rollback: Statement;
  private parts: Part[] = [];
  private scheduled = false;
  private closed = false;
  private waitedMs = 0;
  private idle: Promise<void> = Promise.resolve();
  private becomeIdle: () => void = () => undefined;

  constructor(
    database: Database,
    private readonly options: Waiting & {
      readonly engine: string;
      /** Within the transaction, before its first part: drop what was cached if others have committed. */
      readonly onBegin: () => void;
      /** Within the transaction, after its last part. */
      readonly onBeforeCommit: () => void;
      /** `weight` is about the bytes that were written. */
      readonly onCommitted: (weight: number) => void;
      readonly onRolledBack: () => void;
    },
  ) {
    this.begin = database.prepare('BEGIN IMMEDIATE');
    this.commit = database.prepare('COMMIT');
    this.rollback = database.prepare('ROLLBACK');
  }

  /** `rows` and `bytes` tell roughly how much it writes. */
  submit<T>(run: () => T, rows = 1, bytes = 0): Promise<T> {
    if (this.closed) return Promise.reject(new EngineUnavailable(this.options.engine, 'it is closed'));
    return new Promise<T>((resolve, reject) => {
      const weight = rows * ROW_BYTES + bytes;
      this.parts.push({ run, weight, resolve: resolve as (value: never) => void, reject });
      if (this.scheduled) return;
      this.idle = new Promise((done) => (this.becomeIdle = done));
      this.schedule();
    });
  }

  /** Resolves once what was submitted is written, or refused. */
  settled(): Promise<void> {
    return this.idle;
  }

  /** Writes what was submitted and refuses what comes later. */
  async close(): Promise<void> {
    this.closed = true;
    await this.idle;
  }

  private schedule(): void {
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    try {
      this.begin.run();
    } catch (error) {
      this.notBegun(error);
      return;
    }
    this.waitedMs = 0;
    this.transact(this.take());
    if (this.parts.length > 0) return this.schedule();
    this.scheduled = false;
    this.becomeIdle();
  }

  /** Somebody else writes: comes back soon, and gives up when that has lasted too long. Nothing has been written. */
  private notBegun(error: unknown): void {
    if (isBusy(error) && this.waitedMs < this.options.lockTimeoutMs) {
      const pause = lockPauseMs(this.options.random);
      this.waitedMs += pause;
      void this.options.timers.sleep(pause).then(() => this.flush());
      return;
    }
    this.waitedMs = 0;
    const parts = this.parts;
    this.parts = [];
    this.scheduled = false;
    this.becomeIdle();
    for (const part of parts) part.reject(engineError(this.options.engine, error));
  }

  private take(): Part[] {
    let weight = 0;
    const end = this.parts.findIndex((part, index) => {
      weight += part.weight;
      return weight > BYTES_MAX && index > 0;
    });
    const taken = end === -1 ? this.parts : this.parts.slice(0, end);
    this.parts = end === -1 ? [] : this.parts.slice(end);
    return taken;
  }

  private transact(parts: readonly Part[]): void {
    const answers: (() => void)[] = [];
    try {
      this.options.onBegin();
      for (const part of parts) answers.push(decide(part));
      this.options.onBeforeCommit();
      this.commit.run();
    } catch (error) {
      this.undo();
      const named = engineError(this.options.engine, error);
      for (const part of parts) part.reject(named);
      return;
    }
    for (const answer of answers) answer();
    const weight = parts.reduce((sum, part) => sum + part.weight, 0);
    this.lookAgain(() => this.options.onCommitted(weight));
  }

  private undo(): void {
    try {
      this.rollback.run();
    } catch {
      // SQLite has rolled back by itself, as it does on a full disk.
    }
    this.lookAgain(this.options.onRolledBack);
  }

  /** Whether it was written is settled by now. Where looking fails, the next call meets the same error and names it. */
  private lookAgain(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(engineError(this.options.engine, error) instanceof EngineError)) throw error;
    }
  }
}

function decide(part: Part): () => void {
  try {
    const value = part.run() as never;
    return () => part.resolve(value);
  } catch (refusal) {
    if (!(refusal instanceof EngineError) || refusal instanceof EngineDamaged) throw refusal;
    return () => part.reject(refusal);
  }
}
