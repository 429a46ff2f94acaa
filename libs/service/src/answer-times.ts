import type { OnModuleDestroy } from '@nestjs/common';
import type { Service } from './service.js';

const FIRST_MS = 500;
const LONGEST_STEP_MS = 8_000;

/**
 * When an answer may leave that took so long, milliseconds since its request came: after 0.5, 1, 2, 4, 8 s, then every 8 s. The first
 * is above what a decision about a person of a thousand entries takes; each step doubles, so that of a larger record little is told.
 */
export function answerTime(tookMs: number): number {
  if (tookMs >= LONGEST_STEP_MS) return (Math.floor(tookMs / LONGEST_STEP_MS) + 1) * LONGEST_STEP_MS;
  let time = FIRST_MS;
  while (time <= tookMs) time *= 2;
  return time;
}

/** Has answers wait whose time would tell their caller what that caller may not see. */
export class AnswerTimes implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(private readonly service: Pick<Service, 'clock' | 'timers'>) {}

  /** Does the work, and gives what it gives or throws at an answer time, unless `mayTell` says that its time tells nothing. */
  async hold<T>(work: () => Promise<T>, mayTell: (result: T) => boolean = () => false): Promise<T> {
    const begun = this.service.clock.now();
    let isOpen = false;
    try {
      const result = await work();
      isOpen = mayTell(result);
      return result;
    } finally {
      if (!isOpen) await this.next(begun);
    }
  }

  /** Resolves at the next answer time of what began then, milliseconds since 1970; at once where this process is stopping. */
  async next(begun: number): Promise<void> {
    const took = Math.max(0, this.service.clock.now() - begun);
    await this.service.timers.sleep(answerTime(took) - took, this.stopping.signal);
  }

  /** Lets everyone who waits go. */
  onModuleDestroy(): void {
    this.stopping.abort();
  }
}
