import { afterWaiting, areRead, type Awaits, waitsOf, type LaneEnd } from '@weft/domain';
import { appendAtEnd, appendToNumber, unlessFenced, withoutEffect } from './append.js';
import { forEachConcurrently } from './concurrency.js';
import { readMarks } from './consent-marks.js';
import { bringInLine } from './derive-views.js';
import { decodeAwaitingNoted, encode, type AwaitingNoted, type ViewsWaited } from './encoding.js';
import { isOfEngine, unreadableBy } from './failures.js';
import { loadNumber } from './number.js';
import { loadPerson } from './person.js';
import { NO_STREAM } from './ports.js';
import { AWAITING_STREAM } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/** Whose record something comes to behind decisions that are not read: by their keys, and the ends of those decisions. */
export interface ToAwait {
  readonly key: string;
  readonly ends: readonly LaneEnd[];
}

/** Notes who waits for what, before anything is appended that does. Gives where that stands among all that was noted. */
export async function noteAwaiting(wiring: Wiring, people: readonly ToAwait[]): Promise<number> {
  const groups = new Map<string, { readonly ends: readonly LaneEnd[]; readonly keys: Set<string> }>();
  for (const { key, ends } of people) {
    if (ends.length === 0) continue;
    const group = groups.get(nameOf(ends)) ?? { ends, keys: new Set() };
    groups.set(nameOf(ends), group);
    group.keys.add(key);
  }
  return note(
    wiring,
    [...groups.values()].map(({ ends, keys }) => ({ type: 'awaiting-1', ends, keys: [...keys] })),
  );
}

function note({ store, random }: Wiring, events: readonly AwaitingNoted[]): Promise<number> {
  const encoded = events.map((event) => encode(event, random));
  return appendAtEnd(store, AWAITING_STREAM, encoded);
}

const nameOf = (ends: readonly LaneEnd[]): string => JSON.stringify(ends);

interface Group {
  readonly ends: readonly LaneEnd[];
  readonly keys: Set<string>;
  /** Where the last of them was noted. */
  noted: number;
  /** When it was first seen, by the time that whoever looks has spent waiting. */
  readonly seenAt: number;
}

const MINUTE_MS = 60_000;
/** Who came within such a time waits until the last of them has waited long enough. */
const SEEN_TOGETHER_MS = 10_000;
/** Side by side. */
const PEOPLE_AT_ONCE = 16;

/**
 * Those who wait for decisions: their views are derived anew once these are read, and for individual care alone once the policy has them wait no
 * longer. A reader does not depend on it for the first, but subscribers do.
 */
export class AwaitingPeople {
  private groups = new Map<string, Group>();
  private read = NO_STREAM;

  constructor(private readonly wiring: Wiring) {}

  /**
   * Does what is due. Says whether anybody waits still.
   * @param spentMs for how long whoever calls has waited in all, by a clock that nobody sets. Of a process that starts anew it begins anew.
   */
  async run(spentMs: number): Promise<boolean> {
    await this.catchUp(spentMs);
    if (this.groups.size === 0) return false;
    const { store, policies } = this.wiring;
    const partitions = [...this.groups.values()].flatMap(({ ends }) => ends.map(([partition]) => partition));
    const marks = await readMarks(store, partitions);
    const boundMs = waitsOf((await policies.current()).policy).individualCareMinutes * MINUTE_MS;
    const failed: unknown[] = [];
    for (const [name, group] of [...this.groups]) {
      if (areRead(group.ends, marks)) {
        await this.forEach(group.keys, failed, (key) => bringInLine(this.wiring, [key]));
        if (failed.length === 0) this.groups.delete(name);
      } else if (spentMs - group.seenAt >= boundMs) {
        const { ends, noted, keys } = group;
        await this.forEach(keys, failed, (key) => waitNoLonger(this.wiring, key, { ends, noted }));
        if (failed.length > 0) continue;
        await note(this.wiring, [{ type: 'awaiting-shown-1', ends, keys: [...keys] }]);
        this.groups.delete(name);
      }
    }
    if (failed.length > 0) throw failed[0];
    if (this.groups.size === 0) await this.clear();
    return this.groups.size > 0;
  }

  /** How many people wait, and of how many individual care is shown what decisions that are not read may forbid. */
  async count(): Promise<{ readonly waiting: number; readonly shown: number }> {
    await this.catchUp(0);
    const [waiting, shown] = [new Set<string>(), new Set<string>()];
    for (const { keys, seenAt } of this.groups.values()) for (const key of keys) (seenAt === Infinity ? shown : waiting).add(key);
    for (const key of shown) waiting.delete(key);
    return { waiting: waiting.size, shown: shown.size };
  }

  private async forEach(keys: Iterable<string>, failed: unknown[], work: (key: string) => Promise<void>): Promise<void> {
    await forEachConcurrently(keys, PEOPLE_AT_ONCE, async (key) => {
      try {
        await work(key);
      } catch (error) {
        // Somebody whose views cannot be built is tried again and again; others need not wait for that.
        if (isOfEngine(error)) throw error;
        // Whose record cannot be read is shown to nobody; once it can, a replay tells what waited.
        if (unreadableBy(error) === null) failed.push(error);
      }
    });
  }

  private async catchUp(spentMs: number): Promise<void> {
    for (;;) {
      const events = await this.wiring.store.read(AWAITING_STREAM, { from: this.read + 1 });
      for (const stored of events) {
        const noted = decodeAwaitingNoted(stored);
        // Somebody has seen to everybody before this.
        if (noted.type === 'awaiting-over-1') this.groups.clear();
        else this.take(noted, stored.revision, spentMs);
        this.read = stored.revision;
      }
      if (events.length === 0) return;
    }
  }

  /** Of those who are shown already no time counts. */
  private take({ type, ends, keys }: AwaitingNoted, revision: number, spentMs: number): void {
    const isShown = type === 'awaiting-shown-1';
    const seenAt = isShown ? Infinity : Math.ceil(spentMs / SEEN_TOGETHER_MS) * SEEN_TOGETHER_MS;
    const name = `${nameOf(ends)} ${seenAt}`;
    const group = this.groups.get(name) ?? { ends, keys: new Set(), seenAt, noted: revision };
    this.groups.set(name, group);
    group.noted = revision;
    for (const key of keys) group.keys.add(key);
  }

  /** Nobody waits: what was noted before may go, unless somebody noted more. */
  private async clear(): Promise<void> {
    const { store, random } = this.wiring;
    const event = encode({ type: 'awaiting-over-1' }, random);
    await unlessFenced(store.append(AWAITING_STREAM, this.read, [event], { truncatesPrevious: true }));
  }
}

/** Of all numbers of the person: it is not said which of them has the entry. */
async function waitNoLonger(wiring: Wiring, key: string, until: Awaits): Promise<void> {
  const { store, random, clock } = wiring;
  for (const member of (await loadPerson(store, key)).members) {
    for (let appended: unknown = null; appended === null;) {
      const state = await loadNumber(store, member.key);
      if (![...state.record.awaiting.values()].some((one) => afterWaiting(one, until) !== one)) break;
      const event: ViewsWaited = { type: 'views-waited-1', until, recordedAt: timestamp(clock) };
      const events = withoutEffect([encode(event, random)]);
      appended = await unlessFenced(appendToNumber(wiring, state, events).then(() => true));
    }
  }
  await bringInLine(wiring, [key]);
}
