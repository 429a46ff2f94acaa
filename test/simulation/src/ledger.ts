import type {
  AdoptedPolicy,
  Basis,
  Coordinates,
  Decision,
  Effect,
  IdentityEvent,
  PersonKnown,
  Projection,
  Purpose,
  RecordedCareEvent,
  ViewEntry,
} from '@weft/domain';
import { type Keys, type StoredEvent, textOf } from '@weft/processing';
import { isVersionLater, judgeOf, looksAround } from './naive-decisions.js';
import { idOf, markedIdOf, ownIdOf, type Facts } from './naive-limits.js';
import { documentsIn, isSaid, judgedOf, presentIn, viewOf, type Naming } from './naive.js';
import { FoundOnce, Lists } from './once.js';

/** A decision, with where it stands in the one order of the store. */
export interface KeptDecision extends Decision {
  readonly key: string;
  readonly coordinates: Coordinates;
  readonly position: number;
  /** In the number's stream. */
  readonly revision: number;
}

/** An event of a number's record, or a word on where one is that was sent under it. */
export interface KeptEvent extends RecordedCareEvent {
  /** The number whose stream it is in. */
  readonly key: string;
  readonly position: number;
  /** In that stream. */
  readonly revision: number;
  /** Of a claim: the entries, and the number that is to have them. */
  readonly entries?: readonly string[];
  readonly home?: string;
}

/** One purpose's view of a number's person, folded letter by letter. */
export interface KeptView {
  /** By entry what became of it; nothing for what is of no concern to the purpose. */
  readonly letters: Map<string, string>;
  /** Null while it is not known to be whole. */
  basis: Basis | null;
}

const BRINGS_NOTHING = /^(merge-(accepted|refused)|death-(accepted|refused)|entries-claimed|care-event-homed|views-derived)-1$/;

interface KeptIdentity {
  supersededBy: string | null;
  absorbed: string[];
}

interface KeptEpoch {
  readonly epoch: number;
  readonly state: 'behind' | 'telling' | 'told';
}

const FIRST_EPOCH: KeptEpoch = { epoch: 0, state: 'told' };

export type KeptPolicy = AdoptedPolicy & { readonly position: number };

/** What the store holds, folded as it is written: the oracle's own eyes, with nothing of processing in between. */
export class Ledger {
  readonly events = new Map<string, KeptEvent[]>();
  readonly decisions = new Map<string, KeptDecision[]>();
  /** By the number's key and the view's name. */
  readonly views = new Map<string, KeptView>();
  /** How far the topics' changes are published: the place of the last event that was told of. */
  publishedUpTo = -1;
  /** By partition of an inbound topic, up to where the store has what its messages led to. */
  readonly marks = new Map<string, number>();
  /** Of the region's histories the one that the store says it is in, and whether it is known to be whole and told. */
  epoch = FIRST_EPOCH;
  /** Place of the last event of each number's stream. */
  readonly lastAt = new Map<string, number>();
  /** Of each number the places of the events in its stream, in their order. */
  readonly places = new Map<string, number[]>();
  /** By the number's key and the view's name, what the view was said to rest on, one after the other; null while it was not known to be whole. */
  private readonly rested = new Map<string, { readonly position: number; readonly basis: Basis | null }[]>();
  /** Of each number the entries in the order in which they first appeared. */
  private readonly order = new Map<string, string[]>();
  readonly policies: KeptPolicy[] = [];
  /** How many identity events there were: whoever compares two moments sees whether any number moved. */
  merges = 0;
  /** Care events by which merges and unmerges came about, as `<source> <id>`. */
  readonly mergedBy = new Set<string>();
  /** What was recorded from each place of the consent topic, of whomever. */
  readonly decidedFrom = new Map<string, KeptDecision[]>();
  /** Whom versions of a Consent are about, by the Consent, from the moment on at which they are taken up. */
  private readonly holders = new Map<string, string[]>();
  /** Of each number the place of what last moved it. */
  readonly movedAt = new Map<string, number>();
  private readonly identities = new Map<string, KeptIdentity>();
  readonly lists = new Lists();
  private readonly versions = new FoundOnce<ReadonlyMap<string, readonly Facts[]>>();

