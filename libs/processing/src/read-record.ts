import {
  areRead,
  canonicalJson,
  heldIn,
  holdsAt,
  isIncluded,
  misplacedIn,
  refusalIn,
  rolesToTell,
  seenIn,
  silentRules,
  sortedEntries,
  viewName,
  withoutArrival,
  type AdoptedPolicy,
  type LaneEnd,
  type Letter,
  type Marks,
  type Moment,
  type Projection,
  type Provision,
  type Purpose,
  type Reader,
  type Span,
  type ViewEntry,
} from '@weft/domain';
import { laneAt, withMarks } from './consent-marks.js';
import { decideViews, isCurrent, viewIn } from './decide-views.js';
import { pseudonymsOf } from './judges.js';
import { isKnownNumber, type NumberState } from './number.js';
import { loadPerson, type Person } from './person.js';
import { NO_STREAM, type Keys } from './ports.js';
import { momentNow } from './region-time.js';
import { careRecordStream, markStream, POLICY_STREAM } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** A record as a purpose may see it. */
export interface RecordForPurpose {
  readonly purpose: Purpose;
  readonly policyVersion: number;
  /** How many events were accepted, less one; -1 for none. */
  readonly recordRevision: number;
  /** How many decisions there are, less one; -1 for none. */
  readonly consentRevision: number;
  /** In the order in which things happened, those without a date first. */
  readonly entries: readonly ViewEntry[];
  /** How many entries of the purpose's concern a decision or the policy holds back. */
  readonly withheld: number;
  /** The roles that the policy has told that something is withheld. */
  readonly toTell: readonly Reader[];
}

/** Where a record was found. */
export interface FoundRecord {
  readonly record: RecordForPurpose;
  /** The surviving NHS number, where the one asked for was merged into it. */
  readonly movedTo: string | null;
  /** The keys of all numbers of the person, the surviving one first. */
  readonly members: readonly string[];
  /** False when the view was out of date (a rule or a date came after it) and the answer was decided afresh. */
  readonly fromView: boolean;
  /** Whether the purpose is refused nothing of the person: what it took to find the record then tells of nothing but what is shown. */
  readonly refusesNothing: boolean;
  /** Whether something waits for decisions that came before it, and the purpose may hear of that: it is in no answer yet. */
  readonly isArriving: boolean;
  /** Whether something is shown that waited for such decisions as long as the policy says. */
  readonly isShownUnread: boolean;
  /** Ids of entries that are shown and of which somebody should look whose they are: their versions name several people. */
  readonly misplaced: readonly string[];
  readonly footing: Footing;
}

/** Everything that an answer rests on: where each stream stood that was looked at, and when its decisions stand. */
export interface Footing {
  readonly streams: ReadonlyMap<string, number>;
  /** Milliseconds since 1970; null for ever. */
  readonly span: Span;
}

/**
 * Whether `readRecord` would give now what it gave when it found this footing: nothing was written since to any stream that
 * it looked at, and no decision begins or ends in between.
 */
export async function stillStands(wiring: Wiring, { streams, span }: Footing): Promise<boolean> {
  const { store } = wiring;
  const heads = await Promise.all([...streams].map(async ([stream, revision]) => (await store.head(stream)) === revision));
  return heads.every(Boolean) && holdsAt(span, await momentNow(wiring));
}

/** Whether anything was ever accepted about the patient: a record, or a decision. */
export async function isKnown({ store }: Wiring, key: string): Promise<boolean> {
  return (await loadPerson(store, key)).members.some(isKnownNumber);
}

/** What becomes of a person's entries for a purpose now, and when that holds. */
export interface Lettered {
  readonly letters: ReadonlyMap<string, Letter>;
  readonly span: Span;
  readonly fromView: boolean;
}

/** By the view that stands; where a policy or a date came after it, or it does not know all, decided again as views are. */
export function lettersFor(projection: Projection, person: Person, adopted: AdoptedPolicy, now: Moment, marks: Marks): Lettered {
  const view = viewIn(person.members[0] as NumberState, projection);
  if (isCurrent(view, person, adopted, now, marks) && view.basis !== null)
    return { letters: view.letters, span: view.basis.span, fromView: true };
  const { views, basis } = decideViews([projection], person, adopted, now, marks);
  return { letters: views.get(viewName(projection)) as Lettered['letters'], span: basis.span, fromView: false };
}

