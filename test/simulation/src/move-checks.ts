import { PURPOSES, type EntryPlaced } from '@weft/domain';
import { listed, type KeptEvent, type Ledger } from './ledger.js';
import { boundariesIn, judgeOf } from './naive-decisions.js';
import { ownIdOf } from './naive-limits.js';
import { ageOf, awayIn, isAged, isBeforeByEach, isOver, isSaid, presentIn, takenOf, type Age } from './naive.js';
import type { Violated } from './basis-checks.js';

const GOES = 'an entry goes where its later version says';
const FOLLOWS = 'what protected an entry follows it';

/** What one number's record has of an entry. */
interface Versions {
  readonly key: string;
  readonly all: readonly Age[];
  readonly first: Age;
  readonly isOver: boolean;
}

const isOfEntry = ({ type }: KeptEvent): boolean => type === 'care-event-recorded-1' || type === 'care-event-retracted-1';

/** In whose record an entry must be whose versions name several people; looked at where nobody of them was ever merged. */
export class MoveChecks {
  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    /** Milliseconds since 1970. */
    private readonly now: () => number,
  ) {}

  /** An entry left a number: what denied it there for certain denies it where it went before. */
  placed(word: KeptEvent & Pick<EntryPlaced, 'entry' | 'place'>): void {
    const { key, entry, position } = word;
    if (word.place !== 'away' || this.ledger.movedAt.size > 0) return;
    const own = this.of(key).filter((event) => event.position < position);
    const present = presentIn(own);
    const it = present.find((one) => ownIdOf(one) === entry);
    if (it === undefined) return;
    const versions = this.versionsOf(entry);
    const mine = versions.find((one) => one.key === key) as Versions;
    const takers = versions.filter((one) => one.key !== key && takes(one, mine));
    if (takers.length === 0) return this.violated(GOES, `${entry} left ${key}, and nobody has a later version`);
    const decisions = this.ledger.decisionsOf([key], position);
    const instants = [this.now(), ...boundariesIn(decisions).flatMap((at) => [at - 1, at])];
    for (const purpose of PURPOSES) {
      const isDenied = this.ledger.policies.every(({ policy }) =>
        instants.every((at) => {
          const rule = judgeOf(purpose, decisions, policy, at, present)(it);
          return rule?.effect === 'deny' && rule.when.decision !== undefined;
        }),
      );
      if (
        isDenied &&
        !takers.some(({ key: to }) => to === this.originOf(decisions) || this.isDeniedAt(to, entry, purpose, position))
      )
        this.violated(FOLLOWS, `${entry} left ${key}, and what denied it to ${purpose} stayed behind`);
    }
  }

  /** Where all that denies it came from at first, where that is one number: going back there it brings nothing. */
  private originOf(decisions: readonly { readonly follows?: { readonly from: string } }[]): string | undefined {
    const origins = new Set(decisions.map(({ follows }) => follows?.from));
    return origins.size === 1 ? [...origins][0] : undefined;
  }

  private isDeniedAt(key: string, entry: string, purpose: string, before: number): boolean {
    return (this.ledger.decisions.get(key) ?? []).some(
      ({ follows, position, provision: { purposes, provisions } }) =>
        follows?.entry === entry &&
        position < before &&
        [purposes, ...provisions.map((one) => one.purposes)].some((some) => some.some((one) => one === purpose)),
    );
  }

  /** Once everything is at rest: by the set of each number's versions alone. */
  atTheEnd(): void {
    const ids = new Set(
      [...this.ledger.events.values()]
        .flat()
        .filter((event) => isSaid(event) && isOfEntry(event))
        .map(ownIdOf),
    );
    for (const id of ids) {
      const versions = this.versionsOf(id);
      if (versions.some(({ key }) => this.ledger.movedAt.has(key))) continue;
      for (const one of versions) {
        const isAway = versions.some((other) => other.key !== one.key && takes(other, one));
        if (awayIn(this.of(one.key)).has(id) !== isAway)
          this.violated(GOES, `${id} ${isAway ? 'is with' : 'has left'} ${one.key}, by ${versions.length} numbers' versions`);
      }
    }
  }

  /** Of each number that says an age of the entry, or takes it back. */
  private versionsOf(id: string): Versions[] {
    const byKey = new Map<string, KeptEvent[]>();
    const seen = new Set<string>();
    for (const event of [...this.ledger.events.values()].flat()) {
      if (!isSaid(event) || !isOfEntry(event) || ownIdOf(event) !== id) continue;
      const name = `${event.key} ${event.source} ${event.id}`;
      if (!seen.has(name)) listed(byKey, event.key).push(event);
      seen.add(name);
    }
    return [...byKey].flatMap(([key, events]) => {
      const taken = takenOf(events);
      if (!events.some((event) => isAged(event) || isOver(event))) return [];
      const least = (nth: 0 | 1): number =>
        taken
          .map((event) => ageOf(event)[nth])
          .filter((age) => !Number.isNaN(age))
          .sort((a, b) => a - b)[0] ?? Number.NaN;
      const last = taken.at(-1) as KeptEvent;
      return [{ key, all: events.filter(isAged).map(ageOf), first: [least(0), least(1)], isOver: isOver(last) }];
    });
  }

  private of(key: string): readonly KeptEvent[] {
    return this.ledger.events.get(key) ?? [];
  }
}

/** Whether the entry is the one's and not the other's. */
function takes(one: Versions, other: Versions): boolean {
  if (other.isOver && !one.isOver) return one.all.some((age) => !other.all.some((theirs) => isBeforeByEach(age, theirs)));
  const isOneSeries = isBeforeByEach(one.first, other.first) || isBeforeByEach(other.first, one.first);
  return other.all.length > 0 && isOneSeries && one.all.some((age) => other.all.every((theirs) => isBeforeByEach(theirs, age)));
}
