import type { Coordinates, Problem } from '@weft/domain';
import { type MessagePart, type Note, ownersOf } from '@weft/hl7v2';
import { allSettled, isOfEngine, KeyedQueue, WrongExpectedRevision, type Wiring } from '@weft/processing';
import { careEventMessage } from './care-event-message.js';
import { Committed } from './committed.js';
import { KeptLane, loadLane, type Moved } from './kept-lane.js';
import { TOO_LARGE } from './problems.js';
import { refusalsOf, waitOf } from './refusals.js';
import { encode, encodePart } from './stored.js';
import { laneStream } from './streams.js';
import type { WaitingMessages } from './waiting-messages.js';

/** What became of one person's part of a message. */
export interface Outcome {
  readonly became: 'filed' | 'waiting' | 'known' | 'refused';
  /** Why it is refused: it stands in no lane, and may be sent again. */
  readonly problems: readonly Problem[];
  readonly notes: readonly Note[];
  /** What a person is asked to look at. */
  readonly review: readonly string[];
}

export type LaneWiring = Pick<Wiring, 'bus' | 'store' | 'keys' | 'random'>;

/** Remembered over all lanes, in parts of messages of about 2 kB each; beyond it the lanes unseen for longest are forgotten. */
const REMEMBERED_PARTS = 50_000;
/** What a lane costs beside its parts. */
const LANE_PARTS = 2;
/** Beside a part of this size there is room in an append, and in the events that come of it later. */
const PART_BYTES_MAX = 900_000;

const NOTHING: Omit<Outcome, 'became'> = { problems: [], notes: [], review: [] };

/**
 * The lanes of one organisation: each holds persons whom its messages name together, by MRN, and everything that was said of them, in the
 * order in which it was taken. A lane is a stream, so several projectors may work on one: whoever appends at another revision than they
 * know loads it anew. What a part leads to is on the bus before the next part's is, whoever took either.
 */
export class Lanes {
  private readonly kept = new Map<string, KeptLane>();
  private readonly moved = new Map<string, string>();
  private readonly busy = new KeyedQueue();
  /** Of each part that is being taken: they are asked for at each step. */
  private readonly keys = new WeakMap<MessagePart, readonly string[]>();
  private readonly committed: Committed;
  private parts = 0;

  constructor(
    private readonly wiring: LaneWiring,
    private readonly organisation: string,
    private readonly waiting: WaitingMessages,
  ) {
    this.committed = new Committed(wiring.bus);
  }

  /** The lanes that a part is of, as far as they can be read: two where it says that they are one. */
  async of(part: MessagePart): Promise<readonly string[]> {
    try {
      return await this.homesOf(part);
    } catch (error) {
      if (isOfEngine(error)) throw error;
      return this.keysOf(part);
    }
  }

  /** Takes a part, and tells what it leads to. Bears being given one again that it took, or half took, before. */
  async take(part: MessagePart, from: Coordinates): Promise<Outcome> {
    for (;;) {
      const [lane, other] = (await this.homesOf(part)) as [string, string?];
      if (other !== undefined) await this.join(lane, other);
      const outcome = other === undefined ? await this.busy.run(lane, () => this.takeInto(lane, part, from)) : null;
      if (outcome !== null) return outcome;
    }
  }

  private async homesOf(part: MessagePart): Promise<string[]> {
    return [...new Set(await allSettled(this.keysOf(part).map((key) => this.homeOf(key))))].sort();
  }

  private keysOf(part: MessagePart): readonly string[] {
    const known = this.keys.get(part);
    if (known !== undefined) return known;
    const keys = ownersOf(part).map((owner) => this.wiring.keys.uuid('hl7v2-lane', this.organisation, owner).replaceAll('-', ''));
    this.keys.set(part, keys);
    return keys;
  }

  /** A lane is closed for good, and into one whose key is smaller. */
  private async homeOf(key: string): Promise<string> {
    for (let home = key; ;) {
      const lane = this.kept.has(home) || this.moved.has(home) ? null : await this.busy.run(home, () => this.recall(home));
      const next = this.moved.get(home) ?? (lane !== null && 'into' in lane ? lane.into : undefined);
      if (next === undefined) return home;
      home = next;
    }
  }

  private async recall(key: string): Promise<KeptLane | Moved> {
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const lane = await loadLane(this.wiring.store, this.organisation, key);
    if ('into' in lane) {
      this.moved.set(key, lane.into);
      return lane;
    }
    lane.untold = await this.committed.without(lane.untold);
    this.kept.set(key, lane);
    this.parts += lane.parts + LANE_PARTS;
    for (const oldest of this.kept.keys()) {
      if (this.parts <= REMEMBERED_PARTS || oldest === key) break;
      this.forget(oldest);
    }
    return lane;
  }

