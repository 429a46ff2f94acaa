import { Prng, swarm, World, type Faults, type InjectedFault } from '@weft/testing';
import { damageOne } from './damage.js';
import { checkTheEnd } from './end-checks.js';
import { History } from './history.js';
import { boundariesIn } from './naive-decisions.js';
import { Oracle, type Violation } from './oracle.js';
import { RegionRun, SMALL, type RunSize } from './region-run.js';

export interface SimulationOptions {
  /** Default: a mixture drawn from the seed. */
  readonly faults?: Faults;
  readonly suppress?: ReadonlySet<number>;
  readonly size?: RunSize;
  /** Keep every step, and a history of what became durable. */
  readonly trace?: boolean;
  /** End as soon as any guarantee breaks, or this one. */
  readonly untilBroken?: true | string;
}

export interface Simulation {
  readonly seed: number;
  readonly steps: number;
  readonly fingerprint: number;
  readonly violations: readonly Violation[];
  readonly injected: readonly InjectedFault[];
  /** Names of all messages, readings and operations that there were. */
  readonly done: readonly string[];
  readonly history: History;
  readonly world: World;
}

/** In winter; and shortly before a day, and a year, of summer time begins. */
const STARTS = [
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 5, 30, 22, 50),
  Date.UTC(2026, 2, 28, 23, 50),
] as const;
/** How often some of what is recorded are documents that replace each other. */
const DOCUMENTS = 0.35;
/** How often somebody's stream loses events, until that is mended. */
const DAMAGED = 0.15;
/** How often all clocks are one machine's. */
const ONE_MACHINE = 0.2;
/** How often an engine is restored from a backup. */
const RESTORES = 0.2;
/** Faults may happen for so many steps; then the region must come to rest by itself. */
const STORM_STEPS = 3_000;
/** … and for so many at least, though nothing be left to do. */
const STORM_STEPS_MIN = 1_500;
/** What comes to rest has done so after so many steps. */
const CALM_STEPS = 60_000;
/** … or after so long: many steps are taken while somebody who crashed is still down, and readers wait for a minute. */
const CALM_MS = 120_000;
const CALM_STEPS_MAX = 1_000_000;
const LONG_AFTER_MS = 10 * 86_400_000;
/** So many of the dates that decisions name are met while everybody is awake and on time; the others pass in one leap. */
const DATES_MET = 4;
/** Whoever waits for a date has looked at the clock by then. */
const BEFORE_A_DATE_MS = 1_500;
const STEPS_TO_A_DATE = 2_000;
const STEPS_AFTER_A_DATE = 150;
/** How often everything is read around dates while all clocks are wrong, and by how much: so far off a date seems to have come, or not. */
const BY_WRONG_CLOCKS = 0.2;
const WRONG_MS = 3_600_000;

/** One seed, from an empty region through the storm to the calm after it, with the oracle watching. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Simulation> {
  const { faults = swarm(seed), suppress = new Set(), size = SMALL, trace = false } = options;
  const leans = new Prng(seed, 8).chance(0.5);
  const startsAt = new Prng(seed, 9).pick(STARTS);
  const oneMachine = new Prng(seed, 15).chance(ONE_MACHINE);
  const world = new World({ seed, faults, suppress, trace, leans, startsAt, oneMachine });
  const documents = new Prng(seed, 12);
  const restored = new Prng(seed, 14);
  const run = new RegionRun(
    world,
    size,
    documents.chance(DOCUMENTS) ? documents : undefined,
    restored.chance(RESTORES) ? restored : undefined,
  );
  const history = new History(trace, () => world.scheduler);
  const oracle = new Oracle(world, run, history);
  await run.start(oracle);
  const { untilBroken } = options;
  const isOver = (): boolean =>
    untilBroken !== undefined && oracle.violations.some(({ invariant }) => untilBroken === true || invariant === untilBroken);
  const { restores } = run;
  const isStormOver = (): boolean => world.scheduler.steps > STORM_STEPS_MIN && world.scheduler.steps % 50 === 0 && run.isQuiet();
  await world.run(STORM_STEPS, () => {
    restores?.make(history, oracle);
    return isOver() || isStormOver();
  });
  world.heal();
  const atRest = isOver() || (await rest(world, run, isOver));
  if (atRest && !isOver()) {
    await takenBack(world, oracle);
    await meetDates(world, oracle, run, new Prng(seed, 16));
    const damage = new Prng(seed, 17);
    if (damage.chance(DAMAGED)) await damageOne(world, oracle, run, damage);
    // Every decision that begins or ends has done so by then: what is left no longer depends on when one looks.
    world.scheduler.now += LONG_AFTER_MS;
    await rest(world, run, isOver);
    await checkTheEnd(world, oracle, run, run.wiringOf(world.directly()));
  }
  const violations: Violation[] = [...oracle.violations];
  const { steps, fingerprint } = world.scheduler;
  if (!atRest) violations.push({ invariant: 'comes to rest', step: steps, detail: String(run.failures.at(-1)) });
  return { seed, steps, fingerprint, violations, injected: world.injected, done: run.done, history, world };
}

/** Every clock is right by now: whoever looks at dates has looked since, and what a clock that was ahead had opened is taken back. */
async function takenBack(world: World, oracle: Oracle): Promise<void> {
  const begun = world.scheduler.now;
  await world.run(STEPS_TO_A_DATE, () => world.scheduler.now > begun + 2 * BEFORE_A_DATE_MS);
  await settle(world);
  for (const key of oracle.keys) oracle.views.holdsNothingAhead(key, world.scheduler.now);
}

