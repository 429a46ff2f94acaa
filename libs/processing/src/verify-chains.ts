import { BEGINNING, linkOf, unchained } from './chain.js';
import { decodeAfter, type StreamEnd } from './encoding.js';
import { eventsOf } from './load.js';
import type { EventStore, StoredEvent } from './ports.js';
import { AUDIT_OF_PREFIX, AUDIT_PREFIX, CONSENT_PREFIX } from './streams.js';
import type { Wiring } from './wiring.js';

/** What is wrong with events of a stream, from one revision to another (inclusive). */
export interface ChainDamage {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  /**
   * `missing`: they were taken out. `changed`: they are not what was written, or were not written by Weft under this region's
   * integrity secret. `unchained`: they stand behind chained ones without a hash. `severed`: an earlier day ended with them
   * when this day began, and does not hold them.
   */
  readonly damage: 'missing' | 'changed' | 'unchained' | 'severed';
}

export interface ChainReport {
  readonly streams: number;
  readonly events: number;
  /** Of these no hash was written: they are older than the chain. */
  readonly unchained: number;
  readonly damaged: readonly ChainDamage[];
}

const CHAINED_PREFIXES = [AUDIT_PREFIX, AUDIT_OF_PREFIX, CONSENT_PREFIX];

/**
 * Follows the chain of every stream of audit and decisions from its first event on. Throws what the store throws, or `onPage`, which
 * is told after each page how many events were followed and how many places are damaged, and may take its time.
 */
export async function verifyChains(
  { store, keys }: Pick<Wiring, 'store' | 'keys'>,
  onPage?: (events: number, damages: number) => void | Promise<void>,
): Promise<ChainReport> {
  const damaged: ChainDamage[] = [];
  let [streams, events, unchainedEvents] = [0, 0, 0];
  for (const prefix of CHAINED_PREFIXES) {
    for await (const { stream } of store.streams(prefix)) {
      const following = new Following(keys, stream, damaged);
      const head = await store.head(stream);
      for await (const page of eventsOf(store, stream)) {
        for (const stored of page) await following.follow(stored, store);
        events += page.length;
        await onPage?.(events, damaged.length);
      }
      following.end(head);
      streams += 1;
      unchainedEvents += following.unchained;
    }
  }
  return { streams, events, unchained: unchainedEvents, damaged };
}

/** One stream, event by event. What is damaged is named once: behind it the chain goes on from what is stored. */
class Following {
  unchained = 0;
  private last: StreamEnd = BEGINNING;
  private isChained = false;

  constructor(
    private readonly keys: Wiring['keys'],
    private readonly stream: string,
    /** Of all streams. */
    private readonly damaged: ChainDamage[],
  ) {}

  async follow(stored: StoredEvent, store: EventStore): Promise<void> {
    const { revision } = stored;
    const isBehindGap = revision !== this.last.revision + 1;
    if (isBehindGap) this.add('missing', this.last.revision + 1, revision - 1);
    const { event, chain } = unchained(stored);
    if (chain === null) {
      if (this.isChained) this.add('unchained', revision, revision);
      else this.unchained += 1;
    } else {
      // The hash before a gap is gone: the first event behind it cannot be judged, and those after it can.
      const isSound = chain === linkOf(this.keys, this.stream, revision, event, this.last.chain);
      if (!isSound && !isBehindGap) this.add('changed', revision, revision);
      if (revision === 0) await this.compareDayBefore(event, store);
      this.isChained = true;
    }
    this.last = { revision, chain: chain ?? '' };
  }

  /** A stream whose last events are gone, where the store remembers that there were more. */
  end(head: number): void {
    if (head > this.last.revision) this.add('missing', this.last.revision + 1, head);
  }

  private async compareDayBefore(event: StoredEvent, store: EventStore): Promise<void> {
    const after = decodeAfter(event);
    if (after === null) return;
    const [there] = await store.read(after.stream, { from: after.revision, maxCount: 1 });
    const isThere = there?.revision === after.revision && (unchained(there).chain ?? '') === after.chain;
    if (!isThere) this.damaged.push({ stream: after.stream, from: after.revision, to: after.revision, damage: 'severed' });
  }

  private add(damage: ChainDamage['damage'], from: number, to: number): void {
    const before = this.damaged.at(-1);
    const goesOn = before?.damage === damage && before.stream === this.stream && before.to + 1 === from;
    if (goesOn) this.damaged.pop();
    this.damaged.push({ stream: this.stream, from: goesOn ? before.from : from, to, damage });
  }
}
