import { isIdentityEvent } from '@weft/domain';
import { hasMarks, isBehind, storedMark } from './marks.js';
import { messagesBetween } from './messages-between.js';
import type { Message } from './ports.js';
import { RECORD_PROJECTOR_GROUP } from './topics.js';
import type { Wiring } from './wiring.js';

/** A partition this far behind is not searched: it is waited for. More than a batch, so that batches never wait for each other. */
const FAR_BEHIND = 1_000;

/** Messages of one partition that came before a certain one and are not committed. */
interface Span {
  readonly partition: number;
  readonly from: number;
  /** First offset that is as old as the certain one. */
  readonly asOld: number;
  /** First offset that is younger. One call's messages come in one millisecond, so those as old count too. */
  readonly younger: number;
}

/**
 * How many messages of the same topic came before a message and are not committed yet, if among them each of these patients may
 * have something recorded; else 0. What only waits itself (a merge, a death) does not count, so two never wait for each other.
 */
export async function olderMessages(wiring: Wiring, message: Message, patients: ReadonlySet<string>): Promise<number> {
  const spans = await spansBefore(wiring, message);
  const count = spans.reduce((sum, { from, younger }) => sum + younger - from, 0);
  const isFarBehind = ({ partition, from, asOld }: Span): boolean => partition !== message.partition && asOld - from > FAR_BEHIND;
  if (spans.some(isFarBehind)) return count;
  const found = new Set<string>();
  for (const span of spans) for await (const key of recordedIn(wiring, message.topic, span)) found.add(key);
  return [...patients].every((key) => found.has(key)) ? count : 0;
}

async function spansBefore(wiring: Wiring, { topic, partition, offset, timestamp }: Message): Promise<Span[]> {
  const { bus, store } = wiring;
  const [passed, asOld, younger] = await Promise.all([
    bus.committed(RECORD_PROJECTOR_GROUP, topic),
    bus.offsetsAt(topic, timestamp),
    bus.offsetsAt(topic, timestamp + 1),
  ]);
  // What the group has passed and a store that was put back does not have is yet to be read again.
  const committed = await Promise.all(
    passed.map(async ({ partition: one, offset: next }) => {
      const mark = next <= 0 || !hasMarks(wiring, topic) ? null : await storedMark(store, { topic, partition: one });
      return { partition: one, offset: mark !== null && isBehind(mark, next) ? mark.next : next };
    }),
  );
  const offsetIn = (list: typeof asOld, one: number): number => list.find((at) => at.partition === one)?.offset ?? 0;
  return committed
    .map(({ partition: one, offset: next }) => ({
      partition: one,
      from: Math.max(0, next),
      asOld: one === partition ? offset : offsetIn(asOld, one),
      younger: one === partition ? offset : offsetIn(younger, one),
    }))
    .filter(({ from, younger: end }) => end > from);
}

/** The keys of the patients that something sound is said of, other than who they are. */
async function* recordedIn(
  { bus, reader, keys }: Wiring,
  topic: string,
  { partition, from, younger }: Span,
): AsyncGenerator<string> {
  for await (const page of messagesBetween(bus, { topic, partition }, from, younger)) {
    for (const message of page) {
      const reading = reader.careEvent(message);
      if (reading.ok && !isIdentityEvent(reading.event.type)) yield keys.patient(reading.event.subject);
    }
  }
}
