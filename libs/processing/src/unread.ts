import type { EventBus } from './ports.js';
import { groupOf } from './topics.js';

/** How many accepted messages no projector has dealt with: they are in no record yet, and in no quarantine. */
export async function unreadMessages(bus: Pick<EventBus, 'topics' | 'offsets' | 'committed'>): Promise<number> {
  let unread = 0;
  for (const { topic } of await bus.topics()) {
    const group = groupOf(topic);
    if (group === undefined) continue;
    // Committed first: what is dealt with between the two looks counts once more than it should, and none goes uncounted.
    const committed = new Map((await bus.committed(group, topic)).map(({ partition, offset }) => [partition, offset]));
    for (const { partition, low, high } of await bus.offsets(topic))
      unread += Math.max(0, high - Math.max(low, committed.get(partition) ?? low));
  }
  return unread;
}
