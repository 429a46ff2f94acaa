import { eventKey, type CareEvent } from '@weft/domain';
import type { Keys, Message } from '@weft/processing';
import { placeOf, type KeptEvent, type Ledger } from './ledger.js';
import { ownIdOf, tellsDeath } from './naive-limits.js';
import { awayIn, isSaid, presentIn, said } from './naive.js';
import type { Violated } from './basis-checks.js';

const FOLLOWS = 'what is said of an entry follows the entry';

const isMerging = ({ type }: KeptEvent): boolean => type.startsWith('patient-merged') || type.startsWith('patient-unmerged');
const takesBackDeaths = ({ type }: KeptEvent): boolean => type === 'patient-death-retracted-1';

/** In whose record an event must be: with the number that had the entry before, while the numbers were one person. */
export class HomeChecks {
  /** How much the store held when a message was published. */
  private readonly publishedAt = new Map<string, number>();

  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    private readonly keys: Keys,
  ) {}

  published(message: Message, size: number): void {
    this.publishedAt.set(placeOf(message), size);
  }

  /** What is read again of a store that was put back is written knowing what that holds, and no more. */
  storePutBack(size: number): void {
    for (const [place, at] of this.publishedAt) if (at > size) this.publishedAt.set(place, size);
  }

  /** Something came to a number's record. `sent`: the event of the message that it came by. */
  stored(event: KeptEvent, sent: CareEvent | undefined): void {
    if (sent === undefined || isMerging(event)) return;
    const { key, saidOf } = event;
    if (saidOf !== undefined) {
      if (!this.of(saidOf).some((one) => isSame(one, event) && one.homes?.includes(key) === true))
        this.violated(FOLLOWS, `${placeOf(event.coordinates)} is of ${key}, and ${saidOf} does not say so`);
      return;
    }
    const others = this.others(event);
    if (others === null) return;
    if (takesBackDeaths(event)) return this.takesBackAll(event, others);
    if (this.wasPlacedSince(ownIdOf({ ...sent, key }), [key, ...others], this.lookedAt(event))) return;
    const home = this.homeOf(event, { ...sent, key }, others);
    const is = event.homes?.join() ?? key;
    if (is !== home) this.violated(FOLLOWS, `${placeOf(event.coordinates)}, said of ${key}, is of ${is}, should be of ${home}`);
  }

  /** An entry that came to or left a number while the event was on its way may have been looked for before. */
  private wasPlacedSince(id: string, members: readonly string[], looked: number): boolean {
    const words = members.flatMap((member) => this.of(member)) as readonly (KeptEvent & { readonly entry?: string })[];
    return words.some(({ entry, position }) => entry === id && position >= looked);
  }

  private homeOf(event: KeptEvent, sent: Parameters<typeof ownIdOf>[0], others: readonly string[]): string {
    const { key } = event;
    const members = this.ledger.membersOf(this.ledger.survivorOf(key));
    const before = members.find((one) => one !== key && this.of(one).some((other) => isSame(other, event)));
    if (before !== undefined)
      return (
        this.of(before)
          .find((one) => isSame(one, event))
          ?.homes?.join() ?? before
      );
    const id = ownIdOf(sent);
    const holds = (one: string): boolean =>
      !awayIn(this.of(one)).has(id) &&
      this.of(one).some(
        (other) => other !== event && isSaid(other) && !takesBackDeaths(other) && !isMerging(other) && ownIdOf(other) === id,
      );
    if (holds(key)) return key;
    const holder = members.find((one) => others.includes(one) && holds(one));
    if (holder !== undefined) return holder;
    const claims = members.flatMap((one) =>
      this.of(one).filter(({ entries, home = '' }) => entries?.includes(id) === true && members.includes(home)),
    );
    const first = members.find((one) => claims.some((claim) => claim.key === one));
    return claims.findLast((claim) => claim.key === first)?.home ?? key;
  }

  /** Deaths that stood before the retraction was sent. */
  private takesBackAll(event: KeptEvent, others: readonly string[]): void {
    const looked = this.lookedAt(event);
    for (const other of others) {
      const stands = presentIn(this.of(other)).some(
        (one) =>
          tellsDeath(one) &&
          ((one as Partial<KeptEvent>).position ?? Infinity) < looked &&
          (event.takesBack === 'every-death' || one.organisation === event.organisation),
      );
      if (stands && event.homes?.includes(other) !== true)
        this.violated(FOLLOWS, `${placeOf(event.coordinates)} takes back no death of ${other}`);
    }
  }

  /** The other numbers of the person, where they were that already when it was last looked; null where they were not. */
  private others(event: KeptEvent): readonly string[] | null {
    const members = this.ledger.personSince(event.key, this.lookedAt(event));
    return members?.filter((other) => other !== event.key) ?? null;
  }

  /**
   * What the store held before was known to who wrote the event: the message was published then, or another event stood in the same
   * record, behind which alone this one could be written.
   */
  private lookedAt({ key, coordinates }: KeptEvent): number {
    const places = this.of(key).map(({ position }) => position);
    // Events of one append stand behind each other, and were written knowing the same.
    const last = places.findLast((place, nth) => nth < places.length - 1 && (places[nth + 1] as number) > place + 1) ?? -1;
    return Math.max(this.publishedAt.get(placeOf(coordinates)) ?? 0, last + 1);
  }

  /** Whether the event of a message is recorded wherever it must be: something else under a known id is nobody's event. */
  isRecorded({ key }: Message, event: CareEvent): boolean {
    const named = this.of(this.keys.patient(key)).find((one) => isSame(one, event));
    if (named === undefined || (isSaid(named) && said(named) !== said(event))) return false;
    return (named.homes ?? []).every((home) => this.of(home).some((one) => isSame(one, event) && said(one) === said(event)));
  }

  private of(key: string): readonly KeptEvent[] {
    return this.ledger.events.get(key) ?? [];
  }
}

const isSame = (one: KeptEvent, other: { readonly source: string; readonly id: string }): boolean =>
  eventKey(one) === eventKey(other);
