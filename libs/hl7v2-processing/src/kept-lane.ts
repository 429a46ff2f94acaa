import type { Coordinates } from '@weft/domain';
import { Feed, type MappedEvent, type MessagePart, type Taken } from '@weft/hl7v2';
import { eventsOf, NO_STREAM, type EventStore } from '@weft/processing';
import { decodeLaneEvent, type LaneEvent } from './stored.js';
import { laneStream } from './streams.js';

export interface Untold {
  readonly from: Coordinates;
  readonly events: readonly MappedEvent[];
}

/** Persons whom an organisation's messages name together: what was said of them, and what of it is not told yet. */
export class KeptLane {
  readonly feed: Feed;
  /** Of the lane's own stream. */
  revision = NO_STREAM;
  /** Up to which everything that was to be told is on the bus. */
  told = NO_STREAM;
  /** What parts of messages led to that may not be on the bus, and where those messages stand. */
  untold: Untold[] = [];
  /** The lanes that this one holds, itself among them. */
  readonly members = new Set<string>();
  /** Those that were said to belong here, whether or not they were closed since. */
  readonly joined = new Set<string>();
  private readonly taken = new Set<string>();

  constructor(organisation: string) {
    this.feed = new Feed(organisation);
  }

  /** How much it holds. */
  get parts(): number {
    return this.taken.size;
  }

  has(part: MessagePart): boolean {
    return this.taken.has(nameOf(part));
  }

  take(part: MessagePart): Taken {
    this.taken.add(nameOf(part));
    return this.feed.take(part);
  }
}

const nameOf = ({ message, ordinal }: MessagePart): string => `${message}.${ordinal}`;

/** Where a closed lane's persons are now. */
export interface Moved {
  readonly into: string;
}

/** A lane as it was left; what was said of its persons before their lanes were joined stands in streams of its own. */
export async function loadLane(store: EventStore, organisation: string, key: string): Promise<KeptLane | Moved> {
  const { events, into, revision } = await readLane(store, key);
  if (into !== null) return { into };
  const lane = new KeptLane(organisation);
  lane.revision = revision;
  for (const event of events) if (event.type === 'hl7v2-part-taken-1') lane.told = event.told;
  await replay(store, lane, { key, events }, (at) => at > lane.told);
  return lane;
}

type OwnStream = { readonly key: string; readonly events: readonly LaneEvent[] };

async function replay(
  store: EventStore,
  lane: KeptLane,
  { key, events }: OwnStream,
  isUntold: (revision: number) => boolean,
): Promise<void> {
  lane.members.add(key);
  for (const [revision, event] of events.entries()) {
    if (event.type === 'hl7v2-part-taken-1') {
      const { events: told } = lane.take(event.part);
      if (isUntold(revision)) lane.untold.push({ from: event.from, events: told });
    } else if (event.type === 'hl7v2-lane-joined-1') {
      lane.joined.add(event.lane);
      const other = await readLane(store, event.lane);
      // Whoever closed it had told everything before.
      if (other.into === key) await replay(store, lane, { key: event.lane, events: other.events }, () => false);
    }
  }
}

async function readLane(
  store: EventStore,
  key: string,
): Promise<{ readonly events: readonly LaneEvent[]; readonly into: string | null; readonly revision: number }> {
  const events: LaneEvent[] = [];
  for await (const page of eventsOf(store, laneStream(key))) events.push(...page.map(decodeLaneEvent));
  const last = events.at(-1);
  return { events, into: last?.type === 'hl7v2-lane-closed-1' ? last.into : null, revision: events.length - 1 };
}
