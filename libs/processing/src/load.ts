import {
  decidedAbout,
  emptyIdentity,
  emptyRecord,
  emptyView,
  evolveIdentity,
  evolveRecord,
  evolveView,
  together,
  type ByNumber,
  type CareRecord,
  type Closing,
  type Identity,
  type NotePlacing,
  type NumberRecord,
  type Together,
  type View,
} from '@weft/domain';
import { BEGINNING, unchained } from './chain.js';
import { decodeDecision, decodeIdentityEvent, decodeRecordEvent, decodeViewEvent, type RecordedDecision } from './encoding.js';
import { EngineUnavailable } from './errors.js';
import { NO_STREAM, type EventStore, type StoredEvent } from './ports.js';
import { careRecordStream, consentStream, identityStream } from './streams.js';

const PAGE = 1_000;

/** Every readable event of a stream, page by page, from a revision on. */
export async function* eventsOf(store: EventStore, stream: string, first = 0): AsyncGenerator<readonly StoredEvent[]> {
  let from = first;
  for (;;) {
    const page = await store.read(stream, { from, maxCount: PAGE });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = last.revision + 1;
  }
}

/** Folds a number's record, up to an instant (milliseconds since 1970) or to what the store holds now. */
export async function loadRecord(store: EventStore, key: string, until = Infinity, note?: NotePlacing): Promise<CareRecord> {
  const record = emptyRecord();
  for await (const page of eventsOf(store, careRecordStream(key))) {
    for (const event of page.map(decodeRecordEvent)) if (isBy(event.recordedAt, until)) evolveRecord(record, event, note);
  }
  return record;
}

const isBy = (recordedAt: string, until: number): boolean => until === Infinity || Date.parse(recordedAt) <= until;

export interface Consent {
  /** Revision of the last decision, -1 for none. */
  readonly revision: number;
  /** What the next decision is chained to. */
  readonly chain: string;
  readonly decisions: readonly RecordedDecision[];
}

/** A person with so many decisions is remembered, lest each further one reads all before it. */
const MANY_DECISIONS = 64;
/** Of all people remembered, the decisions together. */
const REMEMBERED_DECISIONS = 100_000;
const remembered = new WeakMap<EventStore, Map<string, Consent>>();

/** All decisions about a number. Of a number with many only what came since the last look is read. */
export async function loadConsent(store: EventStore, key: string): Promise<Consent> {
  const known = remembered.get(store)?.get(key);
  const decisions = [...(known?.decisions ?? [])];
  let { revision, chain } = known ?? BEGINNING;
  for await (const page of eventsOf(store, consentStream(key), revision + 1)) {
    for (const stored of page) {
      const link = unchained(stored);
      decisions.push(decodeDecision(link.event));
      chain = link.chain ?? '';
      revision = stored.revision;
    }
  }
  const consent = { revision, chain, decisions };
  if (decisions.length >= MANY_DECISIONS) remember(store, key, consent);
  return consent;
}

function remember(store: EventStore, key: string, consent: Consent): void {
  const people = remembered.get(store) ?? new Map<string, Consent>();
  remembered.set(store, people);
  const known = people.get(key);
  // Two loads may end in the other order than they began.
  if (known !== undefined && known.revision > consent.revision) return;
  people.delete(key);
  people.set(key, consent);
  let total = 0;
  for (const { decisions } of people.values()) total += decisions.length;
  for (const [oldest, { decisions }] of people) {
    if (total <= REMEMBERED_DECISIONS || oldest === key) break;
    people.delete(oldest);
    total -= decisions.length;
  }
}

export async function loadIdentity(store: EventStore, key: string): Promise<Identity> {
  const identity = emptyIdentity();
  for await (const page of eventsOf(store, identityStream(key))) {
    for (const stored of page) evolveIdentity(identity, decodeIdentityEvent(stored));
  }
  return identity;
}

/** A view as stored, with the revision of the last event folded. */
export async function loadView(store: EventStore, stream: string): Promise<{ readonly view: View; readonly revision: number }> {
  const view = emptyView();
  let revision = NO_STREAM;
  for await (const page of eventsOf(store, stream)) {
    for (const stored of page) {
      evolveView(view, decodeViewEvent(stored));
      revision = stored.revision;
    }
  }
  return { view, revision };
}

/** The revision of a view's last event, and what holds by it: null where no view is, or parts of a change are missing. */
export async function loadClosing(
  store: EventStore,
  stream: string,
): Promise<{ readonly closing: Closing | null; readonly revision: number }> {
  const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
  if (last === undefined) return { closing: null, revision: NO_STREAM };
  return { closing: decodeViewEvent(last).closing ?? null, revision: last.revision };
}

/** Streams as they were found: the revision of the last event of each, -1 for none. */
export type Heads = Map<string, number>;

async function loadIdentityNoting(store: EventStore, key: string, seen: Heads | undefined): Promise<Identity> {
  const identity = await loadIdentity(store, key);
  const stream = identityStream(key);
  // What was found first counts: a stream that moved on between two looks must not pass for one that did not.
  if (seen !== undefined && !seen.has(stream)) seen.set(stream, identity.revision);
  return identity;
}

/** Whether an error says that a loop of merges stands at this moment, which its own merges undo. */
export const isLoopOfMerges = (error: unknown): boolean => error instanceof EngineUnavailable && error.engine === 'identity';

