import { canonicalJson, type Person, type ReleasedCodes } from '@weft/domain';
import { appendAtEnd, unlessFenced } from './append.js';
import { bytesOf, textOf } from './encoding.js';
import { EngineDamaged } from './errors.js';
import { eventsOf } from './number.js';
import { APPEND_LIMIT_BYTES, NO_STREAM, type Clock, type EventStore, type NewEvent, type Random } from './ports.js';
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

/** Of a list too large for one event: the parts before the last, which the event about it carries itself. */
interface Parted {
  /** The id that they have in common, and how many there are. */
  readonly parts?: { readonly of: string; readonly count: number };
}

type CodesEvent =
  | { readonly type: 'released-codes-part-1'; readonly of: string; readonly codes: ReleasedCodes }
  | ({ readonly type: 'released-codes-begun-1'; readonly codes: ReleasedCodes; readonly at: string } & Parted)
  | ({ readonly type: 'released-codes-proposed-1' } & CodesProposal & Parted)
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
    private readonly store: Pick<EventStore, 'append' | 'head' | 'read'>,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Null of a region that has not begun any. */
  async current(): Promise<CodesInForce | null> {
    return (await this.read()).state;
  }

  /** Of several that begin them at one time the first one's count. */
  async seed(codes: ReleasedCodes): Promise<void> {
    if ((await this.read()).state !== null) return;
    const list = await this.appendParts(codes);
    for (;;) {
      const { state, head } = await this.read();
      if (state !== null || (await this.append(head, { type: 'released-codes-begun-1', ...list, at: this.now() }))) return;
    }
  }

  /** Takes the place of a proposal that waits. Null, and nothing is written, in a region that has not begun any: its making was cut short. */
  async propose(codes: ReleasedCodes, by: Person, reason: string): Promise<CodesInForce | null> {
    if ((await this.current()) === null) return null;
    const list = await this.appendParts(codes);
    const event = { type: 'released-codes-proposed-1', id: this.random.uuid(), ...list, by, reason, at: this.now() } as const;
    while (!(await this.append((await this.read()).head, event)));
    return this.current();
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
    const parts = new Map<string, ReleasedCodes[]>();
    for await (const page of eventsOf(this.store, RELEASED_CODES_STREAM)) {
      for (const { type, revision, data } of page) {
        const event = { type, ...(JSON.parse(textOf(data)) as object) } as CodesEvent;
        if (event.type === 'released-codes-part-1') parts.set(event.of, [...(parts.get(event.of) ?? []), event.codes]);
        else state = evolve(state, whole(event, parts));
        head = revision;
      }
    }
    return { state, head };
  }

  /** Appends all but the last part of a list, and gives that one with what finds the others. A process that ends here has changed nothing. */
  private async appendParts(codes: ReleasedCodes): Promise<{ readonly codes: ReleasedCodes } & Parted> {
    const parts = partsOf(codes);
    const last = parts.pop()!;
    if (parts.length === 0) return { codes: last };
    const of = this.random.uuid();
    const events = parts.map((part) => this.encode({ type: 'released-codes-part-1', of, codes: part }));
    await appendAtEnd(this.store, RELEASED_CODES_STREAM, events);
    return { codes: last, parts: { of, count: parts.length } };
  }

  private async append(expected: number, event: CodesEvent): Promise<boolean> {
    return (await unlessFenced(this.store.append(RELEASED_CODES_STREAM, expected, [this.encode(event)]))) !== null;
  }

  private encode({ type, ...data }: CodesEvent): NewEvent {
    return { id: this.random.uuid(), type, data: bytesOf(JSON.stringify(data)) };
  }
}

/** So many characters of a list stand in one event: none takes more than three bytes. */
const PART_MAX = APPEND_LIMIT_BYTES / 4;

/** Lists that are one together, each small enough for an event; at least one. */
function partsOf(codes: ReleasedCodes): ReleasedCodes[] {
  const parts: Record<string, string[]>[] = [{}];
  let length = 0;
  for (const [system, list] of Object.entries(codes)) {
    // Also of a system without any: none of its codes is told then.
    parts.at(-1)![system] = [];
    for (const code of list) {
      const added = JSON.stringify(code).length + 1;
      if (length + added > PART_MAX) {
        parts.push({});
        length = 0;
      }
      (parts.at(-1)![system] ??= []).push(code);
      length += added;
    }
  }
  return parts;
}

function joined(parts: readonly ReleasedCodes[]): ReleasedCodes {
  const systems = new Set(parts.flatMap((part) => Object.keys(part)));
  return Object.fromEntries([...systems].map((system) => [system, parts.flatMap((part) => part[system] ?? [])]));
}

type WholeEvent = Exclude<CodesEvent, { readonly type: 'released-codes-part-1' }>;

/** The event with all of its list, where that came in parts. */
function whole(event: WholeEvent, known: Map<string, ReleasedCodes[]>): WholeEvent {
  if (event.type === 'released-codes-authorised-1' || event.parts === undefined) return event;
  const { parts, ...said } = event;
  const before = known.get(parts.of) ?? [];
  if (before.length !== parts.count)
    throw new EngineDamaged('store', `${RELEASED_CODES_STREAM} has ${before.length} of ${parts.count} parts of a list`);
  return { ...said, codes: joined([...before, event.codes]) };
}

function evolve(state: CodesInForce | null, event: WholeEvent): CodesInForce {
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
