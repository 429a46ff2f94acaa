import { DECISION_TYPE, isSamePlace } from '@weft/domain';
import {
  type Became as InRecord,
  type EventStore,
  forEachConcurrently,
  RECORD_PROJECTOR_GROUP,
  unlessUnreadable,
  whatBecame,
} from '@weft/processing';
import type { Committed } from './committed.js';
import type { Obedience, OnItsWay } from './obedience.js';

/** What became of an event that was taken; `pending` where no projector has come to it yet. */
export const BECAME = ['new', 'unchanged', 'duplicate', 'quarantined', 'pending'] as const satisfies readonly (
  InRecord | 'pending'
)[];
export type Became = (typeof BECAME)[number];

/** A care event or a decision that is durable. */
export interface Taken extends OnItsWay {
  readonly type: string;
}

const WIDTH = 8;

/** Reads from records what became of events, once their projectors have passed them. */
export class Becoming {
  constructor(
    private readonly store: EventStore,
    private readonly committed: Committed,
    private readonly obedience: Obedience,
  ) {}

  /** In the order given, once each is dealt with, or after so long. */
  async wait(taken: readonly Taken[], limitMs: number): Promise<Became[]> {
    const became = new Map<Taken, Became>();
    const isDecision = ({ type }: Taken): boolean => type === DECISION_TYPE;
    const waiting = taken.filter(isDecision).map(async (one) => became.set(one, await this.ofDecision(one, limitMs)));
    const events = taken.filter((one) => !isDecision(one));
    await Promise.all([...waiting, this.ofEvents(events, limitMs, became)]);
    return taken.map((one) => became.get(one) ?? 'pending');
  }

  private async ofDecision(decision: Taken, limitMs: number): Promise<Became> {
    const outcome = await this.obedience.wait(decision, limitMs);
    if (outcome === null) return 'pending';
    if (outcome.state !== 'recorded') return 'quarantined';
    return outcome.decisions.some(({ coordinates }) => isSamePlace(coordinates, decision.at)) ? 'new' : 'duplicate';
  }

  /** Each record is read once: what one organisation sends about one person is in one partition, so that its last event tells. */
  private async ofEvents(events: readonly Taken[], limitMs: number, became: Map<Taken, Became>): Promise<void> {
    const people = new Map<string, Taken[]>();
    for (const event of events) {
      const some = people.get(event.key);
      if (some === undefined) people.set(event.key, [event]);
      else some.push(event);
    }
    const topics = new Set(events.map(({ at }) => at.topic));
    await this.committed.wait(limitMs, async () => {
      for (const topic of topics) {
        const committed = await this.committed.of(RECORD_PROJECTOR_GROUP, topic);
        const passed = [...people].filter(([, some]) => {
          const { at } = some.at(-1) as Taken;
          return at.topic === topic && (committed.get(at.partition) ?? -1) > at.offset;
        });
        await forEachConcurrently(passed, WIDTH, async ([key, some]) => {
          const all = await unlessUnreadable(whatBecame(this.store, key, some), () => {});
          for (const [index, one] of some.entries()) became.set(one, all?.[index] ?? 'quarantined');
          people.delete(key);
        });
      }
      return people.size === 0 ? true : null;
    });
  }
}
