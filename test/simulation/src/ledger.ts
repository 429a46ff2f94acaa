import {
  deriveView,
  emptyIdentity,
  emptyRecord,
  emptyView,
  eventKey,
  evolveIdentity,
  evolveRecord,
  evolveView,
  judge,
  permits,
  type AdoptedPolicy,
  type CareRecord,
  type Coordinates,
  type Decision,
  type EntryFacts,
  type Identity,
  type IdentityEvent,
  type Projection,
  type Purpose,
  type RecordedCareEvent,
  type View,
  type ViewEntry,
  type ViewEvent,
} from '@weft/domain';
import type { Keys, StoredEvent } from '@weft/processing';

/** A decision, with where it stands in the one order of the store. */
export interface KeptDecision extends Decision {
  readonly coordinates: Coordinates;
  readonly position: number;
}

export interface KeptView {
  readonly view: View;
  revision: number;
  /** Consent revision of the view's own number that it was last built under. */
  consentRevision: number;
}

/** What the store holds, folded as it is written: the oracle's own eyes, with nothing of processing in between. */
export class Ledger {
  readonly events = new Map<string, RecordedCareEvent[]>();
  readonly decisions = new Map<string, KeptDecision[]>();
  readonly identities = new Map<string, Identity>();
  readonly views = new Map<string, KeptView>();
  readonly policies: (AdoptedPolicy & { readonly position: number })[] = [];
  /** How many identity events there were: whoever compares two moments sees whether any number moved. */
  merges = 0;

  constructor(private readonly keys: Keys) {}

  take(stored: StoredEvent): void {
    const [category, key = ''] = stored.stream.split(/-(.*)/s);
    const data = { ...(JSON.parse(stored.data) as object), type: stored.type };
    if (category === 'careRecord') listed(this.events, key).push(data as unknown as RecordedCareEvent);
    else if (category === 'consent') {
      listed(this.decisions, key).push({ ...(data as unknown as KeptDecision), position: Number(stored.position) });
    } else if (category === 'identity') {
      this.merges++;
      evolveIdentity(this.identity(key), data as IdentityEvent);
    } else if (stored.stream === 'policy-region') {
      const { policy, adoptedAt } = data as unknown as AdoptedPolicy;
      this.policies.push({ version: stored.revision + 1, policy, adoptedAt, position: Number(stored.position) });
    } else if (/View\d+$/.test(category ?? '') && category?.startsWith('replay') === false) this.see(stored, data as ViewEvent);
  }

  private see(stored: StoredEvent, event: ViewEvent): void {
    const kept = this.views.get(stored.stream) ?? { view: emptyView(), revision: -1, consentRevision: -1 };
    this.views.set(stored.stream, kept);
    evolveView(kept.view, event);
    kept.revision = stored.revision;
  }

  identity(key: string): Identity {
    let identity = this.identities.get(key);
    if (identity === undefined) this.identities.set(key, (identity = emptyIdentity()));
    return identity;
  }

  survivorOf(key: string): string {
    let survivor = key;
    for (let steps = 0; steps < 64; steps++) {
      const { supersededBy } = this.identity(survivor);
      if (supersededBy === null) return survivor;
      survivor = supersededBy.key;
    }
    return survivor;
  }

  /** The survivor first, depth first. */
  membersOf(survivor: string): string[] {
    const absorbed = this.identity(survivor).absorbed.filter((key) => this.identity(key).supersededBy?.key === survivor);
    return [survivor, ...absorbed.flatMap((key) => this.membersOf(key))];
  }

  decisionsOf(members: readonly string[], before = Infinity): KeptDecision[] {
    return members.toReversed().flatMap((key) => (this.decisions.get(key) ?? []).filter(({ position }) => position < before));
  }

  recordOf(members: readonly string[], eventsOf = (key: string) => this.events.get(key) ?? []): CareRecord {
    const record = emptyRecord();
    for (const key of members.toReversed()) for (const event of eventsOf(key)) evolveRecord(record, event);
    return record;
  }

  /** What a view must hold, from these events and decisions and nothing else. */
  expectedView(
    key: string,
    projection: Projection,
    at: number,
    eventsOf?: (key: string) => readonly RecordedCareEvent[],
    decisions?: readonly Decision[],
  ): Map<string, ViewEntry> {
    if (this.identity(key).supersededBy !== null) return new Map();
    const members = this.membersOf(key);
    const policy = this.policies.at(-1);
    if (policy === undefined) return new Map();
    const verdict = judge(projection.purpose, decisions ?? this.decisionsOf(members), policy.policy, at);
    const record = this.recordOf(members, eventsOf === undefined ? undefined : (member) => [...eventsOf(member)]);
    const pseudonyms = {
      patient: this.keys.view(projection.purpose, key),
      of: (text: string) => this.keys.pseudonym(projection.purpose, text),
    };
    return deriveView(record, projection, verdict, pseudonyms).entries;
  }

  /** Every version that the members' organisations ever sent of each entry, under the name that the purpose knows it by. */
  versionsByViewId(members: readonly string[], projection: Projection): Map<string, EntryFacts[]> {
    const versions = new Map<string, EntryFacts[]>();
    const of = (text: string): string => this.keys.pseudonym(projection.purpose, text);
    for (const key of members) {
      for (const { organisation, resource } of this.events.get(key) ?? []) {
        const { resourceType } = resource;
        const id = `${organisation}/${resourceType}/${resource.id}`;
        const viewId = projection.entryId(id, { patient: '', of });
        listed(versions, viewId).push({ id, organisation, resourceType, resource });
      }
    }
    return versions;
  }

  /** True where no version of the entry may be used at any of the instants, under any of the states of decisions and policy given. */
  isForbidden(
    versions: readonly EntryFacts[],
    purpose: Purpose,
    states: readonly { readonly decisions: readonly Decision[]; readonly policy: AdoptedPolicy }[],
    instants: readonly number[],
  ): boolean {
    return !versions.some((facts) =>
      states.some(({ decisions, policy }) =>
        instants.some((at) => permits(facts, purpose, decisions, policy.policy, at).permitted),
      ),
    );
  }

  static acceptedKey(subjectKey: string, event: { readonly source: string; readonly id: string }): string {
    return `${subjectKey} ${eventKey(event)}`;
  }
}

function listed<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}

/** Every instant at which one of the decisions begins or ends, and the one before it. */
export function boundariesOf(decisions: readonly Decision[]): number[] {
  const instants = decisions.flatMap(({ provision, exceptions }) =>
    [provision, ...exceptions].flatMap(({ from, until }) => [from, until].filter((at) => at !== undefined)),
  );
  return instants.flatMap((at) => [at - 1, at]);
}
