import { applyDecisions } from './apply-decisions.js';
import { moveMark, setMarkBack, storedMark } from './consent-marks.js';
import { EngineUnavailable } from './errors.js';
import { messagesBetween } from './messages-between.js';
import type { Batch, Message } from './ports.js';
import { CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP } from './topics.js';
import type { Wiring } from './wiring.js';

/** Applies a batch of the consent topic, and moves the mark of its partition behind it: what waited for these decisions may be shared then. */
export async function readDecisions(wiring: Wiring, { partition, messages }: Batch): Promise<void> {
  const { epoch } = await storedMark(wiring.store, partition);
  await readUpTo(wiring, partition, (messages[0] as Message).offset);
  await applyAndMark(wiring, partition, epoch, messages);
}

async function applyAndMark(wiring: Wiring, partition: number, epoch: number, messages: readonly Message[]): Promise<void> {
  await applyDecisions(wiring, { messages });
  const { offset, timestamp } = messages.at(-1) as Message;
  if (!(await moveMark(wiring, partition, epoch, { next: offset + 1, at: timestamp })))
    throw new EngineUnavailable('bus', 'the consent topic was made anew meanwhile');
}

/**
 * Reads what the group has passed and the store has not: a store that was put back, or a topic that was made anew, does not have it. What it has is
 * a redelivery to it.
 */
async function readUpTo(wiring: Wiring, partition: number, end: number): Promise<void> {
  const { epoch, next } = await storedMark(wiring.store, partition);
  for await (const page of messagesBetween(wiring.bus, { topic: CONSENT_TOPIC, partition }, next, end))
    await applyAndMark(wiring, partition, epoch, page);
}

/** Looks after the marks of those partitions that this process has. */
export class MarkKeeper {
  /** Partitions whose marks were seen to be of this topic. */
  private readonly seen = new Set<number>();

  constructor(private readonly wiring: Wiring) {}

  /** Sets back those that are another topic's, and moves on those that the group has passed. */
  async look(partitions: readonly number[]): Promise<void> {
    const { bus } = this.wiring;
    for (const partition of this.seen) if (!partitions.includes(partition)) this.seen.delete(partition);
    if (partitions.length === 0) return;
    const committed = new Map(
      (await bus.committed(OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC)).map((one) => [one.partition, one.offset]),
    );
    for (const partition of partitions) {
      if (!this.seen.has(partition)) await this.recognise(partition);
      await readUpTo(this.wiring, partition, committed.get(partition) ?? 0);
    }
  }

  /** By the last message that was read: another topic has none at that place, or one of another time. */
  private async recognise(partition: number): Promise<void> {
    const { store, bus } = this.wiring;
    const mark = await storedMark(store, partition);
    const { high = 0 } = (await bus.offsets(CONSENT_TOPIC)).find((one) => one.partition === partition) ?? {};
    const [last] = mark.next === 0 ? [] : await bus.read(CONSENT_TOPIC, partition, mark.next - 1, 1);
    const isOther = mark.next > high || (last !== undefined && last.offset === mark.next - 1 && last.timestamp !== mark.at);
    if (isOther) await setMarkBack(this.wiring, partition, mark, high);
    else this.seen.add(partition);
  }
}
