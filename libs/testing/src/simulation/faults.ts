import { Prng } from './prng.js';

/** Probabilities, 0 to 1. What is said of each is what the ports allow: the code under test has to live with all of them. */
export interface Faults {
  // of each call
  /** A request or an answer takes up to five seconds. */
  readonly slowNetwork: number;
  /** A read (also a fetch of a subscription or a consumer) answers EngineUnavailable. */
  readonly readFails: number;
  /** EngineUnavailable, and nothing was written. */
  readonly appendLost: number;
  /** EngineUnavailable, but it was written. */
  readonly appendUnacknowledged: number;
  /** EngineUnavailable, and it is written later (or refused, if the stream has moved on). */
  readonly appendLate: number;
  readonly publishLost: number;
  readonly publishUnacknowledged: number;
  readonly publishLate: number;
  /** EngineUnavailable, and the messages of some partitions were written. */
  readonly publishPartly: number;
  /** A batch was handled but its offset is not committed: it comes again. */
  readonly commitLost: number;
  /** A batch was handled and committed, and the consumer does not know: it comes again. */
  readonly commitUnacknowledged: number;
  /** A request that a process sent before it crashed arrives all the same. */
  readonly sentBeforeCrash: number;
  // of each delivery
  /** A batch ends anywhere, instead of at the limit. */
  readonly shortBatch: number;
  /** A subscription or a follower starts again at its last checkpoint or at an earlier offset. */
  readonly redelivery: number;
  /** Compaction of a compacted topic waits for another publish. */
  readonly compactionDelayed: number;
  /** Messages older than their topic's retention are removed. */
  readonly expiry: number;
  /** Partitions move while handlers of the old owner still run. */
  readonly abruptRebalance: number;
  // of each step
  /** A process dies, and comes up again within twenty seconds. */
  readonly crash: number;
  /** A process stands still for up to thirty seconds: longer than its session, so it may wake as a zombie. */
  readonly pause: number;
  readonly rebalance: number;
  /** An engine answers nobody for up to ten seconds. */
  readonly outage: number;
  /** A machine's clock is set up to a day wrong, either way. */
  readonly clockSkew: number;
  /** Time goes on by up to three days. */
  readonly timeJump: number;
}

export type Fault = keyof Faults;

/** What the nightly runs use at most; `swarm` takes some of it for each seed. */
export const ALL_FAULTS: Faults = {
  slowNetwork: 0.05,
  readFails: 0.02,
  appendLost: 0.02,
  appendUnacknowledged: 0.02,
  appendLate: 0.01,
  publishLost: 0.02,
  publishUnacknowledged: 0.02,
  publishLate: 0.01,
  publishPartly: 0.02,
  commitLost: 0.05,
  commitUnacknowledged: 0.05,
  sentBeforeCrash: 0.5,
  shortBatch: 0.5,
  redelivery: 0.02,
  compactionDelayed: 0.5,
  expiry: 0.1,
  abruptRebalance: 0.5,
  crash: 0.003,
  pause: 0.002,
  rebalance: 0.002,
  outage: 0.001,
  clockSkew: 0.001,
  timeJump: 0.001,
};

const KINDS = Object.keys(ALL_FAULTS) as Fault[];

export const NO_FAULTS: Faults = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as unknown as Faults;

/** How often faults come one by one: where they never end, most is done over, and little of it step by step. */
const FAIR = 0.3;

/** Each fault left out, as it is, or three times as frequent: bugs that hide behind one fault show when it is absent. */
export function swarm(seed: number, most: Faults = ALL_FAULTS): Faults {
  const prng = new Prng(seed, 0x5a);
  const weather = prng.chance(FAIR) ? 0.1 : 1;
  const chance = (kind: Fault): number => Math.min(1, most[kind] * weather * prng.pick([0, 1, 1, 3]));
  return Object.fromEntries(KINDS.map((kind) => [kind, chance(kind)])) as unknown as Faults;
}

export interface InjectedFault {
  readonly ordinal: number;
  readonly step: number;
  readonly kind: Fault;
}

/** Draws the faults, and numbers those that happen so that a failing run can be repeated without some of them. */
export class Chances {
  readonly injected: InjectedFault[] = [];
  private ordinal = 0;

  constructor(
    readonly prng: Prng,
    private faults: Faults,
    private readonly suppressed: ReadonlySet<number>,
    private readonly stepNow: () => number,
  ) {}

  happens(kind: Fault): boolean {
    const probability = this.faults[kind];
    if (probability === 0 || this.prng.fraction() >= probability) return false;
    const ordinal = this.ordinal++;
    if (this.suppressed.has(ordinal)) return false;
    this.injected.push({ ordinal, step: this.stepNow(), kind });
    return true;
  }

  stop(): void {
    this.faults = NO_FAULTS;
  }
}
