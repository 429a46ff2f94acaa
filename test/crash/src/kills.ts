import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Prng } from '@weft/testing';
import { checked } from './check.js';
import { POINTS, type Point } from './points.js';
import { MEMORY, type Finding, type Part, type PartOptions } from './part.js';
import type { Life } from './worker.js';

const WORKER = new URL('./worker.js', import.meta.url.replace('/src/', '/dist/'));
/** Each kill finds what those before it left; then the region is brought to its end, and another begins. */
const LIVES_A_REGION = 8;
const CARE_EVENTS = 16;
const RANDOM = 'at a random time';
/** Of a call that is killed in its middle: commits take some hundreds of microseconds. */
const WITHIN_US = 600;
/** So much is random: every third kill comes whenever it comes. */
const RANDOM_EVERY = 3;

interface Death {
  readonly killed: boolean;
  readonly code: number | null;
  readonly said: string;
  readonly tookMs: number;
}

/** Runs a process to its end; `killAfterMs` kills it from outside. */
async function run(life: Life, killAfterMs?: number): Promise<Death> {
  const started = performance.now();
  const child = spawn(process.execPath, [WORKER.pathname, JSON.stringify(life)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  child.stderr.on('data', (data: Buffer) => said.push(String(data)));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { killed: signal === 'SIGKILL', code, said: said.join('').trim(), tookMs: performance.now() - started };
}

/** What is to be killed where: every point in turn, again and again, and kills at random times between them. */
class Plan {
  private next = 0;
  readonly reached = new Map<string, { kills: number; missed: number }>();
  private readonly prng: Prng;
  /** How long a process lives that is left alone: what random times are taken from. */
  usualMs = 500;

  constructor(
    readonly seed: number,
    readonly kills: number,
  ) {
    this.prng = new Prng(seed, 2);
    for (const name of [RANDOM, ...POINTS.map(({ name }) => name)]) this.reached.set(name, { kills: 0, missed: 0 });
  }

  get done(): number {
    return [...this.reached.values()].reduce((sum, { kills }) => sum + kills, 0);
  }

  /** A point that nobody came by goes to the next one; a run that never ends by that is cut off. */
  draw(): { readonly point: Point | undefined; readonly nth: number; readonly afterUs: number; readonly afterMs: number } {
    const turn = this.next++;
    const point =
      turn % RANDOM_EVERY === RANDOM_EVERY - 1 ? undefined : POINTS[(turn - Math.floor(turn / RANDOM_EVERY)) % POINTS.length];
    const { prng } = this;
    const missedBefore = point !== undefined && (this.reached.get(point.name)?.missed ?? 0) > 0;
    const nth = missedBefore ? 1 : prng.between(1, point?.most ?? 1);
    return { point, nth, afterUs: prng.below(WITHIN_US), afterMs: prng.fraction() * this.usualMs };
  }

  note(name: string, killed: boolean): void {
    const counts = this.reached.get(name) as { kills: number; missed: number };
    counts[killed ? 'kills' : 'missed'] += 1;
  }
}

/** The engines in processes of their own, killed with SIGKILL at named points and at random; after each, everything is checked. */
export async function kills(options: PartOptions & { readonly kills: number; readonly lanes: number }): Promise<Part> {
  const plan = new Plan(options.seed, options.kills);
  const findings: Finding[] = [];
  let lives = 0;
  const lane = async (number: number): Promise<void> => {
    for (let region = 0; plan.done < plan.kills && lives < plan.kills * 2 + 20; region += 1) {
      const place = join(options.directory, `region-${number}-${region}`);
      mkdirSync(place, { recursive: true });
      const regionSeed = options.seed * 1_000 + number * 100 + region;
      for (let age = 0; age < LIVES_A_REGION && plan.done < plan.kills; age += 1) {
        lives += 1;
        const found = await oneLife(plan, { place, regionSeed, age, seed: options.seed * 100_000 + lives });
        options.onProgress(Math.min(plan.done, plan.kills), plan.kills);
        if (found === undefined) continue;
        findings.push(found);
        break;
      }
      if (findings.some(({ kept }) => kept.startsWith(place))) continue;
      const problems = await checked(join(place, 'data'), join(place, 'ledger'), regionSeed);
      if (problems.length > 0) findings.push({ what: `region ${regionSeed}, at its end`, problems, kept: place });
      else rmSync(place, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, (_, number) => lane(number)));
  return { name: 'kills', cases: plan.done, counts: countsOf(plan), findings: [...findings, ...unreached(plan)] };
}

/** A kill, and what is wrong after it. Checked is a copy: the next process has to recover from what this one left. */
async function oneLife(
  plan: Plan,
  where: { readonly place: string; readonly regionSeed: number; readonly age: number; readonly seed: number },
): Promise<Finding | undefined> {
  const { point, nth, afterUs, afterMs } = plan.draw();
  const { place, regionSeed, seed } = where;
  // Files are made once: what is killed while making them begins on a new directory.
  const fresh = point?.phase === 'create' && where.age > 0;
  const data = fresh ? join(place, `data-${seed}`) : join(place, 'data');
  const ledger = fresh ? join(place, `ledger-${seed}`) : join(place, 'ledger');
  const life: Life = { directory: data, ledger, region: regionSeed, seed, careEvents: CARE_EVENTS };
  const death = await run(
    point === undefined ? life : { ...life, point: point.name, nth, afterUs },
    point === undefined ? afterMs : undefined,
  );
  if (!death.killed && point === undefined) plan.usualMs = death.tookMs;
  plan.note(point?.name ?? RANDOM, death.killed);
  const what = `${point?.name ?? RANDOM}${point === undefined ? ` (${Math.round(afterMs)} ms)` : `, time ${nth}`}, seed ${seed}`;
  const kept = join(place, `left-by-${seed}`);
  const copy = mkdtempSync(join(MEMORY, 'weft-crash-check-'));
  mkdirSync(data, { recursive: true });
  cpSync(data, kept, { recursive: true, preserveTimestamps: true });
  cpSync(data, copy, { recursive: true, preserveTimestamps: true });
  const problems = death.killed || death.code === 0 ? [] : [`it ended with ${death.code}: ${death.said}`];
  if (death.said !== '' && problems.length === 0) problems.push(`it said: ${death.said}`);
  problems.push(...(await checked(copy, ledger, regionSeed)));
  rmSync(copy, { recursive: true });
  if (problems.length > 0) return { what, problems, kept, again: `node test/crash/dist/worker.js '${JSON.stringify(life)}'` };
  rmSync(kept, { recursive: true });
  if (fresh) rmSync(data, { recursive: true });
  return undefined;
}

function countsOf(plan: Plan): Record<string, number> {
  return Object.fromEntries([...plan.reached].map(([name, { kills }]) => [name, kills]));
}

/** A point that was tried and never met is one that the engines no longer have: the programme would defend nothing there. */
function unreached(plan: Plan): Finding[] {
  return [...plan.reached]
    .filter(([, { kills, missed }]) => kills === 0 && missed > 1)
    .map(([name, { missed }]) => ({ what: name, problems: [`no process came by here in ${missed} lives`], kept: '' }));
}
