import {
  emptyIdentity,
  emptyRecord,
  endWaiting,
  evolveIdentity,
  evolvePlacement,
  evolveRecord,
  evolveViews,
  outdateViews,
  placeOfEvent,
  type CareRecord,
  type Effect,
  type Identity,
  type NotePlacing,
  type Problem,
  type Received,
  type Views,
} from '@weft/domain';
import {
  decodeNumberEvent,
  effectIn,
  textOf,
  withoutChain,
  type DecodedNumberEvent,
  type NumberEvent,
  type RecordedDecision,
} from './encoding.js';
import { RecordUnreadable } from './errors.js';
import { NO_STREAM, type EventStore, type StoredEvent } from './ports.js';
import { careRecordStream } from './streams.js';

/**
 * Everything about one number, folded: what was accepted, decided and merged, and the views of their person that this made.
 * Live, rebuilt, read, told and verified states are this one fold.
 */
export interface NumberState {
  readonly key: string;
  /** Revision of the last event folded, -1 for none. */
  revision: number;
  /** What the next event is chained to. */
  chain: string;
  readonly record: CareRecord;
  readonly decisions: RecordedDecision[];
  readonly identity: Identity;
  /** Which deaths said of the number were accepted (no problems), and which were not, by `placeOfEvent`. */
  readonly deaths: Map<string, readonly Problem[]>;
  readonly views: Views;
}

function emptyNumber(key: string): NumberState {
  return {
    key,
    revision: NO_STREAM,
    chain: '',
    record: emptyRecord(),
    decisions: [],
    identity: emptyIdentity(),
    deaths: new Map(),
    views: new Map(),
  };
}

/** Whether anything was ever accepted or decided about the number. */
export const isKnownNumber = ({ record, decisions }: NumberState): boolean => record.accepted.size > 0 || decisions.length > 0;

/** Folds one stored event in, in place. */
function evolveNumber(state: NumberState, stored: StoredEvent, said: DecodedNumberEvent, note?: NotePlacing): void {
  applyToNumber(state, said, stored.revision, note);
  state.revision = stored.revision;
  state.chain = said.chain;
  foldEffect(state, stored.type, effectIn(stored), stored.revision);
}

/** What an event says, without what it changed in the views. */
export function applyToNumber(state: NumberState, { kind, event }: NumberEvent, revision: number, note?: NotePlacing): void {
  const { record } = state;
  record.revision = revision - 1;
  if (kind === 'record') evolveRecord(record, event, note);
  else if (kind === 'decision') state.decisions.push(event);
  else if (kind === 'identity') {
    evolveIdentity(state.identity, event);
    if ('ownNhsNumber' in event) record.nhsNumber ??= event.ownNhsNumber;
  } else if (kind === 'waited') endWaiting(record, event.until);
  else if (kind === 'placement') evolvePlacement(record.entries, event, revision);
  else if (kind === 'death') state.deaths.set(placeOfEvent(event.cause, event.coordinates), event.problems);
  record.revision = revision;
}

/**
 * What brings nothing that a view could show: that a merge is decided, that a death may be told, whose entries are to be, where an event is, and
 * that views were derived anew.
 */
const BRINGS_NOTHING: ReadonlySet<string> = new Set([
  'merge-accepted-1',
  'merge-refused-1',
  'death-accepted-1',
  'death-refused-1',
  'entries-claimed-1',
  'care-event-homed-1',
  'views-derived-1',
]);

/** Folds in what an event of a type changed in the views; null where it says nothing of them. */
export function foldEffect({ record, views }: NumberState, type: string, effect: Effect | null, revision: number): void {
  if (!BRINGS_NOTHING.has(type)) outdateViews(views, effect);
  if (effect !== null) evolveViews(views, effect, revision, (place) => record.order[place] as string);
}

const PAGE = 1_000;

/** Every readable event of a stream, page by page, from a revision on. */
export async function* eventsOf(
  store: Pick<EventStore, 'read'>,
  stream: string,
  first = 0,
): AsyncGenerator<readonly StoredEvent[]> {
  let from = first;
  for (;;) {
    const page = await store.read(stream, { from, maxCount: PAGE });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = last.revision + 1;
  }
}

/**
 * Every event of a number's stream from a revision on. A stream begins at revision 0 and skips none: throws RecordUnreadable where one is missing,
 * since that may have been an objection.
 */
export async function* eventsOfNumber(
  store: Pick<EventStore, 'read' | 'head'>,
  key: string,
  first = 0,
): AsyncGenerator<readonly StoredEvent[]> {
  const stream = careRecordStream(key);
  let next = first;
  for await (const page of eventsOf(store, stream, first)) {
    for (const { revision } of page) if (revision !== next++) throw new RecordUnreadable('record-damaged', key);
    yield page;
  }
  // Of a stream that lost everything nothing is read, as of one that never was.
  if (next > 0 || (await store.head(stream)) === NO_STREAM) return;
  // Its first events may have come in between.
  if ((await store.read(stream, { maxCount: 1 })).length === 0) throw new RecordUnreadable('record-damaged', key);
  yield* eventsOfNumber(store, key);
}

