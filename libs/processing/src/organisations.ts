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
  /** Both together: what is decided by one state is appended behind that one and no later one. */
  private known: { readonly all: Organisations; readonly head: number } = { all: new Map(), head: NO_STREAM };

  constructor(
    private readonly store: Pick<EventStore, 'append' | 'read'>,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Every one, suspended ones too, by ODS code. Asks the store each time what is new, and for nothing else. */
  async current(): Promise<Organisations> {
    return (await this.look()).all;
  }

  private async look(): Promise<OrganisationBook['known']> {
    for await (const page of eventsOf(this.store, ORGANISATIONS_STREAM, this.known.head + 1)) {
      for (const { type, revision, data } of page) {
        // Another look at the same time may have taken it in.
        if (revision <= this.known.head) continue;
        this.known = { all: evolve(this.known.all, decode(type, textOf(data))), head: revision };
      }
    }
    return this.known;
  }

  /** The first ones of a region that has none: of several that say so at one time the first one's. */
  async seed(organisations: readonly Organisation[]): Promise<Organisations> {
    const { all, head } = await this.look();
    if (all.size > 0 || organisations.length === 0) return all;
    const added = organisations.map((one) => ({ type: 'organisation-added-1', ...one, added: null }) as const);
    await this.append(head, added);
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
      const { all, head } = await this.look();
      const event = decide(all.get(ods));
      if (event === null || (await this.append(head, [event]))) return (await this.current()).get(ods)!;
    }
  }

  private async append(expected: number, events: readonly OrganisationEvent[]): Promise<boolean> {
    const stored = events.map(({ type, ...data }) => ({ id: this.random.uuid(), type, data: bytesOf(JSON.stringify(data)) }));
    return (await unlessFenced(this.store.append(ORGANISATIONS_STREAM, expected, stored))) !== null;
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