  private forget(key: string): void {
    const lane = this.kept.get(key);
    if (lane !== undefined) this.parts -= lane.parts + LANE_PARTS;
    this.kept.delete(key);
  }

  /** Null where somebody else was there first: it is to be tried again. */
  private async takeInto(key: string, part: MessagePart, from: Coordinates): Promise<Outcome | null> {
    const lane = await this.recall(key);
    if ('into' in lane) return null;
    try {
      // Another projector may have closed a lane into this one since it was loaded.
      const isStale = this.keysOf(part).some((one) => !lane.members.has(one));
      const outcome = isStale ? null : await this.takeOnce(lane, key, part, from);
      if (outcome === null || outcome.became === 'refused') this.forget(key);
      return outcome;
    } catch (error) {
      this.forget(key);
      if (error instanceof WrongExpectedRevision) return null;
      throw error;
    }
  }

  private async takeOnce(lane: KeptLane, key: string, said: MessagePart, from: Coordinates): Promise<Outcome> {
    const { store, random } = this.wiring;
    if (lane.has(said)) {
      await this.tell(lane);
      this.lookAt(key, lane);
      return { became: 'known', ...NOTHING };
    }
    const { event, part } = encodePart(said, { from, told: lane.told }, random);
    if (Buffer.byteLength(event.data) > PART_BYTES_MAX) return { became: 'refused', ...NOTHING, problems: [TOO_LARGE] };
    const taken = lane.take(part);
    if (this.kept.get(key) === lane) this.parts += 1;
    const { events, notes, review } = taken;
    const problems = refusalsOf(taken, part);
    if (problems.length > 0) return { became: 'refused', problems, notes, review };
    lane.revision = await store.append(laneStream(key), lane.revision, [event]);
    lane.untold.push({ from, events });
    await this.tell(lane);
    this.lookAt(key, lane);
    return { became: waitOf(taken, part) === undefined ? 'filed' : 'waiting', problems, notes, review };
  }

  private async tell(lane: KeptLane): Promise<void> {
    const messages = lane.untold.flatMap(({ events }) => events.map((event) => careEventMessage(event, this.organisation)));
    if (messages.length > 0) await this.wiring.bus.publish(messages);
    lane.untold = [];
    lane.told = lane.revision;
  }

  /** Notes what waits in the lanes of which something was taken. */
  async noteWaiting(): Promise<void> {
    for (let lanes = await this.waiting.note(); lanes.length > 0; lanes = await this.waiting.note()) {
      for (const key of lanes) await this.busy.run(key, () => this.lookAgain(key));
    }
  }

  private async lookAgain(key: string): Promise<void> {
    const known = this.kept.get(key);
    if (known !== undefined && known.revision !== (await this.wiring.store.head(laneStream(key)))) this.forget(key);
    const lane = await this.recall(key);
    if ('into' in lane) this.waiting.look(key, null, []);
    else this.lookAt(key, lane);
  }

  private lookAt(key: string, lane: KeptLane): void {
    this.waiting.look(key, lane.revision, lane.feed.stillWaiting());
    for (const member of lane.members) if (member !== key) this.waiting.look(member, null, []);
  }

  /**
   * Makes one of two lanes. The one that stays says first where else to look, and then the other one is closed: in between it is as it was,
   * for whoever takes something of either. The smaller key stays, whichever MRN does, so that no two are ever closed into each other.
   */
  private join(stays: string, goes: string): Promise<void> {
    return this.busy.run(stays, () => this.busy.run(goes, () => this.joinOnce(stays, goes)));
  }

  private async joinOnce(stays: string, goes: string): Promise<void> {
    const { store, random } = this.wiring;
    try {
      const [lane, other] = [await this.recall(stays), await this.recall(goes)];
      if ('into' in lane || 'into' in other) return;
      await this.tell(other);
      if (!lane.joined.has(goes)) {
        await store.append(laneStream(stays), lane.revision, [encode({ type: 'hl7v2-lane-joined-1', lane: goes }, random)]);
      }
      await store.append(laneStream(goes), other.revision, [encode({ type: 'hl7v2-lane-closed-1', into: stays }, random)]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
    } finally {
      this.forget(stays);
      this.forget(goes);
    }
  }
}
