import {
  canonicalJson,
  withoutArrival,
  type AdoptedPolicy,
  type Coordinates,
  type Projection,
  type ViewEntry,
} from '@weft/domain';
import { changeKey, viewStream, type FoundRecord, type Keys } from '@weft/processing';
import type { KeptView, Ledger, State } from './ledger.js';
import { Moving } from './moving.js';
import { boundariesIn } from './naive-decisions.js';
import { goneFrom, viewOf } from './naive.js';
import type { Told } from './told.js';

/** Versions of views: all that are ever written, and those that every process keeps in line now. */
export interface Projected {
  readonly everyProjection: readonly Projection[];
  readonly keptInLine: readonly Projection[];
}

export type Violated = (invariant: string, detail: string) => void;

/** What must be true of views and of what is read or told of them, whenever anything becomes durable. */
export class ViewChecks {
  /** Clocks were wrong at times, so a view may have been built for another instant than the true one. */
  clocksWereWrong = false;
  readonly moving = new Moving();
  /** The last version of the policy of which it was said that every view obeys it. */
  private applied = 0;
  private readonly owners = new Map<string, { readonly key: string; readonly projection: Projection }>();

  constructor(
    private readonly ledger: Ledger,
    private readonly told: Told,
    private readonly violated: Violated,
    private readonly region: Projected,
    patients: readonly string[],
    private readonly keys: Keys,
  ) {
    for (const projection of region.everyProjection) {
      for (const key of patients) this.owners.set(this.streamOf(projection, key), { key, projection });
    }
  }

  private streamOf(projection: Projection, key: string): string {
    return viewStream(projection, this.ledger.naming(projection, key).patient);
  }

  viewOf(projection: Projection, key: string): KeptView | undefined {
    return this.ledger.views.get(this.streamOf(projection, key));
  }

  /** The members of the person behind a key, or null while nobody can say for certain. */
  person(key: string): readonly string[] | null {
    const members = this.ledger.membersOf(this.ledger.survivorOf(key));
    return members.includes(key) && !members.some((member) => this.moving.has(member)) ? members : null;
  }

  /** The fence, and every view from its first event on: exactly what its own basis says, nothing more and nothing less. */
  grew(stream: string, kept: KeptView): void {
    const owner = this.owners.get(stream);
    if (owner === undefined) return this.violated('nobody is named', `${stream} is no stream of anybody's view`);
    if (kept.closing === null) return;
    const { recordRevisions, consentRevisions } = kept.closing.basis;
    const own = consentRevisions[0];
    if (own !== undefined && own < kept.consentRevision)
      this.violated('consent never goes back', `${stream} built under ${own} after ${kept.consentRevision}`);
    if (own !== undefined) kept.consentRevision = own;
    if (recordRevisions.length === 0) return this.same('a view is what it rests on', stream, kept.entries, new Map());
    const members = this.person(owner.key);
    if (members === null || members[0] !== owner.key) return;
    if (members.length !== recordRevisions.length)
      return this.violated(
        'a view is what it rests on',
        `${stream} is of ${recordRevisions.length} numbers, not ${members.length}`,
      );
    const { events, decisions } = this.ledger.upTo(members, recordRevisions, consentRevisions);
    this.restsOn(stream, kept, owner, events, decisions);
  }

  private restsOn(
    stream: string,
    kept: KeptView,
    { key, projection }: { readonly key: string; readonly projection: Projection },
    events: Parameters<typeof viewOf>[0],
    decisions: Parameters<typeof viewOf>[1],
    invariant = 'a view is what it rests on',
  ): void {
    const closing = kept.closing as NonNullable<KeptView['closing']>;
    const { since, until } = closing.basis.span;
    const at = since ?? (until === null ? 0 : until - 1);
    const { policy } = this.ledger.policies[closing.basis.policyVersion - 1] as AdoptedPolicy;
    const expected = viewOf(events, decisions, policy, at, projection, this.ledger.naming(projection, key));
    this.same(invariant, stream, kept.entries, expected.entries);
    if (closing.withheld !== expected.withheld)
      this.violated(invariant, `${stream}: ${closing.withheld} withheld, should be ${expected.withheld}`);
    if (closing.unsaid !== expected.unsaid)
      this.violated(invariant, `${stream}: ${closing.unsaid} without a sign, should be ${expected.unsaid}`);
    if (boundariesIn(decisions).some((boundary) => boundary > (since ?? -Infinity) && boundary < (until ?? Infinity)))
      this.violated(invariant, `${stream}: a decision begins or ends within its span`);
  }

