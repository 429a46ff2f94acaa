import type { Organisation, Person } from '@weft/domain';
import { unlessFenced } from './append.js';
import { bytesOf, textOf } from './encoding.js';
import { EngineDamaged } from './errors.js';
import { eventsOf } from './number.js';
import { NO_STREAM, type Clock, type EventStore, type Random } from './ports.js';
import { timestamp } from './wiring.js';

/** Which organisations the region has, and which of them may not send. */
const ORGANISATIONS_STREAM = 'organisations-region';

/** Who did something to an organisation, and why. */
interface Act {
  readonly by: Person;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/** An organisation of the region. It is never taken off the list: what it sent stays read. */
export interface RegionOrganisation extends Organisation {
  /** Null of one that the region was made with. */
  readonly added: Act | null;
  /** Since when it may not send, null while it may. */
  readonly suspended: Act | null;
  /** Who wants it to send again; somebody else has to agree. */
  readonly reinstatement: Act | null;
  /** When it could not send, milliseconds since 1970: what came before is acceptable whenever it is read. */
  readonly suspensions: readonly { readonly from: number; readonly until: number }[];
}

export type Organisations = ReadonlyMap<string, RegionOrganisation>;

type OrganisationEvent =
  | ({ readonly type: 'organisation-added-1'; readonly added: Act | null } & Organisation)
  | ({
      readonly type: 'organisation-suspended-1' | 'organisation-reinstatement-proposed-1' | 'organisation-reinstated-1';
      readonly ods: string;
    } & Act);

/** Why something is not done to an organisation. */
export class NotOfOrganisation extends Error {
  override readonly name = 'NotOfOrganisation';
  constructor(readonly why: 'unknown' | 'known-otherwise' | 'suspended-already' | 'not-suspended') {
    super(`this is not done to the organisation: ${why}`);
  }
}

/** Whether what an organisation sent at a time, milliseconds since 1970, may be taken. */
export const maySendAt = ({ suspensions }: Pick<RegionOrganisation, 'suspensions'>, time: number): boolean =>
  !suspensions.some(({ from, until }) => from <= time && time < until);

/** The organisations of a region, as data: stream `organisations-region`. */
export class OrganisationBook {
  private state: Organisations = new Map();
  private head = NO_STREAM;

  constructor(
    private readonly store: Pick<EventStore, 'append' | 'read'>,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Every one, suspended ones too, by ODS code. Asks the store each time what is new, and for nothing else. */
  async current(): Promise<Organisations> {
    for await (const page of eventsOf(this.store, ORGANISATIONS_STREAM, this.head + 1)) {
      for (const { type, revision, data } of page) {
        // Somebody else here looked at the same time.
        if (revision <= this.head) continue;
        this.state = evolve(this.state, decode(type, textOf(data)));
        this.head = revision;
      }
    }
    return this.state;
  }

  /** The first ones of a region that has none: of several that say so at one time the first one's. */
  async seed(organisations: readonly Organisation[]): Promise<Organisations> {
    if ((await this.current()).size > 0 || organisations.length === 0) return this.state;
    await this.append(organisations.map((one) => ({ type: 'organisation-added-1', ...one, added: null })));
    return this.current();
  }

  /** Throws NotOfOrganisation for one that is known by another name, or with other sites. */
  add(organisation: Organisation, by: Person, reason: string): Promise<RegionOrganisation> {
    return this.change(organisation.ods, (known) => {
      if (known === undefined) return { type: 'organisation-added-1', ...organisation, added: this.act(by, reason) };
      const said = ({ name, sites = [] }: Organisation): string => JSON.stringify([name, [...sites].sort()]);
      if (said(known) !== said(organisation)) throw new NotOfOrganisation('known-otherwise');
      return null;
    });
  }

  /** Throws NotOfOrganisation. */
  suspend(ods: string, by: Person, reason: string): Promise<RegionOrganisation> {
    return this.change(ods, (known) => {
      if (known === undefined) throw new NotOfOrganisation('unknown');
      if (known.suspended !== null) throw new NotOfOrganisation('suspended-already');
      return { type: 'organisation-suspended-1', ods, ...this.act(by, reason) };
    });
  }

  /** Lets it send again once two people have said so. Throws NotOfOrganisation. */
  reinstate(ods: string, by: Person, reason: string): Promise<RegionOrganisation> {
    return this.change(ods, (known) => {
      if (known === undefined) throw new NotOfOrganisation('unknown');
      if (known.suspended === null) throw new NotOfOrganisation('not-suspended');
      const { reinstatement } = known;
      if (reinstatement?.by.subject === by.subject) return null;
      const type = reinstatement === null ? 'organisation-reinstatement-proposed-1' : 'organisation-reinstated-1';
      return { type, ods, ...this.act(by, reason) };
    });
  }

  private act = (by: Person, reason: string): Act => ({ by, reason, at: timestamp(this.clock) });

  /** Decides by what is known, and again where somebody else was there first. */
  private async change(
    ods: string,
    decide: (known: RegionOrganisation | undefined) => OrganisationEvent | null,
  ): Promise<RegionOrganisation> {
    for (;;) {
      const event = decide((await this.current()).get(ods));
      if (event === null || (await this.append([event]))) return (await this.current()).get(ods)!;
    }
  }

  private async append(events: readonly OrganisationEvent[]): Promise<boolean> {
    const stored = events.map(({ type, ...data }) => ({ id: this.random.uuid(), type, data: bytesOf(JSON.stringify(data)) }));
    return (await unlessFenced(this.store.append(ORGANISATIONS_STREAM, this.head, stored))) !== null;
  }
}

const TYPES: readonly string[] = [
  'organisation-added-1',
  'organisation-suspended-1',
  'organisation-reinstatement-proposed-1',
  'organisation-reinstated-1',
] satisfies OrganisationEvent['type'][];

function decode(type: string, data: string): OrganisationEvent {
  if (TYPES.includes(type)) return { type, ...(JSON.parse(data) as object) } as OrganisationEvent;
  throw new EngineDamaged('store', `${ORGANISATIONS_STREAM} holds ${type}, which this version of Weft cannot read`);
}

function evolve(state: Organisations, event: OrganisationEvent): Organisations {
  return new Map(state).set(event.ods, changed(state.get(event.ods), event));
}

function changed(known: RegionOrganisation | undefined, event: OrganisationEvent): RegionOrganisation {
  if (event.type === 'organisation-added-1') {
    const { type: _, ...added } = event;
    return { ...added, suspended: null, reinstatement: null, suspensions: [] };
  }
  if (known === undefined)
    throw new EngineDamaged('store', `${ORGANISATIONS_STREAM} says ${event.type} of one that it does not add`);
  const { type, ods: _, ...act } = event;
  const time = Date.parse(act.at);
  const { suspensions } = known;
  switch (type) {
    case 'organisation-suspended-1':
      return { ...known, suspended: act, suspensions: [...suspensions, { from: time, until: Infinity }] };
    case 'organisation-reinstatement-proposed-1':
      return { ...known, reinstatement: act };
    case 'organisation-reinstated-1': {
      const ended = suspensions.map((one) => (one.until === Infinity ? { ...one, until: time } : one));
      return { ...known, suspended: null, reinstatement: null, suspensions: ended };
    }
  }
}
