import { viewName, type Projection } from '@weft/domain';
import { changeKey, recordChangesTopic, toldRevision, type Keys, type Message, type StoredEvent } from '@weft/processing';
import type { World } from '@weft/testing';
import { listed, type Ledger, type State } from './ledger.js';
import type { Clocks } from './clocks.js';
import { around, boundariesIn } from './naive-decisions.js';
import type { Violated } from './basis-checks.js';
import type { Projected } from './view-checks.js';

/** What the topics say of entries, message by message: never that one is included which was forbidden where the publisher read. */
export class TellingChecks {
  /** By place in the store, the time (milliseconds since 1970). */
  private readonly times: number[] = [];
  /** By a number's key and a version of the view, under which number each revision of the stream is told. */
  private readonly toldAs = new Map<string, string[]>();

  constructor(
    private readonly ledger: Ledger,
    private readonly world: Pick<World, 'keys' | 'scheduler' | 'injected'>,
    private readonly region: Projected,
    private readonly clocks: Clocks,
    private readonly violated: Violated,
  ) {}

  stored({ position }: StoredEvent): void {
    this.times[Number(position)] = this.world.scheduler.now;
  }

  published(message: Message): void {
    if (message.value === null) return;
    for (const projection of this.region.everyProjection)
      if (message.topic === recordChangesTopic(projection.purpose)) this.told(message, projection);
  }

  private told({ key: named, headers }: Message, projection: Projection): void {
    const { ledger } = this;
    const survivor = this.survivorIn(named, projection);
    const revision = survivor === undefined ? null : this.revisionIn(headers['ce_viewrevision'], projection, survivor);
    // It is of another version of the view.
    if (survivor === undefined || revision === null) return;
    const position = (ledger.places.get(survivor)?.[revision] ?? -1) + 1;
    const members = ledger.personSince(survivor, position);
    if (members === null || members[0] !== survivor) return;
    const { patient } = ledger.naming(projection, survivor);
    for (const [id, versions] of ledger.versionsByViewId(members, projection)) {
      if (changeKey(projection, patient, id, this.keys) !== named) continue;
      const states = this.statesSince(members, position, revision);
      const couldBeUsed = ledger.couldBeUsed(members, projection.purpose, states, this.instants(states, position));
      if (!couldBeUsed(versions))
        this.violated('nothing forbidden is told', `${projection.purpose} of ${survivor} was told ${id}`);
    }
  }

  private get keys(): Keys {
    return this.world.keys;
  }

  private survivorIn(named: string, { purpose }: Projection): string | undefined {
    return [...this.ledger.places.keys()].find((key) => named.startsWith(`${this.keys.view(purpose, key)}.`));
  }

  /** Up to which of the events of the person's own stream the publisher had read when it said so. */
  private revisionIn(told: string | undefined, projection: Projection, survivor: string): number | null {
    const viewKey = this.keys.view(projection.purpose, survivor);
    const { epoch } = this.ledger.epoch;
    const numbers = listed(this.toldAs, `${survivor} ${viewName(projection)} ${epoch}`);
    for (let revision = this.ledger.headOf(survivor); revision >= 0; revision -= 1) {
      numbers[revision] ??= String(toldRevision(projection, viewKey, revision, this.keys, epoch));
      if (numbers[revision] === told) return revision;
    }
    return null;
  }

  /** Of the person's own decisions those that it had read; of their other numbers', and of policies, any that came meanwhile may be among them. */
  private statesSince(members: readonly string[], position: number, revision: number): State[] {
    const { ledger } = this;
    const [survivor] = members;
    const isKnown = (one: { readonly key: string; readonly revision: number }): boolean =>
      one.key !== survivor || one.revision <= revision;
    const all = ledger.decisionsOf(members).filter(isKnown);
    const moments = [position, ...all.map((one) => one.position + 1).filter((at) => at > position)];
    const known = moments.map((before) => ledger.lists.of(all.filter((one) => one.position < before)));
    return ledger.policiesSince(position).flatMap((policy) => known.map((decisions) => ({ decisions, policy })));
  }

  /** When it may have read; where any clock was ever set wrong, at any date from the newest receipt on to the brokers' time. */
  private instants(states: readonly State[], position: number): number[] {
    const boundaries = around(boundariesIn(states.flatMap(({ decisions }) => decisions)));
    const { now } = this.world.scheduler;
    const from = this.times[position - 1] as number;
    if (this.world.injected.some(({ kind }) => kind === 'clockSkew')) {
      const [first, last] = [this.clocks.closesFrom(from), this.clocks.opensUntil()];
      const ends = [first, last].filter(Number.isFinite);
      return [...(first <= now ? [now] : []), ...ends, ...boundaries.filter((at) => at > first && at < last)];
    }
    return [now, from, ...boundaries.filter((at) => at > from && at < now)];
  }
}
