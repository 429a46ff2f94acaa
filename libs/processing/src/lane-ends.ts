import { areRead, markIn, type LaneEnd } from '@weft/domain';
import { knownLaneMarks, laneAt, readMarks } from './consent-marks.js';
import { setMarkBack, storedMark } from './marks.js';
import { partitionOf } from './partition-of.js';
import type { PartitionOffsets } from './ports.js';
import { CONSENT_TOPIC } from './topics.js';
import type { Wiring } from './wiring.js';

/** Where the decisions ended at one moment, in those partitions of which not all were read. */
export class LaneEnds {
  constructor(
    private readonly partitions: number,
    private readonly unread: readonly LaneEnd[],
  ) {}

  /** What is to be awaited of a person, by their numbers; null stands for one that is not known, whose decisions may be anywhere. */
  of(numbers: readonly (string | null)[]): readonly LaneEnd[] {
    if (this.unread.length === 0 || numbers.includes(null)) return this.unread;
    const theirs = new Set(numbers.map((number) => partitionOf(number as string, this.partitions)));
    return this.unread.filter(([partition]) => theirs.has(partition));
  }
}

/** Pauses between looks: decisions on their way are mostly read in that time, and then nobody waits for them. */
const PAUSES_MS = [5, 10, 15, 20];

/** Looks where the decisions end that came before a batch: one look for all of it, once it is there. */
export class LaneLooks {
  /** Marks that were waited for in vain: until one moves nobody is kept back for it again. */
  private stuck: ReadonlySet<string> = new Set();

  constructor(private readonly wiring: Wiring) {}

  async look(numbers: readonly string[]): Promise<LaneEnds> {
    const { store, timers } = this.wiring;
    const { partitions, unread } = await unreadNow(this.wiring);
    let left = unread;
    const awaited = (): readonly LaneEnd[] => new LaneEnds(partitions, left).of(numbers);
    const names = (): string[] => awaited().map(([partition]) => `${partition} ${markIn(knownLaneMarks(store), partition).next}`);
    if (!names().every((name) => this.stuck.has(name))) {
      for (const pause of PAUSES_MS) {
        if (awaited().length === 0) break;
        await timers.sleep(pause);
        const marks = await readMarks(
          store,
          left.map(([partition]) => partition),
        );
        left = left.filter((end) => !areRead([end], marks));
      }
      this.stuck = new Set(names());
    }
    return new LaneEnds(partitions, left);
  }
}

async function unreadNow(wiring: Wiring): Promise<{ readonly partitions: number; readonly unread: readonly LaneEnd[] }> {
  // A mark that is looked at before the end, and stands there, has everything before that end.
  const marks = knownLaneMarks(wiring.store);
  const offsets = await wiring.bus.offsets(CONSENT_TOPIC);
  const behind = offsets.filter(({ partition, high }) => markIn(marks, partition).next !== high);
  const ends = await Promise.all(behind.map((one) => endOf(wiring, one)));
  return { partitions: offsets.length, unread: ends.filter((end) => end !== null) };
}

/** Null where all before it is read. A mark beyond the end of the topic is another topic's. */
async function endOf(wiring: Wiring, { partition, high }: PartitionOffsets): Promise<LaneEnd | null> {
  for (;;) {
    const mark = await storedMark(wiring.store, laneAt(partition));
    if (mark.next < high) return [partition, mark.epoch, high];
    if (mark.next === high) return null;
    const now = await highOf(wiring, partition);
    if (mark.next <= now) return null;
    await setMarkBack(wiring, laneAt(partition), mark, now);
  }
}

async function highOf({ bus }: Wiring, partition: number): Promise<number> {
  return (await bus.offsets(CONSENT_TOPIC)).find((one) => one.partition === partition)?.high ?? 0;
}

/** Since when (milliseconds since 1970) the decisions of a partition wait that nobody reads; null where all are read, or are being read. */
export async function unreadSince(wiring: Pick<Wiring, 'store' | 'bus'>): Promise<number | null> {
  const { store, bus } = wiring;
  const standing = await Promise.all(
    (await bus.offsets(CONSENT_TOPIC)).map(async ({ partition, high }) => {
      const { next, recordedAt } = await storedMark(store, laneAt(partition));
      if (next === high) return [];
      const [first] = await bus.read(CONSENT_TOPIC, partition, next > high ? 0 : next, 1);
      return first === undefined ? [] : [Math.max(first.timestamp, recordedAt === null ? 0 : Date.parse(recordedAt))];
    }),
  );
  const since = Math.min(...standing.flat());
  return since === Infinity ? null : since;
}
