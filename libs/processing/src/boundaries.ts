import { allProvisions, type Decision, type Moment } from '@weft/domain';
import { appendAtEnd } from './append.js';
import { forEachConcurrently } from './concurrency.js';
import { CLOCKS_APART_MS } from './decide-views.js';
import { bringInLine } from './derive-views.js';
import { decodeBoundary, encode, type BoundaryEvent } from './encoding.js';
import { isOfEngine, unreadableBy } from './failures.js';
import { NO_STREAM } from './ports.js';
import { momentNow } from './region-time.js';
import { BOUNDARIES_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

/** Somebody whose record cannot be read is closed to every reader meanwhile. */
const UNREADABLE_PAUSE_MS = 60_000;

/**
 * Notes when decisions begin or end to be in force, before they count as dealt with. As clocks are apart, each boundary is set also when it seems to
 * have passed already, and gone to twice: when it comes, and once more when it has come by any clock, so that nobody brings back what was before it.
 */
export async function setBoundaries(
  wiring: Wiring,
  key: string,
  decisions: readonly Pick<Decision, 'provision'>[],
): Promise<void> {
  const first = (await momentNow(wiring)).earliest - CLOCKS_APART_MS;
  const boundaries = new Set(
    decisions
      .flatMap(({ provision }) => allProvisions(provision))
      .flatMap(({ from, until }) => [from, until])
      .filter((at) => at !== undefined && at > first),
  );
  await note(
    wiring,
    [...boundaries]
      .sort((a, b) => (a as number) - (b as number))
      .map((at) => ({ type: 'boundary-set-1', key, at: at as number })),
  );
}

async function note({ store, random }: Wiring, events: readonly BoundaryEvent[]): Promise<void> {
  const encoded = events.map((event) => encode(event, random));
  await appendAtEnd(store, BOUNDARIES_STREAM, encoded);
}

interface Pending {
  readonly key: string;
  readonly at: number;
  /** Some process has gone to it: views may be by what comes after it. */
  isMet: boolean;
  /** On which side of it the views were derived by this process; null where it has not looked. */
  side: Side | null;
  /** Not to be gone to before this instant, by the steady clock. */
  notBefore: number;
}

/** Whether an instant is still to come, may have come, or has. */
type Side = 'before' | 'unsure' | 'after';

const sideOf = (at: number, { earliest, latest }: Moment): Side => (latest < at ? 'before' : earliest < at ? 'unsure' : 'after');

/** When a boundary is gone to for the last time: by every clock it has come by then. */
const isOver = (at: number, { earliest }: Moment): boolean => at + CLOCKS_APART_MS <= earliest;

/**
 * Decisions that begin or end by themselves: at each boundary the person's views are rebuilt, and again where it turns out not to have come. A reader
 * does not depend on it (a view outside its span is not served), but subscribers do. Boundaries that passed while nobody ran are caught up.
 */
export class Boundaries {
  private readonly pending = new Map<string, Pending>();
  private read = NO_STREAM;
  private last: Moment | null = null;

  constructor(private readonly wiring: Wiring) {}

  /** Rebuilds what is due, and gives for how long (milliseconds) nothing else will be, as far as is known; null for ever. */
  async runDue(): Promise<number | null> {
    const now = await momentNow(this.wiring);
    if (this.last !== null && (now.earliest < this.last.earliest || now.latest < this.last.latest)) this.forget();
    this.last = now;
    await this.catchUp(now);
    const steady = this.wiring.clock.steady();
    const due = [...this.pending].filter(([, one]) => isDue(one, now) && one.notBefore <= steady);
    await this.meet(due, now);
    const failed: unknown[] = [];
    await forEachConcurrently(inPersonOrder(due), PEOPLE_AT_ONCE, async (boundaries) => {
      try {
        for (const [id, boundary] of boundaries) await this.goTo(id, boundary, now);
      } catch (error) {
        // A person whose views cannot be built is tried again and again; others need not wait for that.
        if (isOfEngine(error)) throw error;
        if (unreadableBy(error) === null) failed.push(error);
        else for (const [, boundary] of boundaries) boundary.notBefore = steady + UNREADABLE_PAUSE_MS;
      }
    });
    if (failed.length > 0) throw failed[0];
    let next: number | null = null;
    for (const one of this.pending.values()) {
      const wait = Math.max(leftUntil(one, now), one.notBefore - steady);
      if (next === null || wait < next) next = wait;
    }
    return next;
  }

  /** Time went back: what was passed may be to come. */
  private forget(): void {
    this.pending.clear();
    this.read = NO_STREAM;
  }

  /** Noted before any view is derived by it, so that whoever comes after a crash knows that it may have to be taken back. */
  private async meet(due: readonly (readonly [string, Pending])[], now: Moment): Promise<void> {
    const met = due.map(([, one]) => one).filter(({ at, isMet }) => !isMet && sideOf(at, now) !== 'before');
    if (met.length === 0) return;
    await note(
      this.wiring,
      met.map(({ key, at }) => ({ type: 'boundary-met-1', key, at })),
    );
    for (const one of met) one.isMet = true;
  }

  private async goTo(id: string, boundary: Pending, now: Moment): Promise<void> {
    const { key, at } = boundary;
    await bringInLine(this.wiring, [key]);
    boundary.side = sideOf(at, now);
    if (!isOver(at, now)) return;
    await note(this.wiring, [{ type: 'boundary-passed-1', key, at }]);
    this.pending.delete(id);
  }

  private async catchUp(now: Moment): Promise<void> {
    for (;;) {
      const events = await this.wiring.store.read(BOUNDARIES_STREAM, { from: this.read + 1 });
      for (const stored of events) {
        this.evolve(decodeBoundary(stored), now);
        this.read = stored.revision;
      }
      if (events.length === 0) return;
    }
  }

  private evolve({ type, key, at }: BoundaryEvent, now: Moment): void {
    const id = `${at} ${key}`;
    // Somebody whose clock was far ahead passed it, and it is still to come.
    if (type === 'boundary-passed-1' && isOver(at, now)) this.pending.delete(id);
    else if (type === 'boundary-set-1' && this.pending.has(id)) return;
    else {
      const { side = 'before', notBefore = -Infinity } = this.pending.get(id) ?? {};
      const isMet = type !== 'boundary-set-1';
      this.pending.set(id, { key, at, isMet, notBefore, side: isMet && sideOf(at, now) === 'before' ? null : side });
    }
  }
}

/** Where the views are on another side of it than the time is; and once more at last. */
const isDue = ({ at, side }: Pending, now: Moment): boolean => side !== sideOf(at, now) || isOver(at, now);

/** How long (milliseconds) until it is due, if every clock goes on. */
function leftUntil({ at, side }: Pending, { earliest, latest }: Moment): number {
  if (side === 'after') return at + CLOCKS_APART_MS - earliest;
  return Math.max(0, side === 'unsure' ? at - earliest : at - latest);
}

/** Decisions of many people may share one instant: people side by side, a person's own one after the other. */
const PEOPLE_AT_ONCE = 16;

async function* inPersonOrder(
  due: readonly (readonly [string, Pending])[],
): AsyncGenerator<readonly (readonly [string, Pending])[]> {
  const people = new Map<string, (readonly [string, Pending])[]>();
  for (const one of due) {
    const person = people.get(one[1].key);
    if (person === undefined) people.set(one[1].key, [one]);
    else person.push(one);
  }
  yield* people.values();
}