/** In the storm hardly any date is met at its very instant: clocks are wrong, time leaps, and who waited for it is down. */
async function meetDates(world: World, oracle: Oracle, run: RegionRun, prng: Prng): Promise<void> {
  const { keys, ledger } = oracle;
  const dates = boundariesIn(ledger.decisionsOf(keys)).toSorted((a, b) => a - b);
  const isByWrongClocks = prng.chance(BY_WRONG_CLOCKS);
  for (let met = 0; met < DATES_MET; met += 1) {
    const toCome = dates.filter((at) => at - BEFORE_A_DATE_MS > world.scheduler.now);
    const date = toCome[Math.min(world.random.below(3), toCome.length - 1)];
    if (date === undefined) return;
    world.scheduler.now = date - BEFORE_A_DATE_MS;
    if (isByWrongClocks && world.bus.hasBrokers && prng.chance(0.5)) await readByClocks(WRONG_MS, world, oracle, run);
    await world.run(STEPS_TO_A_DATE, () => world.scheduler.now > date);
    await world.run(STEPS_AFTER_A_DATE);
    if (isByWrongClocks) await goBack(world, oracle, run);
  }
}

/** Something is received, all clocks go back, and everybody is started again. */
async function goBack(world: World, oracle: Oracle, run: RegionRun): Promise<void> {
  const again = run.topics.flatMap((topic) => world.bus.messages(topic)).at(0);
  if (again === undefined) return;
  const received = world.scheduler.now;
  world.bus.publish([again]);
  await world.run(STEPS_TO_A_DATE, () => world.scheduler.now > received + 2 * BEFORE_A_DATE_MS);
  world.stopAll(() => BEFORE_A_DATE_MS);
  await readByClocks(-WRONG_MS, world, oracle, run);
}

async function readByClocks(skewMs: number, world: World, oracle: Oracle, run: RegionRun): Promise<void> {
  const isRead = run.readsAll(oracle);
  world.setClocks(skewMs);
  await world.run(STEPS_TO_A_DATE, isRead);
  world.setClocks(0);
  await world.run(STEPS_AFTER_A_DATE);
}

async function rest(world: World, run: RegionRun, isOver: () => boolean): Promise<boolean> {
  const begun = world.scheduler.now;
  const isEarly = (steps: number): boolean => steps < CALM_STEPS || world.scheduler.now - begun < CALM_MS;
  for (let steps = 0; isEarly(steps) && steps < CALM_STEPS_MAX; steps += 200) {
    if (isOver()) return true;
    if (run.isQuiet()) {
      await settle(world);
      return true;
    }
    await world.run(200);
  }
  return false;
}

/** On until nothing is written or told any more, by those whose work no group's offsets show either. */
async function settle(world: World): Promise<void> {
  for (let before = -1; before !== written(world);) {
    before = written(world);
    await world.run(400);
  }
}

function written({ store, bus }: World): number {
  const highs = bus.topics().flatMap(({ topic }) => bus.offsets(topic).map(({ high }) => high));
  return highs.reduce((sum, high) => sum + high, store.size);
}