/**
 * Reads a person's streams to their ends, so that nothing decided before is missed, and then the policy. What is included is
 * projected here: a view holds no copies.
 */
export async function readRecord(wiring: Wiring, key: string, purpose: Purpose): Promise<FoundRecord> {
  const { store, keys } = wiring;
  const projection = projectionOf(wiring, purpose);
  const { loaded: person, marks } = await withMarks(
    store,
    () => loadPerson(store, key, { inPassing: true }),
    ({ members }) => members,
  );
  const adopted = await wiring.policies.current();
  const { letters, span, fromView } = lettersFor(projection, person, adopted, await momentNow(wiring), marks);
  const [survivor] = person.members as readonly [NumberState, ...NumberState[]];
  const entries = seenIn(person.record, letters, projection, pseudonymsOf(keys, projection, survivor.key, person.person));
  const held = heldIn(letters, silentRules(adopted.policy));
  const streams = new Map([...person.looked].map(([number, revision]) => [careRecordStream(number), revision]));
  streams.set(POLICY_STREAM, adopted.version - 1);
  const unread = unreadOf(person, marks);
  for (const [partition] of unread.flatMap(({ ends }) => ends))
    streams.set(markStream(laneAt(partition)), marks.get(partition)?.revision ?? NO_STREAM);
  return {
    record: {
      purpose,
      policyVersion: adopted.version,
      recordRevision: sum(person.members, ({ record }) => record.accepted.size) - 1,
      consentRevision: sum(person.members, ({ decisions }) => decisions.length) - 1,
      entries: inOrderOfTime([...entries.values()]),
      withheld: held.withheld,
      toTell: rolesToTell(held, adopted.policy),
    },
    movedTo: person.movedTo,
    members: person.members.map((member) => member.key),
    fromView,
    refusesNothing: [...letters.values()].every((letter) => refusalIn(letter) === undefined),
    isArriving: [...letters.values()].includes('a') && !isDeniedAnything(person, purpose),
    isShownUnread: unread.some(({ id }) => isIncluded(letters.get(id))),
    misplaced: projection.identifies ? misplacedIn(person.record, entries) : [],
    footing: { streams, span },
  };
}

/**
 * Whether anything of a person is denied to a purpose. What is missing cannot be judged: so nothing is said of it then, for it may be just
 * that.
 */
export function isDeniedAnything({ members }: Pick<Person, 'members'>, purpose: Purpose): boolean {
  return members.some(({ decisions }) => decisions.some(({ provision }) => denies(provision, purpose)));
}

const denies = ({ effect, purposes, provisions }: Provision, purpose: Purpose): boolean =>
  (effect === 'deny' && purposes.includes(purpose)) || provisions.some((one) => denies(one, purpose));

/** Entries that came behind decisions which are not read. */
function unreadOf({ record }: Person, marks: Marks): { readonly id: string; readonly ends: readonly LaneEnd[] }[] {
  return [...record.awaiting].flatMap(([id, { ends }]) => (areRead(ends, marks) ? [] : [{ id, ends }]));
}

const sum = (members: readonly NumberState[], of: (member: NumberState) => number): number =>
  members.reduce((total, member) => total + of(member), 0);

/** SHA-256 of the entries' canonical JSON, sorted by id, without arrival times: equal for equal views. */
export function digestOf(keys: Keys, entries: Iterable<ViewEntry>): string {
  return keys.digest(canonicalJson(sortedEntries(entries).map(withoutArrival)));
}

function inOrderOfTime(entries: readonly ViewEntry[]): ViewEntry[] {
  return entries
    .map((entry) => ({ entry, at: entry.occurredAt === null ? -Infinity : Date.parse(entry.occurredAt) }))
    .sort((a, b) => a.at - b.at || (a.entry.id < b.entry.id ? -1 : 1))
    .map(({ entry }) => entry);
}