const loopOfMerges = (): EngineUnavailable => new EngineUnavailable('identity', 'a loop of merges is being undone; try again');

/** The number that stands for this one now: itself, or the last of its chain of merges. `seen` takes the streams looked at. */
export async function survivorOf(
  store: EventStore,
  key: string,
  seen?: Heads,
): Promise<{ readonly key: string; readonly nhsNumber: string | null }> {
  let survivor: { key: string; nhsNumber: string | null } = { key, nhsNumber: null };
  for (const passed = new Set<string>(); !passed.has(survivor.key);) {
    passed.add(survivor.key);
    const { supersededBy } = await loadIdentityNoting(store, survivor.key, seen);
    if (supersededBy === null) return survivor;
    survivor = supersededBy;
  }
  throw loopOfMerges();
}

/** The numbers that stand for these, each once. */
export async function survivorsOf(store: EventStore, keys: readonly string[]): Promise<string[]> {
  const survivors = await Promise.all(keys.map((key) => survivorOf(store, key)));
  return [...new Set(survivors.map((survivor) => survivor.key))];
}

/** The numbers that make up one person: the surviving one first, then what was merged into it, depth first. */
export async function membersOf(store: EventStore, survivor: string, seen?: Heads): Promise<string[]> {
  return membersUnder(store, survivor, await loadIdentityNoting(store, survivor, seen), seen, new Set());
}

async function membersUnder(
  store: EventStore,
  number: string,
  { absorbed }: Identity,
  seen: Heads | undefined,
  passed: Set<string>,
): Promise<string[]> {
  if (passed.has(number)) throw loopOfMerges();
  passed.add(number);
  const members = [number];
  for (const one of absorbed) {
    const identity = await loadIdentityNoting(store, one, seen);
    if (identity.supersededBy?.key === number) members.push(...(await membersUnder(store, one, identity, seen, passed)));
  }
  return members;
}

/** What is recorded of each of these numbers, in their order. */
export async function recordsOf(
  store: EventStore,
  numbers: readonly string[],
  until?: number,
  note?: (number: string, ...placed: Parameters<NotePlacing>) => void,
): Promise<NumberRecord[]> {
  const records: NumberRecord[] = [];
  for (const key of numbers) {
    const record = await loadRecord(store, key, until, note && ((...placed) => note(key, ...placed)));
    records.push({ key, record });
  }
  return records;
}

/**
 * All numbers of the person of whom this is one, with what is recorded of each, the surviving one first. What is given of this one
 * was read before. A merge that comes while the others are read is looked at anew; one that comes later fails the append to the
 * record of either number that it names.
 */
export async function loadMembers(store: EventStore, own: NumberRecord): Promise<readonly NumberRecord[]> {
  let keys = await keysWith(store, own.key);
  for (;;) {
    const others = await recordsOf(
      store,
      keys.filter((key) => key !== own.key),
    );
    const again = await keysWith(store, own.key);
    if (again.join() === keys.join()) return keys.map((key) => (key === own.key ? own : others.find((one) => one.key === key)!));
    keys = again;
  }
}

/** A merge that is being made, or refused, does not count yet: the surviving number says last that it took the other over. */
async function keysWith(store: EventStore, key: string): Promise<readonly string[]> {
  const members = await membersOf(store, (await survivorOf(store, key)).key);
  return members.includes(key) ? members : [key];
}

/** One person: everything that views are derived from. */
export interface Person extends ByNumber<RecordedDecision> {
  readonly key: string;
  readonly members: readonly string[];
  /** Revision of the surviving number's identity, -1 for none. */
  readonly identityRevision: number;
  /** All members' records as one. */
  readonly record: Together['record'];
  readonly person: Together['person'];
  /** All that counts for any of the members. */
  readonly decisions: readonly RecordedDecision[];
  /** One number a member, in the members' order. */
  readonly recordRevisions: readonly number[];
  readonly consentRevisions: readonly number[];
}

/**
 * Null when the number has given way to another one. Whoever writes views reads them first and then the person: a merge that
 * comes in between either shows here, or has fenced off the views that were read.
 */
export async function loadPerson(store: EventStore, survivor: string): Promise<Person | null> {
  const identity = await loadIdentity(store, survivor);
  if (identity.supersededBy !== null) return null;
  const members = await membersOf(store, survivor);
  const consents = await Promise.all(members.map((member) => loadConsent(store, member)));
  const records = await recordsOf(store, members);
  const { record, homes, person } = together(records);
  const ofNumbers = consents.map(({ decisions }, index) => ({ key: members[index] as string, decisions }));
  return {
    key: survivor,
    members,
    identityRevision: identity.revision,
    record,
    person,
    ...decidedAbout(ofNumbers, homes),
    recordRevisions: records.map((one) => one.record.revision),
    consentRevisions: consents.map((consent) => consent.revision),
  };
}

/** All numbers that were ever merged with this one, directly or through others; itself first. */
export async function relatedNumbers(store: EventStore, key: string): Promise<Map<string, Identity>> {
  const related = new Map<string, Identity>();
  const found = new Set([key]);
  for (const number of found) {
    const identity = await loadIdentity(store, number);
    related.set(number, identity);
    for (const other of identity.related) found.add(other);
  }
  return related;
}