  /** Once all that came for a person is committed, every view of theirs holds all of it, under no policy older than the one applied. */
  isInLine(key: string): void {
    const members = this.person(key);
    if (members === null) return;
    const survivor = members[0] as string;
    const all = members.map(() => Infinity);
    const { events, decisions } = this.ledger.upTo(members, all, all);
    for (const projection of this.region.keptInLine) {
      const kept = this.viewOf(projection, survivor);
      if (kept === undefined || kept.closing === null) continue;
      const owner = { key: survivor, projection };
      const { policyVersion } = kept.closing.basis;
      // A merge that was refused leaves empty views of a number of which nothing was ever recorded: no policy comes by there.
      if (policyVersion < this.applied && events.length + decisions.length > 0)
        this.violated('in line once committed', `${projection.purpose} of ${survivor} rests on policy ${policyVersion}`);
      this.restsOn(this.streamOf(projection, survivor), kept, owner, events, decisions, 'in line once committed');
      const { patient } = this.ledger.naming(projection, survivor);
      for (const id of this.goneIn(projection, survivor, events))
        if (this.entryOnTopic(projection, patient, id) !== null)
          this.violated('in line once committed', `the topic of ${projection.purpose} holds ${id}, which is no more`);
    }
  }

  /** Once all that came for a person is committed, and nothing else is under way that changes views, the topics say what the views do. */
  isTold(key: string): void {
    const members = this.person(key);
    if (members === null || this.ledger.policies.length > Math.max(1, this.applied)) return;
    const survivor = members[0] as string;
    if (boundariesIn(this.ledger.decisionsOf(members)).length > 0) return;
    for (const projection of this.region.keptInLine) {
      if (this.region.keptInLine.filter(({ purpose }) => purpose === projection.purpose).length > 1) continue;
      const view = this.viewOf(projection, survivor);
      if (view === undefined || view.closing === null) continue;
      const { patient } = this.ledger.naming(projection, survivor);
      const told = new Map<string, ViewEntry>();
      for (const id of this.ledger.versionsByViewId(members, projection).keys()) {
        const entry = this.entryOnTopic(projection, patient, id);
        if (entry !== null) told.set(id, JSON.parse(entry) as ViewEntry);
      }
      this.same('told once committed', `${projection.purpose} of ${patient}`, told, view.entries);
    }
  }

  /** JSON of the entry as the subscribers' topic has it, null where it has none. */
  private entryOnTopic(projection: Projection, viewKey: string, id: string): string | null {
    return this.told.of(projection.purpose, changeKey(projection, viewKey, id, this.keys))?.entry ?? null;
  }

  /** Whoever waits for this offset is told that the decision is obeyed: it must be, in every view, and by every topic. */
  isObeyed(key: string, readAt: number, soFar: (decision: { readonly coordinates: Coordinates }) => boolean): void {
    const members = this.person(key);
    if (members === null) return;
    const decisions = this.ledger.decisionsOf(members);
    // Those behind this offset were recorded one by one: a view may have been built after any of them.
    const moments = [-1, ...decisions.filter((decision) => !soFar(decision)).map(({ position }) => position)].toReversed();
    const known = moments.map((at) => decisions.filter((decision) => soFar(decision) || decision.position <= at));
    const states = this.ledger.policies.toReversed().flatMap((policy) => known.map((one) => ({ decisions: one, policy })));
    this.holdsNothingForbidden('obeyed once committed', members, states, [readAt, ...around(boundariesIn(decisions))]);
  }

  private holdsNothingForbidden(
    invariant: string,
    members: readonly string[],
    states: readonly State[],
    instants: number[],
  ): void {
    for (const projection of this.region.keptInLine) {
      const naming = this.ledger.naming(projection, members[0] as string);
      const entries = this.viewOf(projection, members[0] as string)?.entries;
      const couldBeUsed = this.ledger.couldBeUsed(members, projection.purpose, states, instants);
      for (const [id, versions] of this.ledger.versionsByViewId(members, projection)) {
        if (this.entryOnTopic(projection, naming.patient, id) === null && entries?.has(id) !== true) continue;
        if (couldBeUsed(versions)) continue;
        const where = entries?.has(id) === true ? 'the view of' : 'the topic of';
        this.violated(invariant, `${where} ${projection.purpose} holds ${id}`);
      }
    }
  }