  constructor(
    private readonly keys: Keys,
    /** By key, the region's NHS numbers. */
    private readonly numbers: ReadonlyMap<string, string> = new Map(),
  ) {}

  /** The store was put back to an earlier state: it is read anew. Whoever compares two moments sees that numbers may have moved. */
  forget(): void {
    for (const map of [this.events, this.decisions, this.views, this.lastAt, this.places, this.marks]) map.clear();
    for (const map of [this.rested, this.order, this.decidedFrom, this.holders, this.movedAt, this.identities]) map.clear();
    this.policies.length = 0;
    this.mergedBy.clear();
    this.publishedUpTo = -1;
    this.epoch = FIRST_EPOCH;
    this.merges += 1;
  }

  take(stored: StoredEvent): void {
    const dash = stored.stream.indexOf('-');
    const [category, key] = [stored.stream.slice(0, dash), stored.stream.slice(dash + 1)];
    const position = Number(stored.position);
    const { revision, type } = stored;
    const data = (): unknown => ({ type, position, revision, ...(JSON.parse(textOf(stored.data)) as object) });
    if (category === 'careRecord') {
      this.lastAt.set(key, position);
      listed(this.places, key).push(position);
      if (type.startsWith('decision-')) this.decide({ ...(data() as KeptDecision), key });
      else if (/^(number|merge)-/.test(type)) this.move(key, data() as IdentityEvent, position);
      else if (!/^(death|views)-/.test(type)) this.record({ ...(data() as KeptEvent), key });
      this.see(key, type, effectIn(stored));
      this.rest(key, position);
    } else if (category === 'mark') this.marks.set(key.replace(/-(?=\d+$)/, '/'), (data() as { readonly next: number }).next);
    else if (category === 'epoch') this.epoch = data() as KeptEpoch;
    else if (category === 'consentHolder') listed(this.holders, key).push((data() as { readonly key: string }).key);
    else if (category === 'publisher') this.publishedUpTo = Number((data() as { readonly position: string }).position);
    else if (category === 'policy') {
      const { policy, adoptedAt } = data() as AdoptedPolicy;
      this.policies.push({ version: revision + 1, policy, adoptedAt, position });
    }
  }

  private record(event: KeptEvent): void {
    listed(this.events, event.key).push(event);
    if (!isSaid(event) || /^patient-(merged|unmerged|death-retracted)/.test(event.type)) return;
    const order = listed(this.order, event.key);
    if (!order.includes(ownIdOf(event))) order.push(ownIdOf(event));
  }

  private decide(decision: KeptDecision): void {
    listed(this.decisions, decision.key).push(decision);
    // What came with an entry is no decision of its message's own.
    if (decision.follows === undefined) listed(this.decidedFrom, placeOf(decision.coordinates)).push(decision);
  }

  private move(key: string, event: IdentityEvent, position: number): void {
    this.merges++;
    this.movedAt.set(key, position);
    if (event.type === 'merge-accepted-1') this.mergedBy.add(event.cause);
    const identity = this.identity(key);
    // Whoever it was merged into has moved too: who looked before knew the two as one.
    if (event.type === 'number-restored-1')
      for (let by = identity.supersededBy, steps = 0; by !== null && steps < 64; by = this.identity(by).supersededBy, steps += 1)
        this.movedAt.set(by, position);
    if (event.type === 'number-superseded-1') identity.supersededBy = event.by;
    if (event.type === 'number-restored-1') identity.supersededBy = null;
    if (event.type === 'number-absorbed-1' && !identity.absorbed.includes(event.key)) identity.absorbed.push(event.key);
    if (event.type === 'number-released-1') identity.absorbed = identity.absorbed.filter((other) => other !== event.key);
  }