export interface LoadOptions {
  /** Only what was known by this instant, milliseconds since 1970: what the bus had then, and what was made of it. */
  readonly until?: number;
  readonly note?: NotePlacing;
  /** From the stream alone, whatever is remembered of it. */
  readonly anew?: boolean;
  /** What is remembered is used, and nothing is remembered for it: of somebody who is read once the next reader is seldom soon. */
  readonly inPassing?: boolean;
}

/** Folds a number's stream, up to an instant or to what the store holds now. The caller may go on folding into what it is given. Throws RecordUnreadable. */
export async function loadNumber(store: EventStore, key: string, options: LoadOptions = {}): Promise<NumberState> {
  const state = await lookAtNumber(store, key, options);
  return shared.has(state) ? copyOf(state) : state;
}

/** The same for who only looks: others may be given the same state, and nobody folds anything into it. */
export async function lookAtNumber(store: EventStore, key: string, options: LoadOptions = {}): Promise<NumberState> {
  const { until = Infinity, note, anew = false, inPassing = false } = options;
  const numbers = until === Infinity && note === undefined && !anew ? rememberedIn(store) : null;
  const found = numbers?.get(key);
  const known = found !== undefined && (await endsAsBefore(store, found)) ? found : undefined;
  let state = known;
  for await (const page of eventsOfNumber(store, key, (known?.revision ?? NO_STREAM) + 1)) {
    // What others look at stays as it is.
    if (state === known) state = known === undefined ? emptyNumber(key) : copyOf(known);
    for (const stored of page) {
      const said = decodeNumberEvent(stored);
      if (until !== Infinity && knownAt(said) > until) continue;
      evolveNumber(state!, stored, said, note);
    }
  }
  if (state === undefined) return emptyNumber(key);
  if (state !== known && state.revision >= MANY_EVENTS && !inPassing) numbers?.keep(asShared(state));
  return state;
}

/** States that more than one may look at. */
const shared = new WeakSet<NumberState>();

function asShared(state: NumberState): NumberState {
  shared.add(state);
  return state;
}

/** Whether the event that a state ends with is still where it was: a store that was put back to an earlier state may hold another one there. */
async function endsAsBefore(store: EventStore, { key, revision, chain }: NumberState): Promise<boolean> {
  const [last] = await store.read(careRecordStream(key), { from: revision, maxCount: 1 });
  return last !== undefined && last.revision === revision && withoutChain(textOf(last.data)).chain === chain;
}

/** Since when it is known: of what a message said since the bus had that, also where the store was made anew from the topics. */
const knownAt = ({ event }: NumberEvent): number => (event as Received).receivedAt ?? Date.parse(event.recordedAt);

/** Another one, so that neither sees what is folded into the other. */
function copyOf({ record, identity, decisions, deaths, views, ...state }: NumberState): NumberState {
  return {
    ...state,
    record: {
      ...record,
      accepted: new Map(record.accepted),
      entries: new Map([...record.entries].map(([id, entry]) => [id, { ...entry }])),
      order: [...record.order],
      heardFrom: new Set(record.heardFrom),
      claims: new Map(record.claims),
      awaiting: new Map(record.awaiting),
    },
    decisions: [...decisions],
    identity: {
      ...identity,
      absorbed: [...identity.absorbed],
      related: new Set(identity.related),
      everAbsorbed: new Set(identity.everAbsorbed),
      decided: new Map(identity.decided),
      causes: new Set(identity.causes),
    },
    deaths: new Map(deaths),
    views: new Map([...views].map(([name, view]) => [name, { ...view, letters: new Map(view.letters) }])),
  };
}

/** A number with so many events is remembered: others are read again in no time. */
const MANY_EVENTS = 32;
/** Of all numbers remembered, the events together, at some kilobytes each: a number is remembered while it is worked on. */
const REMEMBERED_EVENTS = 20_000;

/** The numbers loaded last, each as of a revision: whoever loads one again reads what came since. */
class Remembered {
  private readonly numbers = new Map<string, NumberState>();
  private events = 0;

  get(key: string): NumberState | undefined {
    const state = this.numbers.get(key);
    if (state === undefined) return undefined;
    this.numbers.delete(key);
    this.numbers.set(key, state);
    return state;
  }

  keep(state: NumberState): void {
    const { key, revision } = state;
    this.forget(key);
    this.numbers.set(key, state);
    this.events += revision + 1;
    for (const oldest of this.numbers.keys()) {
      if (this.events <= REMEMBERED_EVENTS || oldest === key) break;
      this.forget(oldest);
    }
  }

  private forget(key: string): void {
    this.events -= (this.numbers.get(key)?.revision ?? NO_STREAM) + 1;
    this.numbers.delete(key);
  }
}

const remembered = new WeakMap<EventStore, Remembered>();

function rememberedIn(store: EventStore): Remembered {
  const numbers = remembered.get(store) ?? new Remembered();
  remembered.set(store, numbers);
  return numbers;
}
