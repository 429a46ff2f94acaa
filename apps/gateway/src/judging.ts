import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { judgeMany, type JudgedMany, type Many, type Packed, unpacked } from '@weft/care-events';
import type { Problem } from '@weft/domain';
import type { Reading, Timers } from '@weft/processing';
import { Service } from '@weft/service';

/** A body of fewer bytes is judged where it is: some 50 ms. */
const SMALL_BYTES = 256 * 1024;
const WORKERS = 2;
/** A Bundle of 64 MiB takes half of it. */
const WORKER_MEMORY_MIB = 1_536;

type Answer = { readonly ok: false; readonly problems: readonly Problem[] } | ({ readonly ok: true } & Packed);

/** What is needed of a worker thread. */
export interface Judge {
  postMessage(many: Many): void;
  on(event: 'message', listener: (answer: Answer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  terminate(): Promise<unknown>;
}

interface Job {
  readonly many: Many;
  readonly resolve: (reading: Reading<JudgedMany>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Judges large bodies in threads of their own, so that nobody else waits for them. One that takes too long ends with its thread.
 * While others wait, an organisation has one thread at a time.
 */
export class JudgePool {
  private readonly waiting: Job[] = [];
  private readonly running = new Map<Judge, Job>();
  private readonly idle: Judge[] = [];

  constructor(
    private readonly timers: Timers,
    private readonly deadlineMs: number,
    private readonly start: () => Judge,
    private readonly size = WORKERS,
  ) {}

  judge(many: Many): Promise<Reading<JudgedMany>> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ many, resolve, reject });
      this.next();
    });
  }

  async close(): Promise<void> {
    const ended = new Error('this Weft is stopping');
    for (const { reject } of [...this.waiting.splice(0), ...this.running.values()]) reject(ended);
    await Promise.all([...this.idle.splice(0), ...this.running.keys()].map((judge) => judge.terminate()));
    this.running.clear();
  }

  private next(): void {
    while (this.waiting.length > 0 && this.running.size < this.size) {
      const busy = new Set([...this.running.values()].map(({ many }) => many.rules.sender));
      const fair = this.waiting.findIndex(({ many }) => !busy.has(many.rules.sender));
      this.run(this.waiting.splice(Math.max(fair, 0), 1)[0]!);
    }
  }

  private run(job: Job): void {
    const judge = this.idle.pop() ?? this.started();
    this.running.set(judge, job);
    const done = new AbortController();
    const end = (settle: () => void, isGone: boolean): void => {
      // One that fails while it has nothing to do is given nothing any more.
      if (done.signal.aborted) return void (isGone && this.forget(judge));
      done.abort();
      this.running.delete(judge);
      if (isGone) void judge.terminate();
      else this.idle.push(judge);
      settle();
      this.next();
    };
    this.told.set(judge, {
      answered: (answer) => end(() => job.resolve(answer.ok ? { ok: true, event: unpacked(answer) } : answer), false),
      failed: (error) => {
        const isMemory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
        end(() => (isMemory ? job.resolve(tooCostly(`more than ${WORKER_MEMORY_MIB} MiB of memory`)) : job.reject(error)), true);
      },
    });
    void this.timers.sleep(this.deadlineMs, done.signal).then(() => {
      // Also one that was ended early wakes up.
      if (done.signal.aborted) return;
      end(() => job.resolve(tooCostly(`longer than ${this.deadlineMs / 1_000} seconds`)), true);
    });
    judge.postMessage(job.many);
  }

  private readonly told = new WeakMap<
    Judge,
    { readonly answered: (answer: Answer) => void; readonly failed: (error: Error) => void }
  >();

  private forget(judge: Judge): void {
    const at = this.idle.indexOf(judge);
    if (at >= 0) this.idle.splice(at, 1);
  }

  private started(): Judge {
    const judge = this.start();
    judge.on('message', (answer) => this.told.get(judge)?.answered(answer));
    judge.on('error', (error) => this.told.get(judge)?.failed(error));
    return judge;
  }
}

const tooCostly = (what: string): Reading<never> => ({
  ok: false,
  problems: [{ field: 'body', code: 'too-costly', message: `takes ${what} to judge; send it in several parts` }],
});

/** Judges the bodies that carry many events: small ones at once, large ones in the pool. */
@Injectable()
export class Judging implements OnModuleDestroy {
  private readonly pool: JudgePool;

  constructor({ timers, settings }: Service) {
    this.pool = new JudgePool(timers, settings.limits.WEFT_LIMIT_JUDGING_SECONDS * 1_000, startJudge);
  }

  async judge(many: Many): Promise<Reading<JudgedMany>> {
    if (many.bytes.length > SMALL_BYTES) return this.pool.judge(many);
    return judgeMany(many);
  }

  async onModuleDestroy(): Promise<void> {
    await this.pool.close();
  }
}

function startJudge(): Judge {
  const file = createRequire(import.meta.url).resolve('@weft/care-events/judge-worker');
  const worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MIB } });
  // A body under way keeps its request, and the request the process.
  worker.unref();
  return worker as Judge;
}
