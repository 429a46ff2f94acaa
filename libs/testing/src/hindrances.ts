import { EngineUnavailable } from '@weft/processing';

type Call = (...args: unknown[]) => Promise<unknown>;
type When = 'before' | 'after';

/** What whoever was killed waits for. */
const NEVER = new Promise<never>(() => undefined);

/** A process that is killed at one of its calls to its engines. */
interface Doomed {
  /** Which of its calls is its last. */
  readonly kill: number;
  /** Stands around every call that it makes. */
  readonly around: (work: Call) => Call;
  /** Resolves once the work is done, or the process is killed at it. */
  untilKilled(work: Promise<unknown>): Promise<unknown>;
}

/** Lives once for each call to an engine, and is killed just before or after it; gives how many calls a whole life makes. */
export async function killedAtEachCall(when: When, live: (doomed: Doomed) => Promise<void>): Promise<number> {
  for (let kill = 1; ; kill += 1) {
    let calls = 0;
    let isDead = false;
    let die = (): void => undefined;
    const died = new Promise<void>((resolve) => (die = resolve));
    const end = (): Promise<never> => {
      isDead = true;
      die();
      return NEVER;
    };
    const around = (work: Call): Call => {
      return async (...args) => {
        if (isDead) return NEVER;
        calls += 1;
        const isLast = calls === kill;
        if (isLast && when === 'before') return end();
        const value = await work(...args);
        return isLast || isDead ? end() : value;
      };
    };
    await live({ kill, around, untilKilled: (work) => Promise.race([work, died]) });
    if (!isDead) return calls;
  }
}

/** A process of which an engine fails one call. */
interface Failed {
  /** Which of its calls fails. */
  readonly fault: number;
  readonly around: (work: Call) => Call;
}

/** Lives once for each call to an engine, which fails it just before or after it has done what it was asked; gives how many calls a whole life makes. */
export async function failedAtEachCall(when: When, live: (failed: Failed) => Promise<void>): Promise<number> {
  for (let fault = 1; ; fault += 1) {
    let calls = 0;
    const around = (work: Call): Call => {
      return async (...args) => {
        calls += 1;
        const fails = calls === fault;
        const unavailable = new EngineUnavailable('store', 'away');
        if (fails && when === 'before') throw unavailable;
        const value = await work(...args);
        if (fails) throw unavailable;
        return value;
      };
    };
    await live({ fault, around });
    if (calls < fault) return calls;
  }
}
