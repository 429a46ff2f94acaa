import { nextBoundary, type Decision } from '@weft/domain';
import { decodeBoundary, encode, type BoundaryEvent } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { NO_STREAM } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { rebuildAndTellEverything } from './rebuild-views.js';
import { BOUNDARIES_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

/**
 * Two machines' clocks may be so far apart: each a day off, the one ahead and the other behind, and two hours more. Each
 * boundary is therefore set also when it seems to have passed already, and gone to twice: when it comes, and once more when it
 * has come by any clock, so that nobody brings back what was before it.
 */
const CLOCKS_APART_MS = 50 * 3_600_000;

/** Notes when a decision begins or ends to be in force, before the decision itself counts as dealt with. */
export async function setBoundaries(wiring: Wiring, key: string, decision: Decision): Promise<void> {
  const events: BoundaryEvent[] = [];
  const first = wiring.clock.now() - CLOCKS_APART_MS;
  for (let at = nextBoundary([decision], first); at !== null; at = nextBoundary([decision], at)) {
    events.push({ type: 'boundary-set-1', key, at });
  }
  await note(wiring, events);
}

async function note(wiring: Wiring, events: readonly BoundaryEvent[]): Promise<void> {
  if (events.length === 0) return;
  for (;;) {
    try {
      const head = await wiring.store.head(BOUNDARIES_STREAM);
      await wiring.store.append(
        BOUNDARIES_STREAM,
        head,
        events.map((event) => encode(event, wiring.random)),
      );
      return;
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    }
  }
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
    for (const [id, boundary] of [...this.pending]) if (boundary.due <= now) await this.goTo(id, boundary);
    let next: number | null = null;
    for (const { due } of this.pending.values()) if (next === null || due < next) next = due;
    return next;
  }

  private async goTo(id: string, boundary: Pending): Promise<void> {
    const { key, at, due } = boundary;
    // Whoever came upon the views first, by a clock of their own, may have died before they told.
    await publishChanges(this.wiring, await rebuildAndTellEverything(this.wiring, key));
    if (due === at) {
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
