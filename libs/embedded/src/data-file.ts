import { EngineUnavailable, type Random, type Timers } from '@weft/processing';
import { Checkpoints } from './checkpoints.js';
import { checkIntegrity, closeDatabase, openDatabase, prepareAll, type Checking, type Waiting } from './database.js';
import type { Database } from './driver.js';
import { engineError } from './errors.js';
import { ForeignCommits } from './foreign-commits.js';
import { GroupCommit } from './group-commit.js';
import { Packing } from './packing.js';
import { SCHEMA } from './schemas.js';
import { systemRandom, systemTimers } from './system.js';
import { WholeCheck, type CheckedFile } from './whole-check.js';

export interface FileOptions extends Checking {
  /** The data directory; made where it is missing. */
  readonly directory: string;
  readonly timers?: Timers;
  readonly random?: Random;
  /** How long another process's lock is waited for (default 10 s). */
  readonly lockTimeoutMs?: number;
  /** How often somebody who reads along looks for what other processes commit (default 5 ms). */
  readonly pollMs?: number;
}

/** A port on the file: what it keeps in memory follows what is written there. */
export interface Part {
  /** Others have written, or may have. */
  onForeignCommit(): void;
  /** Within the transaction, after the last call's part in it. */
  onBeforeCommit(): void;
  onCommitted(): void;
  onRolledBack(): void;
}

const ENGINE = SCHEMA.file;

/** The one connection to the data directory's file, with the one group commit that both ports write through. */
export class DataFile {
  readonly engine = ENGINE;
  readonly packing: Packing;
  readonly commits: GroupCommit;
  readonly foreign: ForeignCommits;
  private readonly parts: Part[] = [];
  private readonly checkpoints: Checkpoints;
  private readonly wholeCheck: WholeCheck | undefined;
  private users = 0;
  private closing: Promise<void> | undefined;

  /** Opens (or makes) `weft.db`. Throws EngineDamaged or EngineUnavailable. */
  static async open(options: FileOptions): Promise<DataFile> {
    const waiting = {
      timers: options.timers ?? systemTimers,
      random: options.random ?? systemRandom,
      lockTimeoutMs: options.lockTimeoutMs ?? 10_000,
    };
    const { database, path, unchecked } = await openDatabase(options.directory, SCHEMA, waiting, options);
    return prepareAll(database, ENGINE, () => new DataFile(database, path, unchecked, waiting, options.pollMs ?? 5));
  }

  private constructor(
    readonly database: Database,
    path: string,
    unchecked: CheckedFile | undefined,
    readonly waiting: Waiting,
    pollMs: number,
  ) {
    this.packing = new Packing(database, ENGINE);
    this.checkpoints = new Checkpoints(path);
    this.foreign = new ForeignCommits(database, {
      timers: waiting.timers,
      pollMs,
      onForeignCommit: () => this.parts.forEach((part) => part.onForeignCommit()),
    });
    this.commits = new GroupCommit(database, {
      ...waiting,
      engine: ENGINE,
      onBegin: () => {
        this.refuseDamaged();
        this.foreign.look();
      },
      onBeforeCommit: () => this.parts.forEach((part) => part.onBeforeCommit()),
      onCommitted: (weight) => {
        this.checkpoints.written(weight);
        this.parts.forEach((part) => part.onCommitted());
      },
      onRolledBack: () => this.parts.forEach((part) => part.onRolledBack()),
    });
    if (unchecked !== undefined) this.wholeCheck = new WholeCheck(unchecked, waiting.timers);
  }

  /** Adds a port; the file stays open until each has left. Closes the file again where its first look into the tables fails. */
  join<P extends Part>(make: () => P): P {
    return prepareAll(this.database, ENGINE, () => {
      const part = make();
      part.onForeignCommit();
      this.parts.push(part);
      this.users += 1;
      return part;
    });
  }

  /** Resolves once what the port has submitted is written; where it is the last one, once the file is closed. */
  async leave(): Promise<void> {
    this.users -= 1;
    if (this.users === 0) this.closing = this.close();
    await (this.closing ?? this.commits.settled());
  }

  /** Throws EngineDamaged once damage was found. */
  refuseDamaged(): void {
    this.wholeCheck?.refuse();
  }

  /** Several looks at the file as one: nothing that others write comes between. */
  atOnce<T>(looks: () => T): T {
    this.database.exec('BEGIN');
    try {
      this.foreign.look();
      return looks();
    } finally {
      this.database.exec('COMMIT');
    }
  }

  checkIntegrity(): void {
    checkIntegrity(this.database, ENGINE);
  }

  private async close(): Promise<void> {
    await this.commits.close();
    await this.wholeCheck?.stop();
    await this.checkpoints.stop();
    closeDatabase(this.database, ENGINE);
  }
}

/** Errors in the ports' words. Also for what ends while the file is closing. */
export function named<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    throw engineError(ENGINE, error);
  }
}

export const isClosed = (): EngineUnavailable => new EngineUnavailable(ENGINE, 'it is closed');
