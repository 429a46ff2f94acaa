import { viewName, type Basis, type Projection } from '@weft/domain';
import type { FoundRecord, StoredEvent } from '@weft/processing';
import { effectIn, type Ledger } from './ledger.js';

export type Violated = (invariant: string, detail: string) => void;

/** A reading as it begins. */
export interface Begun {
  /** Of the store: how many events there were. */
  readonly position: number;
  readonly merges: number;
  /** Milliseconds since 1970, by the reader's own clock. */
  readonly at: number;
  /** The newest receipt that whoever reads knows of, milliseconds since 1970. */
  readonly received: number;
  /** All that was recorded of the person was committed. */
  readonly settled: boolean;
}

/** What a view is said to rest on: that it is true when it is written, and still true when somebody believes it. */
export class BasisChecks {
  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
  ) {}

  /** An effect that was just written names the person's other numbers, all of them and no others, each as its stream was by then. */
  stored(key: string, event: StoredEvent): void {
    const basis = effectIn(event)?.basis;
    if (basis === undefined || basis.isMoved === true) return;
    for (const [other, revision] of basis.others)
      if (revision < 0 || revision > this.ledger.headOf(other)) this.wrong(key, event, `${other} at ${revision} never was`);
    const looked = this.lookedAt(key);
    const others = basis.others.map(([other]) => other);
    const members = this.ledger.personSince(key, looked);
    if (members === null || others.some((other) => this.ledger.hasMovedSince(other, looked))) return;
    if (members[0] !== key) return this.wrong(key, event, 'it gave way to another');
    const [named, should] = [others, members.slice(1)].map((numbers) => numbers.toSorted().join(' '));
    if (named !== should) this.wrong(key, event, `names ${named || 'no others'}, should be ${should || 'no others'}`);
  }

  /** What is in the stream before an append was known to who wrote it; events of one append stand behind each other. */
  private lookedAt(key: string): number {
    const places = this.ledger.places.get(key) ?? [];
    return (places.findLast((place, nth) => nth < places.length - 1 && (places[nth + 1] as number) > place + 1) ?? -1) + 1;
  }

  private wrong(key: string, { revision }: StoredEvent, what: string): void {
    this.violated('a basis names the person', `${key}@${revision}: ${what}`);
  }

  /** An answer from the view was true at some moment while it was looked for, by the policy, the reader's clock and the person's streams. */
  believed(members: readonly string[], projection: Projection, { fromView }: FoundRecord, begun: Begun, endedAt: number): void {
    if (!fromView) return;
    const [survivor, ...others] = members as [string, ...string[]];
    const versions = this.ledger.policiesSince(begun.position).map(({ version }) => version);
    const [from, to] = [Math.min(begun.at, endedAt), Math.max(begun.at, endedAt)];
    const isWithin = ({ span: { since, until } }: Basis): boolean => (since ?? -Infinity) <= to && (until ?? Infinity) > from;
    const isOfThese = (basis: Basis): boolean =>
      basis.others.length === others.length &&
      basis.others.every(([other, revision]) => {
        const isRead = revision >= this.ledger.headOf(other, begun.position) && revision <= this.ledger.headOf(other);
        return others.includes(other) && isRead;
      });
    const isCurrent = (basis: Basis | null): boolean =>
      basis !== null && basis.isMoved !== true && versions.includes(basis.policyVersion) && isWithin(basis) && isOfThese(basis);
    if (!this.ledger.basesSince(survivor, viewName(projection), begun.position).some(isCurrent))
      this.violated('a view is believed while it stands', `${viewName(projection)} of ${survivor}`);
  }
}