  private see(key: string, type: string, effect: Effect | null): void {
    if (!BRINGS_NOTHING.test(type))
      for (const [name, view] of this.views)
        if (name.startsWith(`${key} `) && effect?.views[name.slice(key.length + 1)] === undefined) view.basis = null;
    for (const [version, changes] of Object.entries(effect?.views ?? {})) {
      const name = `${key} ${version}`;
      const view = this.views.get(name) ?? { letters: new Map<string, string>(), basis: null };
      this.views.set(name, view);
      for (const [[, is], entries] of Object.entries(changes) as [string, (typeof changes)[string]][]) {
        for (const id of entries.flatMap((one) => this.idsOf(key, one))) {
          if (is === '-') view.letters.delete(id);
          else view.letters.set(id, is as string);
        }
      }
      view.basis = effect?.basis ?? null;
    }
  }

  private rest(key: string, position: number): void {
    for (const [name, { basis }] of this.views) {
      if (!name.startsWith(`${key} `)) continue;
      const rested = listed(this.rested, name);
      if (rested.at(-1)?.basis !== basis) rested.push({ position, basis });
    }
  }

  /** What a view was said to rest on at any moment since a position of the store. */
  basesSince(key: string, view: string, position: number): (Basis | null)[] {
    const rested = this.rested.get(`${key} ${view}`) ?? [];
    return rested.filter((_, nth) => (rested[nth + 1]?.position ?? Infinity) >= position).map(({ basis }) => basis);
  }

  /** Revision of a number's stream once the store held so many events. */
  headOf(key: string, position = Infinity): number {
    return (this.places.get(key) ?? []).filter((place) => place < position).length - 1;
  }

  /** The policy in force once the store held so many events, and those adopted since. */
  policiesSince(position: number): KeptPolicy[] {
    return this.policies.filter((_, nth) => (this.policies[nth + 1]?.position ?? Infinity) >= position);
  }

  hasMovedSince(key: string, position: number): boolean {
    return (this.movedAt.get(key) ?? -1) >= position;
  }

  /** All numbers of the person of whom this is one, as they have been since a position; null where that is not known, or any of them moved. */
  personSince(key: string, position: number): string[] | null {
    const members = this.membersOf(this.survivorOf(key));
    return !members.includes(key) || members.some((member) => this.hasMovedSince(member, position)) ? null : members;
  }

  private idsOf(key: string, entries: number | readonly [number, number] | string): string[] {
    if (typeof entries === 'string') return [entries];
    const [first, last] = typeof entries === 'number' ? [entries, entries] : entries;
    return listed(this.order, key).slice(first, last + 1);
  }

  /** Whether a version of the Consent was recorded before that came later, where neither says that it is the newer one. */
  isOvertaken({ key, source, consentId, coordinates, receivedAt, version, position }: KeptDecision): boolean {
    const lane = ({ topic, partition }: Coordinates): string => `${topic}/${partition}`;
    return (this.decisions.get(key) ?? []).some((one) => {
      if (one.source !== source || one.consentId !== consentId || one.position >= position) return false;
      const cameLater = lane(one.coordinates) === lane(coordinates) && one.coordinates.offset > coordinates.offset;
      const [mine, other] = [{ receivedAt, ...(version && { version }) }, one];
      const isUnclear = isVersionLater(other, mine, true) && !isVersionLater(other, mine, false);
      return cameLater && one.receivedAt >= receivedAt && isUnclear;
    });
  }

  /** Whether a version of the Consent was ever taken up about somebody else. */
  wasElsewhere(source: string, consentId: string, key: string): boolean {
    return (this.holders.get(this.keys.uuid('consent', source, consentId)) ?? []).some((other) => other !== key);
  }

