import { EngineUnavailable } from './errors.js';
import {
  forgetStore,
  hasMarks,
  isBehind,
  moveMark,
  setMarkBack,
  storedMark,
  timesPutBack,
  type Marking,
  type Place,
  type StoredMark,
} from './marks.js';
import { messagesBetween } from './messages-between.js';
import type { Batch, EventBus, Message } from './ports.js';

/** How the messages of a group's topics are read. */
export interface ReadingInOrder {
  readonly group: string;
  /** When it resolves all that the messages lead to is durable. */
  readonly handle: (batch: Batch) => Promise<void>;
  /** The store does not have what the group has passed. Called before any of it is handled again. */
  readonly onBehind: () => Promise<void>;
}

type Engines = Marking & { readonly bus: EventBus };

/**
 * Handles a batch, behind what the group has passed before it and the store does not have; and moves the mark of the partition behind it, before its
 * offset is committed: of what is committed nothing is missing in a store that was not put back.
 */
export async function readInOrder(wiring: Engines, batch: Batch, reading: ReadingInOrder): Promise<void> {
  if (!hasMarks(wiring, batch.topic)) return reading.handle(batch);
  const mark = await storedMark(wiring.store, batch);
  const seen = await readUpTo(wiring, batch, mark, (batch.messages[0] as Message).offset, reading);
  await handleAndMark(wiring, batch, seen, reading);
}

async function handleAndMark(wiring: Engines, batch: Batch, seen: StoredMark, { handle }: ReadingInOrder): Promise<StoredMark> {
  await handle(batch);
  const { offset, timestamp } = batch.messages.at(-1) as Message;
  const moved = await moveMark(wiring, batch, seen, { next: offset + 1, at: timestamp });
  if (moved === null) throw new EngineUnavailable('store', `it was put back, or ${batch.topic} made anew, while it was read`);
  return moved;
}

/**
 * Reads what lies between the mark and an offset: a store that was put back, or a topic that was made anew, does not have it. What it has is a
 * redelivery to it.
 */
async function readUpTo(
  wiring: Engines,
  { topic, partition }: Place,
  mark: StoredMark,
  end: number,
  reading: ReadingInOrder,
): Promise<StoredMark> {
  let seen = mark;
  for await (const messages of messagesBetween(wiring.bus, { topic, partition }, mark.next, end)) {
    if (seen === mark && isBehind(mark, end)) {
      forgetStore(wiring.store);
      await reading.onBehind();
    }
    seen = await handleAndMark(wiring, { topic, partition, messages }, seen, reading);
  }
  return seen;
}

/** Partitions a look, of those that a process has: each in its turn. */
const PLACES = 32;

/** Looks after the marks of those partitions that this process has. */
export class MarkKeeper {
  /** Partitions whose marks were seen to be of this topic. */
  private readonly seen = new Set<string>();
  private turn = 0;
  private putBacks: number;

  constructor(
    private readonly wiring: Engines,
    private readonly reading: ReadingInOrder,
  ) {
    this.putBacks = timesPutBack(wiring.store);
  }

  /** Sets back those that are another topic's, and moves on those that the group has passed. */
  async look(assigned: readonly Place[]): Promise<void> {
    const held = assigned.filter(({ topic }) => hasMarks(this.wiring, topic));
    const names = new Set(held.map(nameOf));
    for (const name of this.seen) if (!names.has(name)) this.seen.delete(name);
    await this.lookAt(this.inTurn(held));
    const putBacks = timesPutBack(this.wiring.store);
    if (putBacks === this.putBacks) return;
    // A store that was put back was so for all: nobody waits for their turn.
    this.putBacks = putBacks;
    await this.lookAt(held);
  }

  /** New ones at once, then so many at a time. */
  private inTurn(held: readonly Place[]): readonly Place[] {
    if (held.length <= PLACES) return held;
    const unseen = held.filter((place) => !this.seen.has(nameOf(place)));
    if (unseen.length > 0) return unseen;
    this.turn = (this.turn + PLACES) % held.length;
    return [...held.slice(this.turn), ...held].slice(0, PLACES);
  }

  private async lookAt(places: readonly Place[]): Promise<void> {
    const { store, bus } = this.wiring;
    for (const topic of new Set(places.map((place) => place.topic))) {
      // A mark moves before its group, and behind what the topic has: so it is looked at between the two.
      const committed = new Map((await bus.committed(this.reading.group, topic)).map((one) => [one.partition, one.offset]));
      const marks: (readonly [Place, StoredMark])[] = [];
      for (const place of places) if (place.topic === topic) marks.push([place, await storedMark(store, place)]);
      const highs = new Map((await bus.offsets(topic)).map(({ partition, high }) => [partition, high]));
      for (const [place, mark] of marks) {
        const high = highs.get(place.partition) ?? 0;
        if (await this.isOther(place, mark, high)) await setMarkBack(this.wiring, place, mark, high);
        // A group may be beyond the end of a topic that was put back.
        else await this.moveOn(place, mark, Math.min(committed.get(place.partition) ?? 0, high));
      }
    }
  }

  /** By the last message that was read: another topic has none at that place, or one of another time. */
  private async isOther(place: Place, mark: StoredMark, high: number): Promise<boolean> {
    if (mark.next > high) return true;
    if (this.seen.has(nameOf(place))) return false;
    const [last] = mark.next === 0 ? [] : await this.wiring.bus.read(place.topic, place.partition, mark.next - 1, 1);
    if (last !== undefined && last.offset === mark.next - 1 && mark.at !== null && last.timestamp !== mark.at) return true;
    this.seen.add(nameOf(place));
    return false;
  }

  private async moveOn(place: Place, mark: StoredMark, committed: number): Promise<void> {
    const seen = await readUpTo(this.wiring, place, mark, committed, this.reading);
    // What lies between has expired, and nobody can read it any more.
    if (seen.next < committed) await moveMark(this.wiring, place, seen, { next: committed, at: null });
  }
}

const nameOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;
