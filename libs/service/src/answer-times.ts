import type { OnModuleDestroy } from '@nestjs/common';
import type { Service } from './service.js';

/** When the first answer may leave, milliseconds after its request came: some ten times what there is to do on a machine that is not busy. */
const FIRST_ANSWER = {
  /** To decide anew about a person of a thousand entries, and to tell their subscribers. */
  writing: 1_000,
  /** To decide what may be shown of them. */
  reading: 500,
} as const;
export type AnswerKind = keyof typeof FIRST_ANSWER;

const LONGEST_STEP_MS = 8_000;

/**
 * When an answer may leave that took so long, milliseconds since its request came: at the first time, at twice, at four times of it … up
 * to 8 s, then every 8 s. Each step doubles, so that of a larger record little is told.
 */
export function answerTime(tookMs: number, kind: AnswerKind): number {
  if (tookMs >= LONGEST_STEP_MS) return (Math.floor(tookMs / LONGEST_STEP_MS) + 1) * LONGEST_STEP_MS;
  let time: number = FIRST_ANSWER[kind];
  while (time <= tookMs) time *= 2;
  return time;
}

/** Has answers wait whose time would tell their caller what that caller may not see. */
export class AnswerTimes implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(private readonly service: Pick<Service, 'clock' | 'timers'>) {}

  /** Does the work, and gives what it gives or throws at an answer time, unless `mayTell` says that its time tells nothing. */
  async hold<T>(kind: AnswerKind, work: () => Promise<T>, mayTell: (result: T) => boolean = () => false): Promise<T> {
    const begun = this.service.clock.steady();
    let isOpen = false;
    try {
      const result = await work();
      isOpen = mayTell(result);
      return result;
    } finally {
      if (!isOpen) await this.next(kind, begun);
    }
  }

  /** Resolves at the next answer time of what began then, by the steady clock; at once where this process is stopping. */
  async next(kind: AnswerKind, begun: number): Promise<void> {
    const took = Math.max(0, this.service.clock.steady() - begun);
    await this.service.timers.sleep(answerTime(took, kind) - took, this.stopping.signal);
  }

  /** Lets everyone who waits go. */
  onModuleDestroy(): void {
    this.stopping.abort();
  }
}
