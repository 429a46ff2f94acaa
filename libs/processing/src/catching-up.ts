import type { Mark } from '@weft/domain';
import { forEachConcurrently, within } from './concurrency.js';
import { loadEpoch, type Epoch } from './epochs.js';
import { CatchingUp, EngineUnavailable } from './errors.js';
import { forgetStore, hasMarks, isBehind, storedMark, timesPutBack } from './marks.js';
import { CARE_EVENTS_PREFIX, CONSENT_TOPIC, groupOf } from './topics.js';
import type { Wiring } from './wiring.js';

type Looking = Pick<Wiring, 'bus' | 'store'>;

/** Topics side by side. */
const WIDTH = 8;

/**
 * How many messages of these topics their groups have passed and the store does not have: it was put back, or made anew, and until they are read again
 * it may say the opposite of what was decided.
 */
export async function messagesLost({ bus, store }: Looking, topics: readonly string[]): Promise<number> {
  let lost = 0;
  await forEachConcurrently(topics, WIDTH, async (topic) => {
    const ahead: { readonly partition: number; readonly offset: number; readonly mark: Mark }[] = [];
    // Where the group is comes first: a mark is moved before its group.
    for (const { partition, offset } of await bus.committed(groupOf(topic) as string, topic)) {
      if (offset <= 0) continue;
      const mark = await storedMark(store, { topic, partition });
      if (mark.next < offset) ahead.push({ partition, offset, mark });
    }
    if (ahead.length === 0) return;
    const highs = new Map((await bus.offsets(topic)).map(({ partition, high }) => [partition, high]));
    for (const { partition, offset, mark } of ahead) {
      // A group may be beyond the end of a topic that was put back.
      const end = Math.min(offset, highs.get(partition) ?? 0);
      if (isBehind(mark, end)) lost += end - mark.next;
    }
  });
  return lost;
}

/** The topics from which records and decisions come, as far as they have marks. */
export async function recordTopics(engines: Looking): Promise<string[]> {
  const names = (await engines.bus.topics()).map(({ topic }) => topic);
  const inbound = names.filter((topic) => topic === CONSENT_TOPIC || topic.startsWith(CARE_EVENTS_PREFIX));
  return inbound.filter((topic) => hasMarks(engines, topic));
}

/** What was seen so lately is not looked at again. */
const FRESH_MS = 1_000;
/** A reader is kept so long by a look; then what was seen before counts. */
const PATIENCE_MS = 500;
/** Topics come and go with organisations. */
const TOPICS_FRESH_MS = 60_000;
/** Topics a look, each in its turn, beside the decisions'. */
const TOPICS = 8;

/** Knows whether the store has what the bus's groups have passed, and in which epoch it is. */
export class StoreWatch {
  private topics: { readonly names: readonly string[]; readonly at: number } | null = null;
  private lost = 0;
  private seen: Epoch | null = null;
  private lookedAt: number | null = null;
  private looking: Promise<void> | null = null;
  private turn = 0;
  private putBacks: number;

  constructor(private readonly wiring: Looking & Pick<Wiring, 'clock' | 'timers'>) {
    this.putBacks = timesPutBack(wiring.store);
  }

  /** The epoch to tell subscribers of. Throws as `check`, and until there is one that is above all that they were told. */
  async epoch(): Promise<number> {
    await this.check();
    const { epoch, state } = this.seen as Epoch;
    if (state === 'behind') throw new CatchingUp(0);
    return epoch;
  }

  /** Resolves where the store has everything. Throws CatchingUp where it has not, EngineUnavailable where that was never known. */
  async check(): Promise<void> {
    const age = this.lookedAt === null ? Infinity : this.wiring.clock.steady() - this.lookedAt;
    if (age >= FRESH_MS) {
      this.looking ??= this.look().finally(() => (this.looking = null));
      if (this.lookedAt === null) await this.looking;
      else await within(this.wiring.timers, PATIENCE_MS, this.looking);
    }
    if (this.lost > 0) throw new CatchingUp(this.lost);
  }

  /** While the bus is away what was seen before counts: nobody reads anything again meanwhile. */
  private async look(): Promise<void> {
    const at = this.wiring.clock.steady();
    try {
      const { store } = this.wiring;
      const seen = await loadEpoch(store);
      // Whoever did not look meanwhile has not seen that it was put back.
      if (this.seen !== null && this.seen.epoch !== seen.epoch) forgetStore(store);
      this.seen = seen;
      this.lost = await messagesLost(this.wiring, await this.topicsNow(at));
      // A store that was put back was so for all topics.
      if (timesPutBack(this.wiring.store) !== this.putBacks) {
        this.putBacks = timesPutBack(this.wiring.store);
        this.lost = await messagesLost(this.wiring, this.topics?.names ?? []);
      }
      this.lookedAt = at;
    } catch (error) {
      if (this.lookedAt === null || !(error instanceof EngineUnavailable)) throw error;
    }
  }

  /** All at first and while anything is lost, then some at a time. */
  private async topicsNow(at: number): Promise<readonly string[]> {
    if (this.topics === null || Math.abs(at - this.topics.at) >= TOPICS_FRESH_MS)
      this.topics = { names: await recordTopics(this.wiring), at };
    const { names } = this.topics;
    if (this.lookedAt === null || this.lost > 0 || names.length <= TOPICS) return names;
    this.turn = (this.turn + TOPICS) % names.length;
    return [...new Set([CONSENT_TOPIC, ...[...names.slice(this.turn), ...names].slice(0, TOPICS)])];
  }
}