  identity(key: string): KeptIdentity {
    let identity = this.identities.get(key);
    if (identity === undefined) this.identities.set(key, (identity = { supersededBy: null, absorbed: [] }));
    return identity;
  }

  survivorOf(key: string): string {
    let survivor = key;
    for (let steps = 0; steps < 64; steps++) {
      const { supersededBy } = this.identity(survivor);
      if (supersededBy === null) return survivor;
      survivor = supersededBy;
    }
    return survivor;
  }

  /** The survivor first, depth first; a loop is gone round once. */
  membersOf(survivor: string, seen = new Set([survivor])): string[] {
    const isMember = (key: string): boolean => this.identity(key).supersededBy === survivor && !seen.has(key);
    const absorbed = this.identity(survivor).absorbed.filter(isMember);
    return [survivor, ...absorbed.flatMap((key) => this.membersOf(key, seen.add(key)))];
  }

  decisionsOf(members: readonly string[], before = Infinity): readonly KeptDecision[] {
    return this.lists.of(
      members.toReversed().flatMap((key) => (this.decisions.get(key) ?? []).filter(({ position }) => position < before)),
    );
  }

  /** Events and decisions in the order in which a person is folded, each member's up to a revision of its stream; the survivor's last. */
  upTo(members: readonly string[], revisions: readonly number[]) {
    const of = <T extends { readonly revision: number }>(lists: ReadonlyMap<string, readonly T[]>): readonly T[] =>
      this.lists.of(
        members.flatMap((_, nth) => {
          const index = members.length - 1 - nth;
          return (lists.get(members[index] as string) ?? []).filter(({ revision }) => revision <= (revisions[index] as number));
        }),
      );
    return { events: of(this.events), decisions: of(this.decisions) };
  }

  naming(projection: Projection, key: string): Naming {
    return {
      patient: this.keys.view(projection.purpose, key),
      of: (text: string) => this.keys.pseudonym(projection.purpose, text),
      ...(projection.identifies && { personOf: (number: string | undefined) => this.known(key, number) }),
    };
  }

