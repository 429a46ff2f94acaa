import type { Coordinates } from '@weft/domain';
import { CONSENT_TOPIC, type EventStore, findRecorded, OPT_OUT_PROJECTOR_GROUP, type Recorded } from '@weft/processing';
import type { Committed } from './committed.js';

/** A decision on its way: where it is on the bus, and whose stream it must come to. */
export interface OnItsWay {
  readonly at: Coordinates;
  /** The person's key. */
  readonly key: string;
  readonly source: string;
  readonly id: string;
  readonly digest: string;
}

/** `null` while the projector has not dealt with it. */
export type Outcome = Recorded | null;

/**
 * Whether decisions are obeyed yet. That a projector has passed the message says only that it has dealt with it; whether it is obeyed
 * is read from the person's own stream, by which readers decide.
 */
export class Obedience {
  constructor(
    private readonly committed: Committed,
    private readonly store: EventStore,
  ) {}

  async outcomeOf(decision: OnItsWay): Promise<Outcome> {
    const { partition, offset } = decision.at;
    const committed = await this.committed.of(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC);
    return (committed.get(partition) ?? -1) > offset ? findRecorded({ store: this.store }, decision.key, decision) : null;
  }

  /** What became of the decision; null when `limitMs` have passed first, or this process is stopping. */
  wait(decision: OnItsWay, limitMs: number): Promise<Outcome> {
    return this.committed.wait(limitMs, () => this.outcomeOf(decision));
  }
}
