import { canonicalJson, type Person, type ReleasedCodes } from '@weft/domain';
import { unlessFenced } from './append.js';
import { bytesOf, textOf } from './encoding.js';
import { EngineDamaged } from './errors.js';
import { eventsOf } from './number.js';
import { NO_STREAM, type Clock, type EventStore, type Random } from './ports.js';
import { timestamp } from './wiring.js';

/** Which codes population health and research are told, and who wants others. */
const RELEASED_CODES_STREAM = 'releasedCodes-region';

interface CodesProposal {
  readonly id: string;
  readonly codes: ReleasedCodes;
  readonly by: Person;
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

type CodesEvent =
  | { readonly type: 'released-codes-begun-1'; readonly codes: ReleasedCodes; readonly at: string }
  | ({ readonly type: 'released-codes-proposed-1' } & CodesProposal)
  | { readonly type: 'released-codes-authorised-1'; readonly id: string; readonly by: Person; readonly at: string };

export interface CodesInForce {
  readonly codes: ReleasedCodes;
  /** Who proposed and authorised them; null of those that the region began with. */
  readonly proposal: CodesProposal | null;
  readonly authorisedBy: Person | null;
  /** What waits for a second person: the last one that was proposed. */
  readonly waiting: CodesProposal | null;
}

/** Why a proposal is not authorised. */
export class CodesNotAuthorised extends Error {
  override readonly name = 'CodesNotAuthorised';
  constructor(readonly why: 'unknown' | 'same-person') {
    super(`the released codes may not be authorised: ${why}`);
  }
}

/** Whether two lists release the same. */
export const sameCodes = (a: ReleasedCodes, b: ReleasedCodes): boolean => canonicalJson(a) === canonicalJson(b);

/** The released codes of a region, as data: what the settings say begins them, and nothing but two people changes them. */
export class ReleasedCodesBook {
  constructor(
    private readonly store: Pick<EventStore, 'append' | 'read'>,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Null of a region that has not begun any. */
  async current(): Promise<CodesInForce | null> {
    return (await this.read()).state;
  }

  /** Of several that begin them at one time the first one's count. */
  async seed(codes: ReleasedCodes): Promise<void> {
    const { state, head } = await this.read();
    if (state === null) await this.append(head, { type: 'released-codes-begun-1', codes, at: this.now() });
  }

  /** Takes the place of a proposal that waits. */
  async propose(codes: ReleasedCodes, by: Person, reason: string): Promise<CodesInForce> {
    const event = { type: 'released-codes-proposed-1', id: this.random.uuid(), codes, by, reason, at: this.now() } as const;
    while (!(await this.append((await this.read()).head, event)));
    return (await this.current())!;
  }

  /** Throws CodesNotAuthorised. */
  async authorise(id: string, by: Person): Promise<CodesInForce> {
    for (;;) {
      const { state, head } = await this.read();
      if (state?.waiting?.id !== id) throw new CodesNotAuthorised('unknown');
      if (state.waiting.by.subject === by.subject) throw new CodesNotAuthorised('same-person');
      if (await this.append(head, { type: 'released-codes-authorised-1', id, by, at: this.now() }))
        return (await this.current())!;
    }
  }

  private now = (): string => timestamp(this.clock);

  private async read(): Promise<{ readonly state: CodesInForce | null; readonly head: number }> {
    let [state, head]: [CodesInForce | null, number] = [null, NO_STREAM];
    for await (const page of eventsOf(this.store, RELEASED_CODES_STREAM)) {
      for (const { type, revision, data } of page) {
        state = evolve(state, { type, ...(JSON.parse(textOf(data)) as object) } as CodesEvent);
        head = revision;
      }
    }
    return { state, head };
  }

  private async append(expected: number, { type, ...data }: CodesEvent): Promise<boolean> {
    const event = { id: this.random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
    return (await unlessFenced(this.store.append(RELEASED_CODES_STREAM, expected, [event]))) !== null;
  }
}

function evolve(state: CodesInForce | null, event: CodesEvent): CodesInForce {
  if (event.type === 'released-codes-begun-1') return { codes: event.codes, proposal: null, authorisedBy: null, waiting: null };
  if (event.type === 'released-codes-proposed-1' && state !== null) {
    const { type: _, ...waiting } = event;
    return { ...state, waiting };
  }
  if (event.type === 'released-codes-authorised-1' && state?.waiting != null) {
    return { codes: state.waiting.codes, proposal: state.waiting, authorisedBy: event.by, waiting: null };
  }
  const { type } = event as { readonly type: string };
  throw new EngineDamaged('store', `${RELEASED_CODES_STREAM} holds ${type} where this version of Weft cannot read it`);
}
