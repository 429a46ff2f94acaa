import { canonicalJson, viewName, withoutArrival, type AdoptedPolicy, type Projection, type ViewEntry } from '@weft/domain';
import { changeKey, type FoundRecord, type Keys } from '@weft/processing';
import type { Clocks } from './clocks.js';
import { BasisChecks, type Begun, type Violated } from './basis-checks.js';
import type { KeptDecision, KeptView, Ledger, State } from './ledger.js';
import { Moving } from './moving.js';
import { around, boundariesIn } from './naive-decisions.js';
import { goneFrom, judgedOf, viewOf } from './naive.js';
import type { Told } from './told.js';

/** Versions of views: all that are ever written, and those that every process keeps in line now. */
export interface Projected {
  readonly everyProjection: readonly Projection[];
  readonly keptInLine: readonly Projection[];
}

/** What must be true of views and of what is read or told of them, whenever anything becomes durable. */
export class ViewChecks {
  readonly moving = new Moving();
  readonly bases: BasisChecks;
  /** The last version of the policy of which it was said that every view obeys it. */
  private applied = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly told: Told,
    private readonly clocks: Clocks,
    private readonly violated: Violated,
    private readonly region: Projected,
    private readonly keys: Keys,
  ) {
    this.bases = new BasisChecks(ledger, violated);
  }

  /** The store was put back: what it still says is said anew. */
  storePutBack(): void {
    this.moving.forget();
    this.applied = 0;
  }

  viewOf(projection: Projection, key: string): KeptView | undefined {
    return this.ledger.views.get(`${key} ${viewName(projection)}`);
  }

  /** Ids of the entries that a view includes, as the purpose has them. */
  private includedIn(view: KeptView | undefined, projection: Projection, key: string, letters = 'im'): ReadonlySet<string> {
    const naming = this.ledger.naming(projection, key);
    const included = [...(view?.letters ?? [])].filter(([, letter]) => letters.includes(letter));
    return new Set(included.map(([id]) => projection.entryId(id, naming)));
  }

  /** Of every version of a view the ids of what it includes. */
  included(key: string): (readonly [Projection, () => ReadonlySet<string>])[] {
    return this.region.everyProjection.map((one) => [one, () => this.includedIn(this.viewOf(one, key), one, key)] as const);
  }

  /** The members of the person behind a key, or null while nobody can say for certain. */
  person(key: string): readonly string[] | null {
    const members = this.ledger.membersOf(this.ledger.survivorOf(key));
    return members.includes(key) && !members.some((member) => this.moving.has(member)) ? members : null;
  }

  /** Every view from its first event on: exactly what its own basis says, nothing more and nothing less. */
  grew(key: string, revision: number): void {
    for (const projection of this.region.everyProjection) {
      const kept = this.viewOf(projection, key);
      if (kept === undefined || kept.basis === null) continue;
      if (kept.basis.isMoved === true) {
        this.sameIds('a view is what it rests on', viewName(projection), this.includedIn(kept, projection, key), new Set());
        continue;
      }
      const members = this.person(key);
      if (members === null || members[0] !== key) continue;
      const others = new Map(kept.basis.others);
      // Of a number that another process merged meanwhile, or took away, the view knows nothing yet.
      if (members.length !== others.size + 1 || !members.slice(1).every((member) => others.has(member))) continue;
      const revisions = members.map((member) => others.get(member) ?? revision);
      const { events, decisions } = this.ledger.upTo(members, revisions);
      for (const fault of this.faultsOf(kept, key, projection, events, decisions, kept.basis.policyVersion))
        this.violated('a view is what it rests on', fault);
    }
  }

  /** In what a view is not what a version of the policy makes of it. */
  private faultsOf(
    kept: KeptView,
    key: string,
    projection: Projection,
    events: Parameters<typeof judgedOf>[0],
    decisions: Parameters<typeof judgedOf>[1],
    policyVersion: number,
  ): string[] {
    const { since, until, unsure } = (kept.basis as NonNullable<KeptView['basis']>).span;
    const boundaries = boundariesIn(decisions);
    const maybe = unsure === undefined ? [] : boundaries.filter((at) => at >= unsure[0] && at <= unsure[1]);
    const at = since ?? (unsure === undefined ? (until === null ? 0 : until - 1) : unsure[0] - 1);
    const { policy } = this.ledger.policies[policyVersion - 1] as AdoptedPolicy;
    // What is included is so whichever of these instants it was.
    const [expected, ...others] = [at, ...maybe].map((instant) => judgedOf(events, decisions, policy, instant, projection)) as [
      ReturnType<typeof judgedOf>,
      ...ReturnType<typeof judgedOf>[],
    ];
    const given = [...expected.given.keys()].filter((id) => others.every((one) => one.given.has(id)));
    const naming = this.ledger.naming(projection, key);
    const included = new Set(given.map((id) => projection.entryId(id, naming)));
    const where = `${viewName(projection)} of ${key}`;
    // What arrives would be included by all that is known.
    const faults = differences(where, this.includedIn(kept, projection, key, 'ima'), included);
    const counted = (letters: string): number => [...kept.letters.values()].filter((letter) => letters.includes(letter)).length;
    const withheld = expected.withheld + expected.given.size - given.length;
    if (counted('wu') !== withheld) faults.push(`${where}: ${counted('wu')} withheld, should be ${withheld}`);
    if (others.length === 0 && counted('u') !== (expected.unsaid ?? 0))
      faults.push(`${where}: ${counted('u')} without a sign, should be ${expected.unsaid}`);
    if (boundaries.some((one) => one > (since ?? -Infinity) && one < (until ?? Infinity) && !maybe.includes(one)))
      faults.push(`${where}: a decision begins or ends within its span`);
    return faults;
  }

  /** Once all that came for a person is committed, every view of theirs holds all of it, under no policy older than the one applied. */
  isInLine(key: string): void {
    const members = this.person(key);
    if (members === null) return;
    const survivor = members[0] as string;
    const all = members.map(() => Infinity);
    const { events, decisions } = this.ledger.upTo(members, all);
    for (const projection of this.region.keptInLine) {
      const kept = this.viewOf(projection, survivor);
      if (events.length + decisions.length === 0 || kept === undefined) continue;
      if (kept.basis === null) {
        this.violated('in line once committed', `${projection.purpose} of ${survivor} is not known to be whole`);
        continue;
      }
      // A policy that changes nothing leaves a view as it is; what its dates would then have changed is another matter.
      const { policyVersion } = kept.basis;
      const isDated = policyVersion < this.applied && boundariesIn(decisions).length > 0;
      const under = isDated ? policyVersion : Math.max(policyVersion, this.applied);
      // A newer one that is not yet applied everywhere may be what the view is by.
      const newer = isDated ? [] : this.ledger.policies.slice(under).map((_, index) => under + 1 + index);
      const faults = [under, ...newer].map((one) => this.faultsOf(kept, survivor, projection, events, decisions, one));
      if (faults.every((found) => found.length > 0))
        for (const fault of faults[0] as string[]) this.violated('in line once committed', fault);
    }
  }

  /** Once all that came for a person is published, and nothing else is under way that changes views, the topics say what the views are to. */
  isTold(key: string): void {
    const members = this.person(key);
    if (members === null || this.ledger.policies.length > Math.max(1, this.applied)) return;
    // Until all is told anew the topics may hold what the store does not know.
    if (this.ledger.epoch.state !== 'told') return;
    if (members.some((member) => (this.ledger.lastAt.get(member) ?? -1) > this.ledger.publishedUpTo)) return;
    const survivor = members[0] as string;
    const all = members.map(() => Infinity);
    const { events, decisions } = this.ledger.upTo(members, all);
    if (boundariesIn(decisions).length > 0) return;
    const { policy } = this.ledger.policies.at(-1) as AdoptedPolicy;
    for (const projection of this.region.keptInLine) {
      if (this.region.keptInLine.filter(({ purpose }) => purpose === projection.purpose).length > 1) continue;
      const naming = this.ledger.naming(projection, survivor);
      const told = new Map<string, ViewEntry>();
      for (const id of this.ledger.versionsByViewId(members, projection).keys()) {
        const entry = this.entryOnTopic(projection, naming.patient, id);
        if (entry !== null) told.set(id, JSON.parse(entry) as ViewEntry);
      }
      const expected = viewOf(judgedOf(events, decisions, policy, 0, projection), projection, naming);
      for (const id of this.includedIn(this.viewOf(projection, survivor), projection, survivor, 'a')) expected.delete(id);
      this.same('told once published', `${projection.purpose} of ${naming.patient}`, told, expected);
    }
  }

  /** JSON of the entry as the subscribers' topic has it, null where it has none. */
  private entryOnTopic(projection: Projection, viewKey: string, id: string): string | null {
    return this.told.of(projection.purpose, changeKey(projection, viewKey, id, this.keys))?.entry ?? null;
  }

  /** Once a decision's offset is committed it must be obeyed in every view. */
  isObeyed(key: string, readAt: number, soFar: (decision: KeptDecision) => boolean): void {
    this.obeys('obeyed once committed', key, readAt, soFar, (projection, survivor) =>
      this.includedIn(this.viewOf(projection, survivor), projection, survivor),
    );
  }

  /** Once all that was written when a decision was committed is published, every topic must obey it: whoever waited for that is told so. */
  isObeyedByTopics(key: string, readAt: number, soFar: (decision: KeptDecision) => boolean): void {
    this.obeys('obeyed once published', key, readAt, soFar, (projection, survivor, ids) => {
      const { patient } = this.ledger.naming(projection, survivor);
      return new Set([...ids].filter((id) => this.entryOnTopic(projection, patient, id) !== null));
    });
  }

  private obeys(invariant: string, key: string, readAt: number, soFar: (decision: KeptDecision) => boolean, held: Held): void {
    const members = this.person(key);
    if (members === null) return;
    const decisions = this.ledger.decisionsOf(members);
    // Those behind were recorded one by one: a view may have been decided after any of them.
    const moments = [-1, ...decisions.filter((decision) => !soFar(decision)).map(({ position }) => position)].toReversed();
    const known = moments.map((at) =>
      this.ledger.lists.of(decisions.filter((decision) => soFar(decision) || decision.position <= at)),
    );
    const states = this.ledger.policies.toReversed().flatMap((policy) => known.map((one) => ({ decisions: one, policy })));
    this.holdsNothingForbidden(invariant, members, states, [readAt, ...around(boundariesIn(decisions))], held);
  }

  /** Once every clock is right, and nobody is at work, no view holds what is forbidden at this time (milliseconds since 1970). */
  holdsNothingAhead(key: string, now: number): void {
    const members = this.person(key);
    const policy = this.ledger.policies.at(-1);
    if (members === null || policy === undefined) return;
    const states = [{ decisions: this.ledger.decisionsOf(members), policy }];
    this.holdsNothingForbidden('what was ahead of its time is taken back', members, states, [now], (projection, survivor) =>
      this.includedIn(this.viewOf(projection, survivor), projection, survivor),
    );
  }

  private holdsNothingForbidden(
    invariant: string,
    members: readonly string[],
    states: readonly State[],
    instants: number[],
    held: Held,
  ): void {
    const survivor = members[0] as string;
    for (const projection of this.region.keptInLine) {
      const couldBeUsed = this.ledger.couldBeUsed(members, projection.purpose, states, instants);
      const versions = this.ledger.versionsByViewId(members, projection);
      for (const id of held(projection, survivor, new Set(versions.keys()))) {
        if (!couldBeUsed(versions.get(id) ?? [])) this.violated(invariant, `${projection.purpose} of ${survivor} holds ${id}`);
      }
    }
  }

  /** At the end of a reading: nothing was served that decisions and policy forbade, or that was no more, all the while. */
  reading(key: string, projection: Projection, begun: Begun) {
    return (found: FoundRecord, endedAt: number): void => {
      const { ledger } = this;
      if (ledger.merges !== begun.merges) return;
      const members = ledger.membersOf(ledger.survivorOf(key));
      this.bases.believed(members, projection, found, begun, endedAt);
      const boundaries = around(boundariesIn(ledger.decisionsOf(members)));
      const within = boundaries.filter((at) => at >= begun.at && at <= endedAt);
      const states = this.statesSince(members, begun.position);
      const versions = ledger.versionsByViewId(members, projection);
      const instants = [endedAt, begun.at, ...within];
      const couldBeUsed = ledger.couldBeUsed(members, projection.purpose, states, instants);
      const others = this.otherInstants(boundaries, begun, endedAt).map((at) => ({
        at,
        couldBe: ledger.couldBeUsed(members, projection.purpose, states, [at]),
      }));
      const gone = begun.settled ? this.goneSince(members, projection, begun.position) : NOTHING;
      for (const { id } of found.record.entries) {
        if (gone.has(id)) this.violated('nothing forbidden is read', `${projection.purpose} served ${id}, which is no more`);
        if (!couldBeUsed(versions.get(id) ?? []))
          this.violated('nothing forbidden is read', `${projection.purpose} ${found.fromView ? 'view' : 'record'} served ${id}`);
        for (const { at, couldBe } of others)
          if (!couldBe(versions.get(id) ?? []))
            this.violated(MOMENT, `${projection.purpose} served ${id}, forbidden at ${new Date(at).toISOString()}`);
      }
    };
  }

  /**
   * What time it is besides, for a reader whose machine has another: the later closes, the earlier opens, and so does every date in between. What
   * was served was permitted at each.
   */
  private otherInstants(boundaries: readonly number[], begun: Begun, endedAt: number): number[] {
    const [from, to] = [Math.min(begun.at, endedAt), Math.max(begun.at, endedAt)];
    const earliest = Math.min(from, this.clocks.opensUntil());
    const latest = Math.max(to, begun.received);
    const between = boundaries.filter((at) => (at > earliest && at < from) || (at > to && at < latest));
    return [...(earliest < from ? [earliest] : []), ...between, ...(latest > to ? [latest] : [])];
  }

  /** Entries that are no more, by their ids in a view; none where anything came to the record since a position. */
  private goneSince(members: readonly string[], projection: Projection, position: number): ReadonlySet<string> {
    const all = members.map(() => Infinity);
    const { events } = this.ledger.upTo(members, all);
    if (events.some((event) => event.position >= position)) return NOTHING;
    return this.goneIn(projection, members[0] as string, events);
  }

  /** Entries that are no more, by their ids in a view of a number. */
  private goneIn(projection: Projection, key: string, events: Parameters<typeof goneFrom>[0]): ReadonlySet<string> {
    const naming = this.ledger.naming(projection, key);
    return new Set(goneFrom(events).map((id) => projection.entryId(id, naming)));
  }

  /** Decisions and policy as they stood at any moment since a position. */
  private statesSince(members: readonly string[], position: number) {
    const { ledger } = this;
    const moments = [position];
    for (const { position: at } of ledger.decisionsOf(members)) if (at >= position) moments.push(at + 1);
    for (const { position: at } of ledger.policies) if (at >= position) moments.push(at + 1);
    return moments.toReversed().map((before) => {
      const policy = ledger.policies.filter((adopted) => adopted.position < before).at(-1) ?? ledger.policies[0];
      return { decisions: ledger.decisionsOf(members, before), policy: policy as NonNullable<typeof policy> };
    });
  }

  /** Once a policy is applied no view holds what it forbids of anybody whom nobody is at work on. */
  policyIsObeyed(key: string, readAt: number): void {
    const members = this.person(key);
    if (members === null) return;
    const decisions = this.ledger.decisionsOf(members);
    const states = this.ledger.policies.slice(this.applied - 1).map((policy) => ({ decisions, policy }));
    this.holdsNothingForbidden(
      'applied once said so',
      members,
      states,
      [readAt, ...around(boundariesIn(decisions))],
      (projection, survivor) => this.includedIn(this.viewOf(projection, survivor), projection, survivor),
    );
  }

  /** Somebody says that a version of the policy is applied. */
  policyApplied(version: number): void {
    if (this.ledger.policies[version - 1] === undefined)
      return this.violated('applied once said so', `policy ${version} was never adopted`);
    this.applied = Math.max(this.applied, version);
  }

  /** A view includes these entries, by their ids as the purpose has them, and no others. */
  includes(invariant: string, projection: Projection, key: string, expected: ReadonlySet<string>): void {
    const included = this.includedIn(this.viewOf(projection, key), projection, key);
    this.sameIds(invariant, `${viewName(projection)} of ${key}`, included, expected);
  }

  private sameIds(invariant: string, where: string, actual: ReadonlySet<string>, expected: ReadonlySet<string>): void {
    for (const difference of differences(where, actual, expected)) this.violated(invariant, difference);
  }

  same(invariant: string, where: string, actual: ReadonlyMap<string, ViewEntry>, expected: ReadonlyMap<string, ViewEntry>): void {
    for (const [id, entry] of actual) {
      const shouldBe = expected.get(id);
      if (shouldBe !== undefined && isSame(entry, shouldBe)) continue;
      this.violated(invariant, `${where}, ${id}: is ${text(entry)}, should be ${text(shouldBe)}`);
    }
    for (const [id, entry] of expected)
      if (!actual.has(id)) this.violated(invariant, `${where}, ${id}: is nothing, should be ${text(entry)}`);
  }
}

const MOMENT = 'the later time closes, the earlier opens';

/** The ids, as a purpose has them, of what it holds of a person, of all that there ever was. */
type Held = (projection: Projection, survivor: string, ids: ReadonlySet<string>) => Iterable<string>;

const NOTHING: ReadonlySet<string> = new Set();

const text = (entry: ViewEntry | undefined): string => (entry === undefined ? 'nothing' : canonicalJson(withoutArrival(entry)));
const isSame = (a: ViewEntry, b: ViewEntry): boolean =>
  a.resource === b.resource || JSON.stringify(withoutArrival(a)) === JSON.stringify(withoutArrival(b)) || text(a) === text(b);

function differences(where: string, actual: ReadonlySet<string>, expected: ReadonlySet<string>): string[] {
  const surplus = [...actual].filter((id) => !expected.has(id)).map((id) => `${where} includes ${id}`);
  const missing = [...expected].filter((id) => !actual.has(id)).map((id) => `${where} lacks ${id}`);
  return [...surplus, ...missing];
}