  /** The surviving number's Patients replace those of all others, and those are replaced by it. */
  private known(survivor: string, number: string | undefined): PersonKnown {
    const [, ...others] = this.membersOf(survivor);
    const linked = number === survivor ? others : [survivor];
    const links = linked.map((key) => ({
      other: {
        type: 'Patient' as const,
        identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: this.numbers.get(key) as string },
      },
      type: number === survivor ? ('replaces' as const) : ('replaced-by' as const),
    }));
    return { nhsNumber: this.numbers.get(survivor) ?? null, linksOf: () => links };
  }

  /** What a view must hold at an instant, from these events and decisions and nothing else. */
  expectedView(
    key: string,
    projection: Projection,
    at: number,
    sent?: { events(key: string): readonly RecordedCareEvent[]; decisions(key: string): readonly Decision[] },
  ): { readonly entries: ReadonlyMap<string, ViewEntry>; readonly rules: ReturnType<typeof judgedOf>['rules'] } {
    const policy = this.policies.at(-1);
    if (this.identity(key).supersededBy !== null || policy === undefined) return { entries: new Map(), rules: new Map() };
    const members = this.membersOf(key);
    const of = <T extends object>(list: (member: string) => readonly T[]): readonly T[] =>
      this.lists.of(members.toReversed().flatMap((member) => list(member)));
    const events = of<RecordedCareEvent>(sent?.events ?? ((member) => this.events.get(member) ?? []));
    const decisions = of<Decision>(sent?.decisions ?? ((member) => this.decisions.get(member) ?? []));
    const judged = judgedOf(events, decisions, policy.policy, at, projection);
    return { entries: viewOf(judged, projection, this.naming(projection, key)), rules: judged.rules };
  }

  /** Every version that the members' organisations ever sent of each entry, under both names that the purpose may know it by. */
  versionsByViewId(members: readonly string[], projection: Projection): ReadonlyMap<string, readonly Facts[]> {
    const said = this.saidOf(members);
    return this.versions.of(said, [projection, members[0]], () => {
      const versions = new Map<string, Facts[]>();
      const naming = this.naming(projection, members[0] as string);
      for (const event of said) {
        for (const called of [ownIdOf(event), markedIdOf(event)])
          listed(versions, projection.entryId(called, naming)).push({ ...event, called });
      }
      return versions;
    });
  }

  private saidOf(members: readonly string[]): readonly KeptEvent[] {
    return this.lists.of(members.flatMap((key) => (this.events.get(key) ?? []).filter(isSaid)));
  }

  /**
   * Whether an entry, in any version, could be used at any of the instants, under any of the states. Where decisions look at the rest
   * of the record, or documents replace each other, it could be any that there ever was.
   */
  couldBeUsed(
    members: readonly string[],
    purpose: Purpose,
    states: readonly State[],
    instants: readonly number[],
  ): (versions: readonly Facts[]) => boolean {
    const tried: Trial[] = [];
    const untried = this.trials(members, purpose, states, instants);
    return (versions) => {
      const id = versions[0] === undefined ? '' : idOf(versions[0]);
      for (let nth = 0; nth < TRIALS_MAX; nth += 1) {
        const next = nth < tried.length ? undefined : untried.next();
        if (next?.done === true) return false;
        if (next !== undefined) tried.push(next.value);
        const { judge, record } = tried[nth] as Trial;
        const then = record === null ? versions : record.filter((entry) => idOf(entry) === id);
        if (then.some(judge)) return true;
      }
      return true;
    };
  }

  private *trials(members: readonly string[], purpose: Purpose, states: readonly State[], instants: readonly number[]) {
    const replace = this.saidOf(members).some(({ resource }) => 'relatesTo' in resource);
    const looks = replace || states.some(({ decisions }) => decisions.some(looksAround));
    for (const events of looks ? this.recordsEver(members) : [null]) {
      const record = events === null ? null : presentIn(events);
      const { inPlaceOf } = documentsIn(events ?? NO_EVENTS);
      for (const { decisions, policy } of states) {
        for (const at of instants) {
          const ruleOf = judgeOf(purpose, decisions, policy.policy, at, record ?? NO_EVENTS, inPlaceOf);
          yield { judge: (entry) => ruleOf(entry)?.effect === 'permit', record } satisfies Trial;
        }
      }
    }
  }

  /** A person's record as it is, and as it ever can have been found, each member's part at any length. */
  private *recordsEver(members: readonly string[]): Generator<readonly KeptEvent[]> {
    const lists = members.toReversed().map((key) => (this.events.get(key) ?? []).filter(isSaid));
    const lengths = lists.map(({ length }) => length);
    for (;;) {
      yield this.lists.of(lists.flatMap((list, member) => list.slice(0, lengths[member])));
      const next = lengths.findLastIndex((length) => length > 0);
      if (next < 0) return;
      lengths[next] = (lengths[next] as number) - 1;
      for (let member = next + 1; member < lists.length; member += 1) lengths[member] = lists[member]?.length ?? 0;
    }
  }
}

/** Decisions, and the policy that they stood under. */
export interface State {
  readonly decisions: readonly Decision[];
  readonly policy: AdoptedPolicy;
}

interface Trial {
  readonly judge: (entry: Facts) => boolean;
  readonly record: readonly Facts[] | null;
}

/** After so many it is not said any more that an entry could not be used. */
const TRIALS_MAX = 5_000;

const NO_EVENTS: readonly KeptEvent[] = [];

export const effectIn = ({ meta }: StoredEvent): Effect | null => (meta['effect'] as unknown as Effect | undefined) ?? null;

export const placeOf = ({ topic, partition, offset }: Coordinates): string => `${topic}/${partition}/${offset}`;

export function listed<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}
