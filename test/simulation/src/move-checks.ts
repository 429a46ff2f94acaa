import { PURPOSES, type EntryLearnt, type EntryMovedAway } from '@weft/domain';
import { listed, type KeptEvent, type Ledger } from './ledger.js';
import { ownIdOf } from './naive-limits.js';
import { compared, isGone, isSaid, presentIn, standsIn } from './naive.js';
import { boundariesIn, judgeOf } from './naive-decisions.js';
import type { Violated } from './view-checks.js';

const GOES = 'an entry goes where its later version says';
const FOLLOWS = 'what protected an entry follows it';

type Kept<E> = E & Pick<KeptEvent, 'key' | 'position' | 'coordinates'>;

interface Watched {
  /** How much the store held when it was last known to who wrote an event. */
  lookedAt(event: KeptEvent): number;
  /** Milliseconds since 1970. */
  now(): number;
}

const isOfEntry = ({ type }: KeptEvent): boolean => type === 'care-event-recorded-1' || type === 'care-event-retracted-1';

/** In whose record an entry must be whose versions name several people. */
export class MoveChecks {
  private readonly left: Kept<EntryMovedAway>[] = [];
  private readonly arrived = new Set<string>();

  constructor(
    private readonly ledger: Ledger,
    private readonly violated: Violated,
    private readonly watched: Watched,
  ) {}

  /** A record said something of an entry that other people have to do with. */
  said(event: KeptEvent): void {
    const word = event as unknown as Kept<EntryMovedAway | EntryLearnt>;
    if (word.type === 'entry-moved-away-1') this.movedAway(word);
    if (word.type === 'entry-learnt-1' && word.arrival !== undefined) this.movedHere(word, word.arrival.from);
  }

  /** Only by a version that says it is the later, and to the number that it names. */
  private movedAway(word: Kept<EntryMovedAway>): void {
    this.left.push(word);
    const { key, entry, age, position } = word;
    const before = this.of(key).filter((one) => one.position < position);
    const stood = standsIn(before, entry);
    const meta = {
      ...(age.versionId !== null && { versionId: String(age.versionId) }),
      ...(age.lastUpdated !== null && { lastUpdated: new Date(age.lastUpdated).toISOString() }),
    };
    if (stood !== undefined && compared(stood, { ...stood, resource: { ...stood.resource, meta } }) !== 'earlier')
      this.violated(GOES, `${entry} left ${key} by a version that does not say it is the later`);
    if (this.personOf(word.to).includes(key)) this.violated(GOES, `${entry} left ${key} for the same person`);
  }

  /** What denied it there when it left denies it here before anything of it is here. */
  private movedHere({ key, entry, position }: Kept<EntryLearnt>, from: string): void {
    const { ledger } = this;
    const left = this.left.findLast((one) => one.key === from && one.entry === entry);
    if (left === undefined) return this.violated(GOES, `${entry} came to ${key}, and has not left ${from}`);
    this.arrived.add(`${key} ${from} ${entry}`);
    const now = this.watched.now();
    const policy = ledger.policies.at(-1);
    if (policy === undefined || policy.position >= left.position || ledger.movedSince(left.position)) return;
    const members = this.personOf(from);
    const isThen = ({ position: at }: { readonly position: number }): boolean => at < left.position;
    const then = members.toReversed().flatMap((member) => this.of(member).filter(isThen));
    const decisions = ledger.decisionsOf(members, left.position);
    const present = presentIn(then);
    const it = present.find((one) => one.key === from && ownIdOf(one) === entry);
    if (it === undefined) return;
    const follow = (ledger.decisions.get(key) ?? []).filter((one) => one.follows?.entry === entry && one.position < position);
    for (const purpose of PURPOSES) {
      // Whatever the clock said of who brought it.
      const isDeniedThere = [now, ...boundariesIn(decisions).flatMap((at) => [at - 1, at])].every((at) => {
        const rule = judgeOf(purpose, decisions, policy.policy, at, present)(it);
        return rule?.effect === 'deny' && rule.when.decision !== undefined;
      });
      if (!isDeniedThere) continue;
      const isDenied = follow.some(({ provision: { purposes, provisions } }) =>
        [purposes, ...provisions.map((one) => one.purposes)].some((some) => some.includes(purpose)),
      );
      if (!isDenied) this.violated(FOLLOWS, `${entry} came from ${from} to ${key}, and what denied it to ${purpose} did not`);
    }
  }

  /** A version came to a record that had none of the entry. */
  stored(event: KeptEvent): void {
    if (!isOfEntry(event)) return;
    const { key } = event;
    const id = ownIdOf(event);
    const own = this.of(key);
    if (
      standsIn(
        own.filter(({ position }) => position < event.position),
        id,
      ) !== undefined
    )
      return;
    const home = this.ledger.homesOf(id).at(-1)?.key;
    if (home === undefined) return this.violated(GOES, `${id} is of ${key}, and its home does not say so`);
    const looked = this.watched.lookedAt(event);
    if (home === key || this.personOf(key).includes(home) || this.ledger.movedSince(looked)) return;
    const there = this.of(home);
    if (there.some(({ position }) => position >= looked && position < event.position)) return;
    const stood = standsIn(there, id);
    if (stood === undefined) return;
    const isHere = standsIn(own, id) !== undefined;
    if (compared(stood, event) === 'earlier' && isHere)
      this.violated(GOES, `${id} is of ${key} by a later version, and of ${home} still`);
    if (compared(event, stood) === 'earlier' && isHere)
      this.violated(GOES, `${id} is of ${key} by an earlier version than that of ${home}`);
    if (!isHere) return;
    for (const [whose, one] of [
      [key, standsIn(own, id)],
      [home, stood],
    ] as const) {
      if (one !== undefined && !isGone(one) && one.review !== 'number-unclear')
        this.violated(GOES, `${id} is of ${key} and of ${home}, and ${whose} has it for certain`);
    }
  }

  /** Once everything is at rest. */
  cameToAnEnd(): void {
    for (const { key, to, entry, since } of this.left) {
      const next = this.ledger.homesOf(entry)[since + 1];
      if (next?.key !== to) this.violated(GOES, `${entry} left ${key} for ${to}, and its home does not say so`);
      else if (next.from !== undefined && !this.arrived.has(`${to} ${key} ${entry}`))
        this.violated(GOES, `${entry} left ${key} for ${to}, and did not come there`);
    }
    const byEntry = new Map<string, KeptEvent[]>();
    for (const event of [...this.ledger.events.values()].flat())
      if (isSaid(event) && isOfEntry(event)) listed(byEntry, ownIdOf(event)).push(event);
    for (const [id, versions] of byEntry) this.isWhereTheLatestIs(id, versions);
  }

  /** Where one version says that it is later than all others, the entry is with the number in whose record that is. */
  private isWhereTheLatestIs(id: string, versions: readonly KeptEvent[]): void {
    const latest = versions.find((one) => versions.every((other) => other === one || compared(other, one) === 'earlier'));
    if (latest === undefined) return;
    const stands = standsIn(this.of(latest.key), id);
    if (stands?.id !== latest.id || stands.source !== latest.source)
      this.violated(GOES, `the latest version of ${id} came to ${latest.key}, and does not stand there`);
  }

  private personOf(key: string): readonly string[] {
    return this.ledger.membersOf(this.ledger.survivorOf(key));
  }

  private of(key: string): readonly KeptEvent[] {
    return this.ledger.events.get(key) ?? [];
  }
}
