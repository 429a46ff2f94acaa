import type { EventBus } from './ports.js';
import { groupOf } from './topics.js';

type Looking = Pick<EventBus, 'offsets' | 'committed'>;

/** Where a group is in one partition. */
interface GroupPosition {
  readonly partition: number;
  /** Null before its first commit. */
  readonly committed: number | null;
  /** The first message that it has not dealt with; before its first commit a group begins with what is still there. */
  readonly next: number;
  readonly high: number;
}

export async function positionsOf(bus: Looking, group: string, topic: string): Promise<GroupPosition[]> {
  // Committed first: what is dealt with between the two looks counts once more than it should, and none goes uncounted.
  const committed = new Map((await bus.committed(group, topic)).map(({ partition, offset }) => [partition, offset]));
  return (await bus.offsets(topic)).map(({ partition, low, high }) => {
    const offset = committed.get(partition) ?? -1;
    return { partition, committed: offset < 0 ? null : offset, next: Math.max(offset, low), high };
  });
}

/** How many messages of the positions their group has not dealt with. */
export const lagOf = (positions: readonly GroupPosition[]): number =>
  positions.reduce((lag, { next, high }) => lag + Math.max(0, high - next), 0);

/** When the bus took the oldest message that the group has not dealt with, milliseconds since 1970; null where there is none. */
export async function oldestUnread(
  bus: Pick<EventBus, 'read'>,
  topic: string,
  positions: readonly GroupPosition[],
): Promise<number | null> {
  const behind = positions.filter(({ next, high }) => next < high);
  const oldest = await Promise.all(behind.map(({ partition, next }) => bus.read(topic, partition, next, 1)));
  const times = oldest.flat().map(({ timestamp }) => timestamp);
  return times.length === 0 ? null : Math.min(...times);
}

/** How many accepted messages no projector has dealt with: they are in no record yet, and in no quarantine. */
export async function unreadMessages(bus: Looking & Pick<EventBus, 'topics'>): Promise<number> {
  let unread = 0;
  for (const { topic } of await bus.topics()) {
    const group = groupOf(topic);
    if (group !== undefined) unread += lagOf(await positionsOf(bus, group, topic));
  }
  return unread;
}
