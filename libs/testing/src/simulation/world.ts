import type { Clock, EventBus, EventStore, Keys, Random, Timers } from '@weft/processing';
import { BusEngine } from './bus-engine.js';
import { Chances, NO_FAULTS, type Faults, type InjectedFault } from './faults.js';
import { Incarnation, Unhindered, type EngineName, type Outages } from './incarnation.js';
import { SimKeys } from './keys.js';
import { Prng } from './prng.js';
import { drive, driveInRealTime, Scheduler, type TracedStep } from './scheduler.js';
import { SimBus } from './sim-bus.js';
import { SimStore } from './sim-store.js';
import { StoreEngine } from './store-engine.js';

const DAY_MS = 86_400_000;
const DOWNTIME_MS = 20_000;
const PAUSE_MS = 30_000;
const OUTAGE_MS = 10_000;

/** Everything that a process reaches the world through; all of it dies with the process. */
export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly keys: Keys;
  readonly store: EventStore;
  readonly bus: EventBus;
}

/** What a process does from its start. One that rejects has crashed, and is started again. */
export type Boot = (ports: Ports) => Promise<void>;

export interface WorldOptions {
  /** Decides everything: schedule, faults, randomness. A safe integer, 0 or above. */
  readonly seed: number;
  readonly faults?: Partial<Faults>;
  /** Ordinals of faults (see `injected`) that shall not happen: for finding those that matter to a failure. */
  readonly suppress?: ReadonlySet<number>;
  /** Record every step. */
  readonly trace?: boolean;
  /** Milliseconds since 1970. */
  readonly startsAt?: number;
  /** Somebody is hurried for a while, or kept waiting: see Scheduler. */
  readonly leans?: boolean;
  /** All processes run on one machine, the bus too where it has none of its own: a clock that is set is everybody's. */
  readonly oneMachine?: boolean;
}

/** A name that lives on when its process crashes: the same machine, with the same clock. */
export class SimProcess {
  /** How far this machine's clock is off, in milliseconds. */
  skewMs = 0;
  private life: Incarnation | undefined;

  constructor(
    readonly name: string,
    private readonly world: World,
    private readonly boot: Boot,
  ) {
    this.start();
  }

  get running(): boolean {
    return this.life !== undefined;
  }

  /** Nothing that it waits for ever resolves again. It comes up once `downMs` have gone by. */
  crash(downMs: number): void {
    const { life } = this;
    if (life === undefined) return;
    life.die();
    this.life = undefined;
    this.world.bus.silent(life);
    this.world.scheduler.after(downMs, undefined, 'start process', this.name, () => this.start());
  }

  /** Stands still, timers and all, without knowing it. */
  pause(forMs: number): void {
    const { life } = this;
    if (life === undefined || life.paused) return;
    life.paused = true;
    this.world.bus.silent(life);
    this.world.scheduler.after(forMs, undefined, 'wake process', this.name, () => wake(life));
  }

  /** Up, awake and on time from now on. */
  heal(): void {
    this.skewMs = 0;
    if (this.life === undefined) this.start();
    else wake(this.life);
  }

  private start(): void {
    if (this.life !== undefined) return;
    const life = this.world.incarnate(this.name);
    this.life = life;
    const ports = this.world.ports(life, this);
    life.after(0, 'boot', this.name, () => {
      this.boot(ports).catch((error: unknown) => {
        this.world.bootFailures.push({ process: this.name, error });
        if (life.alive) this.crash(this.world.chances.prng.below(DOWNTIME_MS));
      });
    });
  }
}

function wake(life: Incarnation): void {
  if (!life.paused || !life.alive) return;
  life.paused = false;
  life.scheduler.wake(life);
}

/** The engines, the processes and the nemesis of one seed. The same options give the same history, step by step. */
export class World {
  readonly scheduler: Scheduler;
  readonly chances: Chances;
  readonly store: StoreEngine;
  readonly bus: BusEngine;
  readonly keys: Keys = new SimKeys();
  readonly bootFailures: { readonly process: string; readonly error: unknown }[] = [];
  /** For the driver's own choices; none of the world's depend on how often it is asked. */
  readonly random: Prng;
  private readonly processes: SimProcess[] = [];
  /** All since everybody was stopped last. */
  private lives: Incarnation[] = [];
  /** Where a step takes no time at all, things happen at the very instants that decisions name. */
  private readonly stepMs: number;
  private readonly oneMachine: boolean;
  private readonly outages: Outages = { store: false, bus: false };
  private readonly processRandom: Prng;
  private readonly quiet = new Chances(new Prng(0), NO_FAULTS, new Set(), () => 0);