  /** At the end of a reading: nothing was served that decisions and policy forbade, or that was no more, all the while. */
  reading(key: string, projection: Projection, begun: Begun) {
    return (found: FoundRecord, endedAt: number): void => {
      const { ledger } = this;
      if (ledger.merges !== begun.merges) return;
      const members = ledger.membersOf(ledger.survivorOf(key));
      const boundaries = around(boundariesIn(ledger.decisionsOf(members)));
      const within = boundaries.filter((at) => at >= begun.at && at <= endedAt);
      const states = this.statesSince(members, begun.position);
      const versions = ledger.versionsByViewId(members, projection);
      const instants = [endedAt, begun.at, ...within];
      const couldBeUsed = ledger.couldBeUsed(members, projection.purpose, states, instants);
      const gone = begun.settled ? this.goneSince(members, projection, begun.position) : NOTHING;
      for (const { id } of found.record.entries) {
        if (gone.has(id)) this.violated('nothing forbidden is read', `${projection.purpose} served ${id}, which is no more`);
        if (!couldBeUsed(versions.get(id) ?? []))
          this.violated('nothing forbidden is read', `${projection.purpose} ${found.fromView ? 'view' : 'record'} served ${id}`);
      }
    };
  }

  /** Entries that are no more, by their ids in a view; none where anything came to the record since a position. */
  private goneSince(members: readonly string[], projection: Projection, position: number): ReadonlySet<string> {
    const all = members.map(() => Infinity);
    const { events } = this.ledger.upTo(members, all, all);
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

  /** Once a policy is applied no view and no topic holds what it forbids of anybody whom nobody is at work on. */
  policyIsObeyed(key: string, readAt: number): void {
    const members = this.person(key);
    if (members === null) return;
    const decisions = this.ledger.decisionsOf(members);
    const states = this.ledger.policies.slice(this.applied - 1).map((policy) => ({ decisions, policy }));
    this.holdsNothingForbidden('applied once said so', members, states, [readAt, ...around(boundariesIn(decisions))]);
  }

  /** Whoever says that a policy is applied says that no view of an older one is left, of anybody known before it was adopted. */
  policyApplied(version: number, keys: readonly string[]): void {
    const { ledger } = this;
    const adopted = ledger.policies[version - 1];
    if (adopted === undefined) return this.violated('applied once said so', `policy ${version} was never adopted`);
    this.applied = Math.max(this.applied, version);
    for (const key of keys) {
      const known = [...(ledger.events.get(key) ?? []), ...(ledger.decisions.get(key) ?? [])];
      if (this.person(key) === null || !known.some(({ position }) => position < adopted.position)) continue;
      for (const projection of this.region.keptInLine) {
        const closing = this.viewOf(projection, ledger.survivorOf(key))?.closing;
        if (closing && closing.basis.policyVersion < version)
          this.violated('applied once said so', `${projection.purpose} of ${key} rests on policy ${closing.basis.policyVersion}`);
      }
    }
  }

  /** Whoever says that a boundary is passed says that no view from before it is left. */
  boundaryPassed(key: string, at: number): void {
    if (this.clocksWereWrong || this.person(key) === null) return;
    for (const projection of this.region.keptInLine) {
      const until = this.viewOf(projection, this.ledger.survivorOf(key))?.closing?.basis.span.until;
      if (until !== undefined && until !== null && until <= at)
        this.violated('applied once said so', `${projection.purpose} of ${key} is from before ${at}`);
    }
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

/** A reading as it begins. */
interface Begun {
  /** Of the store: how many events there were. */
  readonly position: number;
  readonly merges: number;
  /** Milliseconds since 1970, by the reader's own clock. */
  readonly at: number;
  /** All that was recorded of the person was committed. */
  readonly settled: boolean;
}

const NOTHING: ReadonlySet<string> = new Set();

const around = (instants: readonly number[]): number[] => instants.flatMap((at) => [at - 1, at]);
const text = (entry: ViewEntry | undefined): string => (entry === undefined ? 'nothing' : canonicalJson(withoutArrival(entry)));
const isSame = (a: ViewEntry, b: ViewEntry): boolean =>
  a.resource === b.resource || JSON.stringify(withoutArrival(a)) === JSON.stringify(withoutArrival(b)) || text(a) === text(b);
