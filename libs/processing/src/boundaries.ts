import { allProvisions, type Decision } from '@weft/domain';
import { appendAtEnd } from './append.js';
import { forEachConcurrently } from './concurrency.js';
import { bringInLine } from './derive-views.js';
import { decodeBoundary, encode, type BoundaryEvent } from './encoding.js';
import { isOfEngine, unreadableBy } from './failures.js';
import { NO_STREAM } from './ports.js';
import { BOUNDARIES_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

/**
 * Two machines' clocks may be so far apart: each a day off, the one ahead and the other behind, and two hours more. Each
 * boundary is therefore set also when it seems to have passed already, and gone to twice: when it comes, and once more when it
 * has come by any clock, so that nobody brings back what was before it.
 */
const CLOCKS_APART_MS = 50 * 3_600_000;

/** Somebody whose record cannot be read is closed to every reader meanwhile. */
const UNREADABLE_PAUSE_MS = 60_000;

/** Notes when decisions begin or end to be in force, before they count as dealt with. */
export async function setBoundaries(
  wiring: Wiring,
  key: string,
  decisions: readonly Pick<Decision, 'provision'>[],
): Promise<void> {
  const first = wiring.clock.now() - CLOCKS_APART_MS;
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
  /** When to go to it next. */
  due: number;
}

/**
 * Decisions that begin or end by themselves: at each boundary the person's views are rebuilt. A reader does not depend on
 * it (a view outside its span is not served), but subscribers do. Boundaries that passed while nobody ran are caught up.
 */
export class Boundaries {
  private readonly pending = new Map<string, Pending>();
  private read = NO_STREAM;

  constructor(private readonly wiring: Wiring) {}

  /** Rebuilds what is due, and gives the instant at which something will be due next, as far as is known; null for never. */
  async runDue(): Promise<number | null> {
    await this.catchUp();
    const now = this.wiring.clock.now();
    const due = [...this.pending].filter(([, boundary]) => boundary.due <= now);
    const failed: unknown[] = [];
    await forEachConcurrently(inPersonOrder(due), PEOPLE_AT_ONCE, async (boundaries) => {
      try {
        for (const [id, boundary] of boundaries) await this.goTo(id, boundary);
      } catch (error) {
        // A person whose views cannot be built is tried again and again; others need not wait for that.
        if (isOfEngine(error)) throw error;
        if (unreadableBy(error) === null) failed.push(error);
        else for (const [, boundary] of boundaries) boundary.due = Math.max(boundary.due, now + UNREADABLE_PAUSE_MS);
      }
    });
    if (failed.length > 0) throw failed[0];
    let next: number | null = null;
    for (const { due } of this.pending.values()) if (next === null || due < next) next = due;
    return next;
  }

  private async goTo(id: string, boundary: Pending): Promise<void> {
    const { key, at, due } = boundary;
    await bringInLine(this.wiring, [key]);
    if (due < at + CLOCKS_APART_MS) {
      boundary.due = at + CLOCKS_APART_MS;
      return;
    }
    await note(this.wiring, [{ type: 'boundary-passed-1', key, at }]);
    this.pending.delete(id);
  }

  private async catchUp(): Promise<void> {
    for (;;) {
      const events = await this.wiring.store.read(BOUNDARIES_STREAM, { from: this.read + 1 });
      for (const stored of events) {
        const { type, key, at } = decodeBoundary(stored);
        const id = `${at} ${key}`;
        if (type === 'boundary-passed-1') this.pending.delete(id);
        else if (!this.pending.has(id)) this.pending.set(id, { key, at, due: at });
        this.read = stored.revision;
      }
      if (events.length === 0) return;
    }
  }
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