  constructor(options: WorldOptions) {
    const { seed, startsAt = Date.UTC(2026, 0, 1), suppress = new Set<number>(), trace = false, leans = false } = options;
    this.oneMachine = options.oneMachine === true;
    this.scheduler = new Scheduler(new Prng(seed, 1), startsAt, leans);
    if (trace) this.scheduler.trace = [];
    const faults = { ...NO_FAULTS, ...options.faults };
    this.chances = new Chances(new Prng(seed, 2), faults, suppress, () => this.scheduler.steps);
    this.stepMs = new Prng(seed, 7).pick([0, 1, 1]);
    this.processRandom = new Prng(seed, 3);
    this.random = new Prng(seed, 4);
    this.store = new StoreEngine(this.chances.prng.chance(0.5));
    this.bus = new BusEngine(this.scheduler, this.chances);
    this.bus.hasBrokers = new Prng(seed, 13).chance(0.5);
  }

  /** Starts a process; its boot runs at one of the next steps, again after each crash. */
  process(name: string, boot: Boot): SimProcess {
    const process = new SimProcess(name, this, boot);
    this.processes.push(process);
    return process;
  }

  /** Takes at most so many steps, fewer when nothing is left to do or `until` says so, and gives how many it took. */
  async run(steps: number, until?: () => boolean): Promise<number> {
    const before = this.scheduler.steps;
    await drive(() => {
      if (this.scheduler.steps - before >= steps || until?.() === true) return false;
      this.nemesis();
      return this.scheduler.step(this.stepMs);
    });
    return this.scheduler.steps - before;
  }

  /** For suites that wait in real time. Returns what stops it. */
  runInRealTime(): () => void {
    return driveInRealTime(this.scheduler);
  }

  /** No fault happens any more; all that is down, asleep, away or wrong about the time recovers. */
  heal(): void {
    this.chances.stop();
    this.outages.store = this.outages.bus = false;
    for (const process of this.processes) process.heal();
    this.bus.skewMs = 0;
  }

  /** Everybody's clock is off by so much from now on; that of brokers never is. */
  setClocks(skewMs: number): void {
    for (const process of this.processes) process.skewMs = skewMs;
    if (!this.bus.hasBrokers) this.bus.skewMs = skewMs;
  }

  private setClock(of: SimProcess, skewMs: number): void {
    if (this.oneMachine) this.setClocks(skewMs);
    else of.skewMs = skewMs;
  }

  /** Everybody stops, and so do the engines, as for a restore: what is on its way to these never comes. Each process comes up by itself. */
  stopAll(downMs: () => number): void {
    for (const process of this.processes) process.crash(downMs());
    for (const life of this.lives) life.cutOff();
    this.lives = [];
  }

  /** An engine answers nobody for so long. */
  outage(engine: EngineName, forMs: number): void {
    if (this.outages[engine]) return;
    this.outages[engine] = true;
    this.scheduler.after(forMs, undefined, 'engine is back', engine, () => {
      this.outages[engine] = false;
    });
  }

  get injected(): readonly InjectedFault[] {
    return this.chances.injected;
  }

  get trace(): readonly TracedStep[] {
    return this.scheduler.trace ?? [];
  }

  /** For the driver: answers at once, never fails, and dies with nobody. A sleep is over at once. */
  directly(): Ports {
    const life = new Unhindered('driver', this.scheduler, this.quiet, { store: false, bus: false });
    const timers = { sleep: () => Promise.resolve() };
    return { ...this.portsOf(life, () => 0, this.random), timers };
  }

  incarnate(name: string): Incarnation {
    const life = new Incarnation(name, this.scheduler, this.chances, this.outages);
    this.lives.push(life);
    return life;
  }

  ports(life: Incarnation, process: SimProcess): Ports {
    return this.portsOf(life, () => process.skewMs, new Prng(this.processRandom.uint32(), 5));
  }

  private portsOf(life: Incarnation, skewMs: () => number, prng: Prng): Ports {
    return {
      clock: { now: () => this.scheduler.now + skewMs(), steady: () => this.scheduler.now },
      timers: { sleep: (ms, signal) => sleep(life, ms, signal) },
      random: { uuid: () => prng.uuid(), fraction: () => prng.fraction() },
      keys: this.keys,
      store: new SimStore(this.store, life),
      bus: new SimBus(this.bus, life),
    };
  }

  private nemesis(): void {
    const { chances, processes } = this;
    const { prng } = chances;
    if (processes.length > 0) {
      if (chances.happens('crash')) prng.pick(processes).crash(prng.below(DOWNTIME_MS));
      if (chances.happens('pause')) prng.pick(processes).pause(prng.below(PAUSE_MS));
      if (chances.happens('clockSkew')) this.setClock(prng.pick(processes), prng.between(-DAY_MS, DAY_MS));
    }
    if (chances.happens('rebalance')) this.bus.disturb();
    if (chances.happens('outage')) this.outage(prng.pick(['store', 'bus']), prng.below(OUTAGE_MS));
    if (chances.happens('timeJump')) this.scheduler.now += prng.below(3 * DAY_MS);
  }
}

function sleep(life: Incarnation, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const wakeUp = (): void => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const timer = life.after(Math.max(Math.ceil(ms), 1), 'sleep', '', wakeUp);
    const abort = (): void => {
      timer.cancelled = true;
      resolve();
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}
