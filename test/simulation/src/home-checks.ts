import { eventKey, type CareEvent } from '@weft/domain';
import type { Keys, Message } from '@weft/processing';
import { placeOf, type KeptEvent, type Ledger } from './ledger.js';
import { ownIdOf, tellsDeath } from './naive-limits.js';
import { isSaid, presentIn, said } from './naive.js';
import type { Violated } from './view-checks.js';

const FOLLOWS = 'what is said of an entry follows the entry';

const isMerging = ({ type }: KeptEvent): boolean => type.startsWith('patient-merged') || type.startsWith('patient-unmerged');
const takesBackDeaths = ({ type }: KeptEvent): boolean => type === 'patient-death-retracted-1';

/** In whose record an event must be: with the number that had the entry before, while the numbers were one person. */
export class HomeChecks {
  /** How much the store held, and how many merges and unmerges there had been, when a message was published. */
  private readonly publishedAt = new Map<string, { readonly size: number; readonly merges: number }>();

  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    private readonly keys: Keys,
    /** Whether nobody can say for certain who is one person with a number. */
    private readonly isMoving: (key: string) => boolean,
  ) {}

  published(message: Message, size: number): void {
    this.publishedAt.set(placeOf(message), { size, merges: this.ledger.merges });
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
    const home = this.homeOf(event, { ...sent, key }, others);
    const is = event.homes?.join() ?? key;
    if (is !== home) this.violated(FOLLOWS, `${placeOf(event.coordinates)}, said of ${key}, is of ${is}, should be of ${home}`);
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
    const { size } = this.publishedAt.get(placeOf(event.coordinates)) as { readonly size: number };
    for (const other of others) {
      const stands = presentIn(this.of(other)).some(
        (one) =>
          tellsDeath(one) &&
          ((one as Partial<KeptEvent>).position ?? Infinity) < size &&
          (event.takesBack === 'every-death' || one.organisation === event.organisation),
      );
      if (stands && event.homes?.includes(other) !== true)
        this.violated(FOLLOWS, `${placeOf(event.coordinates)} takes back no death of ${other}`);
    }
  }

  /** The other numbers of the person, where they were that since before the message was published; null where they were not. */
  private others({ key, coordinates }: KeptEvent): readonly string[] | null {
    if (this.publishedAt.get(placeOf(coordinates))?.merges !== this.ledger.merges || this.isMoving(key)) return null;
    return this.ledger.membersOf(this.ledger.survivorOf(key)).filter((other) => other !== key);
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
