import { nextBoundary, type Decision } from '@weft/domain';
import { decodeBoundary, encode, type BoundaryEvent } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { NO_STREAM } from './ports.js';
import { publishChanges } from './publish-changes.js';
import { rebuildAndTellEverything } from './rebuild-views.js';
import { BOUNDARIES_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';

/** Notes when a decision begins or ends to be in force, before the decision itself counts as dealt with. */
export async function setBoundaries(wiring: Wiring, key: string, decision: Decision): Promise<void> {
  const events: BoundaryEvent[] = [];
  for (let at = nextBoundary([decision], wiring.clock.now()); at !== null; at = nextBoundary([decision], at)) {
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

/**
 * Decisions that begin or end by themselves: at each boundary the person's views are rebuilt. A reader does not depend on
 * it (a view past its `until` is not served), but subscribers do. Boundaries that passed while nobody ran are caught up.
 */
export class Boundaries {
  private readonly pending = new Map<string, BoundaryEvent>();
  private read = NO_STREAM;

  constructor(private readonly wiring: Wiring) {}

  /** Rebuilds what is due, and gives the instant of the next boundary known, null for none. */
  async runDue(): Promise<number | null> {
    await this.catchUp();
    const now = this.wiring.clock.now();
    for (const [id, boundary] of [...this.pending]) {
      if (boundary.at > now) continue;
      await publishChanges(this.wiring, await rebuildAndTellEverything(this.wiring, boundary.key));
      await note(this.wiring, [{ type: 'boundary-passed-1', key: boundary.key, at: boundary.at }]);
      this.pending.delete(id);
    }
    let next: number | null = null;
    for (const { at } of this.pending.values()) if (next === null || at < next) next = at;
    return next;
  }

  private async catchUp(): Promise<void> {
    for (;;) {
      const events = await this.wiring.store.read(BOUNDARIES_STREAM, { from: this.read + 1 });
      for (const stored of events) {
        const boundary = decodeBoundary(stored);
        const id = `${boundary.at} ${boundary.key}`;
        if (boundary.type === 'boundary-set-1') this.pending.set(id, boundary);
        else this.pending.delete(id);
        this.read = stored.revision;
      }
      if (events.length === 0) return;
    }
  }
}
