import type { EventBus, Message } from './ports.js';

const PAGE = 500;

/**
 * The messages of a partition from an offset until before another, page by page: a read gives as much as its engine gives at a time. It ends
 * where the engine has no more, as what was compacted or expired leaves a gap up to the end.
 */
export async function* messagesBetween(
  bus: Pick<EventBus, 'read'>,
  { topic, partition }: Pick<Message, 'topic' | 'partition'>,
  from: number,
  before: number,
): AsyncGenerator<readonly Message[]> {
  for (let next = from; next < before;) {
    const read = await bus.read(topic, partition, next, Math.min(PAGE, before - next));
    const page = read.filter(({ offset }) => offset < before);
    if (page.length === 0) return;
    yield page;
    next = page.at(-1)!.offset + 1;
  }
}
