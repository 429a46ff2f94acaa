import type { Coordinates } from '@weft/domain';
import {
  careRecordStream,
  CONSENT_TOPIC,
  type EventStore,
  findRecorded,
  isPublished,
  keysOfPerson,
  OPT_OUT_PROJECTOR_GROUP,
  type Recorded,
  unlessUnreadable,
} from '@weft/processing';
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

/** `null` while the projector has not dealt with it, or what it changes is not published yet. */
export type Outcome = Recorded | null;

/** A decision that the projector has dealt with. */
interface DealtWith {
  readonly recorded: Recorded;
  /** Once everything up to here is published, every topic obeys it; null where it changed nothing. */
  readonly end: { readonly keys: readonly string[]; readonly position: string } | null;
}

const NOWHERE: DealtWith = { recorded: { state: 'absent' }, end: null };

/**
 * Whether decisions are obeyed yet. That a projector has passed the message says only that it has dealt with it; whether it is obeyed
 * is read from the person's own stream, by which readers decide, and from how far the streams' changes are published to subscribers.
 */
export class Obedience {
  constructor(
    private readonly committed: Committed,
    private readonly store: EventStore,
  ) {}

  async outcomeOf(decision: OnItsWay): Promise<Outcome> {
    const dealtWith = await this.find(decision);
    return dealtWith !== null && (await this.isObeyed(dealtWith)) ? dealtWith.recorded : null;
  }

  /** What became of the decision; null when `limitMs` have passed first, or this process is stopping. */
  wait(decision: OnItsWay, limitMs: number): Promise<Outcome> {
    let dealtWith: DealtWith | null = null;
    return this.committed.wait(limitMs, async () => {
      // Found once: what happens to the person afterwards is not waited for.
      dealtWith ??= await this.find(decision);
      return dealtWith !== null && (await this.isObeyed(dealtWith)) ? dealtWith.recorded : null;
    });
  }

  private async find(decision: OnItsWay): Promise<DealtWith | null> {
    const { partition, offset } = decision.at;
    const committed = await this.committed.of(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC);
    if ((committed.get(partition) ?? -1) <= offset) return null;
    // Of whose record cannot be read nothing is obeyed: what came about them since stands in quarantine.
    return unlessUnreadable(this.inStream(decision), () => {}).then((found) => found ?? NOWHERE);
  }

  private async inStream(decision: OnItsWay): Promise<DealtWith> {
    const recorded = await findRecorded({ store: this.store }, decision.key, decision);
    const isInStream = recorded.state === 'recorded' || recorded.state === 'closed';
    return { recorded, end: isInStream ? await this.endOf(decision.key) : null };
  }

  /** Where the streams of the person's numbers end: what the decision changed stands before. */
  private async endOf(key: string): Promise<DealtWith['end']> {
    const keys = await keysOfPerson(this.store, key);
    const lasts = await Promise.all(keys.map((one) => this.store.read(careRecordStream(one), { backwards: true, maxCount: 1 })));
    const positions = lasts.flat().map(({ position }) => position);
    const position = positions.sort((one, other) => this.store.comparePositions(one, other)).at(-1);
    return position === undefined ? null : { keys, position };
  }

  private async isObeyed({ end }: DealtWith): Promise<boolean> {
    return end === null || isPublished(this.store, end.position, end.keys);
  }
}
