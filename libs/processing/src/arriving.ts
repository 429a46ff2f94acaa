import { isMerge, nhsNumberProblem } from '@weft/domain';
import { within } from './concurrency.js';
import { EngineUnavailable } from './errors.js';
import { partitionOf } from './partition-of.js';
import type { Message } from './ports.js';
import { CARE_EVENTS_PREFIX, RECORD_PROJECTOR_GROUP } from './topics.js';
import type { Wiring } from './wiring.js';

/** What was seen so lately is not looked for again: an event that came since is mostly in its record before anybody is told. */
const FRESH_MS = 1_000;
/** So long a reader is kept by a look; then what was seen before counts. */
const PATIENCE_MS = 500;
/** Topics come and go with organisations. */
const TOPICS_FRESH_MS = 60_000;
/** So many messages are read ahead of the projectors in one look; of partitions that are not read to their end it is not known whose they hold. */
const MESSAGES_A_LOOK = 5_000;
/** So many people are remembered at a time, over all partitions. */
const PEOPLE_MAX = 1_000_000;

/** People of whom something lies before an offset. */
interface Stretch {
  readonly end: number;
  readonly patients: ReadonlySet<string>;
}

/** What the record-projector has not dealt with of one partition. */
interface Ahead {
  readonly partition: number;
  /** Of its topic. */
  readonly partitions: number;
  readonly stretches: readonly Stretch[];
  /** The next offset to be looked at. */
  readonly next: number;
  readonly isUnread: boolean;
}

/**
 * Knows of whom care events are arriving: the bus has accepted them, and the record-projector has not dealt with them yet. While there
 * are none, which is nearly always, it asks the bus how far the projector is and reads nothing.
 */
export class ArrivingEvents {
  private ahead: ReadonlyMap<string, Ahead> = new Map();
  private topics: { readonly names: readonly string[]; readonly at: number } | null = null;
  private lookedAt = -Infinity;
  private looking: Promise<void> | null = null;

  constructor(private readonly wiring: Pick<Wiring, 'bus' | 'keys' | 'clock' | 'timers'>) {}

  /** Whether anything is arriving of anybody. */
  async isAny(): Promise<boolean> {
    await this.lookUnless(FRESH_MS);
    return this.ahead.size > 0;
  }

  /**
   * Whether something is arriving of a person, by their keys; where a partition could not be read to its end, whether the number asked for
   * lies in it. What is so is looked at once more: it may be in the record by now.
   */
  async mayConcern(keys: readonly string[], nhsNumber: string): Promise<boolean> {
    if (!(await this.isAny()) || !this.concerns(keys, nhsNumber)) return false;
    await this.lookUnless(0);
    return this.concerns(keys, nhsNumber);
  }

  private concerns(keys: readonly string[], nhsNumber: string): boolean {
    return [...this.ahead.values()].some(
      ({ partition, partitions, stretches, isUnread }) =>
        stretches.some(({ patients }) => keys.some((key) => patients.has(key))) ||
        (isUnread && partitionOf(nhsNumber, partitions) === partition),
    );
  }

  private async lookUnless(freshMs: number): Promise<void> {
    const { clock, timers } = this.wiring;
    if (clock.steady() - this.lookedAt < freshMs) return;
    this.looking ??= this.look().finally(() => (this.looking = null));
    await within(timers, PATIENCE_MS, this.looking);
  }

  /** While the bus is away nothing comes and nothing goes: what was seen before counts. */
  private async look(): Promise<void> {
    const at = this.wiring.clock.steady();
    try {
      const ahead = new Map<string, Ahead>();
      const budget = { messages: MESSAGES_A_LOOK, people: PEOPLE_MAX };
      for (const topic of await this.topicsNow(at)) await this.lookAt(topic, ahead, budget);
      this.ahead = ahead;
      this.lookedAt = at;
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
    }
  }

  private async topicsNow(at: number): Promise<readonly string[]> {
    if (this.topics === null || at - this.topics.at >= TOPICS_FRESH_MS) {
      const names = (await this.wiring.bus.topics()).map(({ topic }) => topic);
      this.topics = { names: names.filter((name) => name.startsWith(CARE_EVENTS_PREFIX)), at };
    }
    return this.topics.names;
  }

  private async lookAt(topic: string, ahead: Map<string, Ahead>, budget: { messages: number; people: number }): Promise<void> {
    const { bus } = this.wiring;
    // The ends first: what comes in between is seen with the next look, and nothing that is dealt with counts as arriving.
    const held = await bus.offsets(topic);
    const committed = new Map((await bus.committed(RECORD_PROJECTOR_GROUP, topic)).map((one) => [one.partition, one.offset]));
    for (const { partition, low, high } of held) {
      const from = Math.max(committed.get(partition) ?? low, low);
      if (from >= high) continue;
      const known = this.ahead.get(`${topic}/${partition}`);
      const stretches = (known?.stretches ?? []).filter(({ end }) => end > from);
      for (const { patients } of stretches) budget.people -= patients.size;
      let next = Math.max(known?.next ?? from, from);
      while (next < high && budget.messages > 0 && budget.people > 0) {
        // Who may not read the topic knows as much as that something lies there.
        const page = await bus.read(topic, partition, next).catch((): Message[] => []);
        const last = page.at(-1);
        if (last === undefined) break;
        const patients = new Set(page.flatMap((message) => this.patientOf(message)));
        next = last.offset + 1;
        stretches.push({ end: next, patients });
        budget.messages -= page.length;
        budget.people -= patients.size;
      }
      ahead.set(`${topic}/${partition}`, { partition, partitions: held.length, stretches, next, isUnread: next < high });
    }
  }

  /** Whose a message is, if it is one that a record lacks until it is dealt with: a merge brings no entry. */
  private patientOf({ key, headers }: Message): string[] {
    if (isMerge(headers['ce_type'] ?? '') || nhsNumberProblem(key) !== null) return [];
    return [this.wiring.keys.patient(key)];
  }
}
