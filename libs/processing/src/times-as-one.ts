import type { IdentityEvent } from '@weft/domain';
import { decodeNumberEvent } from './encoding.js';
import { eventsOfNumber } from './number.js';
import { relatedNumbers } from './person.js';
import type { EventStore } from './ports.js';

/** A time, RFC 3339, in which two numbers were one person; `until` is null while they are. */
export interface TimeAsOne {
  readonly since: string;
  readonly until: string | null;
}

/** Every number that was ever one person with this one, by its key, and when: through others too. */
export async function timesAsOne(store: EventStore, key: string): Promise<ReadonlyMap<string, readonly TimeAsOne[]>> {
  const related = await relatedNumbers(store, key);
  related.delete(key);
  if (related.size === 0) return new Map();
  const moves: { readonly number: string; readonly event: IdentityEvent }[] = [];
  for (const number of [key, ...related.keys()]) {
    for await (const page of eventsOfNumber(store, number)) {
      for (const { kind, event } of page.map((stored) => decodeNumberEvent(stored)))
        if (kind === 'identity') moves.push({ number, event });
    }
  }
  moves.sort((a, b) => (a.event.recordedAt < b.event.recordedAt ? -1 : a.event.recordedAt > b.event.recordedAt ? 1 : 0));
  const gaveWay = new Map<string, string>();
  const times = new Map<string, { since: string; until: string | null }[]>([...related.keys()].map((number) => [number, []]));
  for (const { number, event } of moves) {
    if (event.type === 'number-superseded-1') gaveWay.set(number, event.by);
    if (event.type === 'number-restored-1') gaveWay.delete(number);
    for (const [other, spans] of times) {
      const isOne = standsFor(other, gaveWay) === standsFor(key, gaveWay);
      const last = spans.at(-1);
      if (isOne && last?.until !== null) spans.push({ since: event.recordedAt, until: null });
      if (!isOne && last?.until === null) last.until = event.recordedAt;
    }
  }
  return times;
}

/** In a loop of merges, which is undone at once, any of it. */
function standsFor(number: string, gaveWay: ReadonlyMap<string, string>): string {
  const passed = new Set([number]);
  for (let one = gaveWay.get(number); one !== undefined && !passed.has(one); one = gaveWay.get(one)) passed.add(one);
  return [...passed].at(-1) as string;
}
