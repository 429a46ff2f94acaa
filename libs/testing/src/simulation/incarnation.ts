import { EngineUnavailable } from '@weft/processing';
import type { Chances, Fault } from './faults.js';
import type { Owner, Scheduler, Task } from './scheduler.js';

export type EngineName = 'store' | 'bus';

/** What may go wrong with one sort of call. */
export interface CallFaults {
  readonly engine: EngineName;
  readonly lost?: Fault;
  readonly unacknowledged?: Fault;
  readonly late?: Fault;
}

const SLOW_MS = 5_000;

/** Engines that answer nobody now. */
export type Outages = Record<EngineName, boolean>;

/**
 * One life of a simulated process. Everything it asks of an engine goes out as a request and comes back as an answer, each a
 * step of its own, so that others act in between; after a crash no answer ever arrives, and so none of its code runs again.
 */
export class Incarnation implements Owner {
  alive = true;
  paused = false;
  readonly held: Task[] = [];
  /** Requests to the bus that are on their way, in the order in which they were sent. */
  private readonly underWay = new Set<() => void>();
  /** What was answered to have failed and is written later all the same. */
  private readonly late: (() => void)[] = [];
  private isCutOff = false;

  constructor(
    readonly name: string,
    readonly scheduler: Scheduler,
    readonly chances: Chances,
    private readonly outages: Outages,
  ) {}

  call<T>(what: string, detail: string, faults: CallFaults, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => this.send(what, detail, faults, effect, resolve, reject));
  }

  /** The same with callbacks, for what an adapter does by itself. `effect` runs at the engine, the callbacks in the process. */
  send<T>(
    what: string,
    detail: string,
    faults: CallFaults,
    effect: () => T,
    answered: (value: T) => void,
    failed: (error: Error) => void,
  ): void {
    if (!this.alive) return;
    const arrive = once(() => {
      this.underWay.delete(arrive);
      if (this.isCutOff) return;
      if (!this.alive && !this.chances.happens('sentBeforeCrash')) return;
      let answer: () => void;
      try {
        const value = this.perform(faults, what, detail, effect);
        answer = () => answered(value);
      } catch (error) {
        answer = () => failed(error as Error);
      }
      this.reply(what, detail, answer);
    });
    if (faults.engine === 'bus') this.underWay.add(arrive);
    this.scheduler.after(this.latency(), undefined, what, detail, arrive);
  }

  /**
   * A connection to the bus breaks with its process: what was sent over it is there by then, or never comes. A publish that
   * arrives long after is not modelled, as nothing is promised then. An append may come at any time: it is fenced.
   */
  die(): void {
    this.alive = false;
    this.held.length = 0;
    this.deliverLate();
    for (const arrive of [...this.underWay]) arrive();
  }

  /** The engines were stopped too: what is on its way to them never comes. */
  cutOff(): void {
    this.isCutOff = true;
  }

  /** A producer's messages arrive in the order in which it sent them: what hangs in the network comes before what follows it. */
  private deliverLate(): void {
    for (const write of this.late.splice(0)) write();
  }

  /** A task of this process. */
  after(ms: number, what: string, detail: string, run: () => void): Task {
    return this.scheduler.after(ms, this, what, detail, run);
  }

  private perform<T>(faults: CallFaults, what: string, detail: string, effect: () => T): T {
    const { engine, lost, unacknowledged, late } = faults;
    if (engine === 'bus') this.deliverLate();
    if (this.outages[engine]) throw new EngineUnavailable(engine, 'is away');
    if (lost !== undefined && this.chances.happens(lost)) throw new EngineUnavailable(engine, `${what} was lost on its way`);
    if (late !== undefined && (this.alive || engine === 'store') && this.chances.happens(late)) {
      const write = once(() => {
        if (!this.isCutOff) attempt(effect);
      });
      if (engine === 'bus') this.late.push(write);
      this.scheduler.after(this.chances.prng.below(SLOW_MS), undefined, `late ${what}`, detail, write);
      throw new EngineUnavailable(engine, `${what} took too long`);
    }
    const value = effect();
    if (unacknowledged !== undefined && this.chances.happens(unacknowledged)) {
      throw new EngineUnavailable(engine, `the answer to ${what} was lost`);
    }
    return value;
  }

  private reply(what: string, detail: string, answer: () => void): void {
    const latency = this.latency();
    const inTheSameStep = latency === 0 && this.alive && !this.paused && this.chances.prng.chance(0.5);
    if (inTheSameStep) answer();
    else this.after(latency, `answer to ${what}`, detail, answer);
  }

  private latency(): number {
    return this.chances.happens('slowNetwork') ? this.chances.prng.below(SLOW_MS) : 0;
  }
}

/** The driver's own hand: whatever it asks is done at once, and nothing goes wrong. */
export class Unhindered extends Incarnation {
  override send<T>(
    _what: string,
    _detail: string,
    _faults: CallFaults,
    effect: () => T,
    answered: (value: T) => void,
    failed: (error: Error) => void,
  ): void {
    let value: T;
    try {
      value = effect();
    } catch (error) {
      return failed(error as Error);
    }
    answered(value);
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}

function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch {
    // Nobody waits for it any more: an append that comes too late is refused, and that is all.
  }
}
