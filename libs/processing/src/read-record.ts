import {
  canonicalJson,
  deriveView,
  holdsAt,
  isCountedBy,
  rolesToTell,
  sameNumbers,
  silentRules,
  sortedEntries,
  withoutArrival,
  type AdoptedPolicy,
  type Basis,
  type Closing,
  type Held,
  type Projection,
  type Purpose,
  type Reader,
  type Span,
  type ViewEntry,
} from '@weft/domain';
import { EngineUnavailable } from './errors.js';
import { pseudonymsOf, rulingsAt } from './judges.js';
import { loadPerson, loadView, membersOf, survivorOf, type Heads } from './load.js';
import type { Keys } from './ports.js';
import { consentStream, identityStream, POLICY_STREAM, viewStream } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** A record as a purpose may see it. */
export interface RecordForPurpose {
  readonly purpose: Purpose;
  readonly policyVersion: number;
  /** Events accepted that the view was built from, less one: the revision of the record; -1 for none. */
  readonly recordRevision: number;
  /** Decisions that the view was built under, less one; -1 for none. */
  readonly consentRevision: number;
  /** In the order in which things happened, those without a date first. */
  readonly entries: readonly ViewEntry[];
  /** How many entries of the purpose's concern a decision or the policy holds back. */
  readonly withheld: number;
  /** The roles that the policy has told that something is withheld. */
  readonly toTell: readonly Reader[];
  /** SHA-256 of the entries' canonical JSON, sorted by id, without arrival times: equal for equal views. */
  readonly digest: string;
}

/** Where a record was found. */
export interface FoundRecord {
  readonly record: RecordForPurpose;
  /** The surviving NHS number, where the one asked for was merged into it. */
  readonly movedTo: string | null;
  /** The keys of all numbers of the person, the surviving one first. */
  readonly members: readonly string[];
  /** False when the view was out of date (a decision, a rule or a date came after it) and the answer was decided afresh. */
  readonly fromView: boolean;
  /** Null when the answer was decided afresh: such a one is true of its moment only. */
  readonly footing: Footing | null;
}

/** Everything that an answer rests on: where each stream stood that was looked at, and when its decisions stand. */
export interface Footing {
  readonly view: { readonly stream: string; readonly revision: number };
  /** Merges, decisions, policy. */
  readonly others: ReadonlyMap<string, number>;
  /** Milliseconds since 1970; null for ever. */
  readonly span: Span;
}

/**
 * Whether `readRecord` would give now what it gave when it found this footing: nothing was written since to any stream that
 * it looked at, and no decision begins or ends in between. The view first, then the rest, in `readRecord`'s own order.
 */
export async function stillStands({ store, clock }: Wiring, { view, others, span }: Footing): Promise<boolean> {
  if ((await store.head(view.stream)) !== view.revision) return false;
  const heads = await Promise.all([...others].map(async ([stream, revision]) => (await store.head(stream)) === revision));
  return heads.every(Boolean) && holdsAt(span, clock.now());
}

/** Every key of the person behind a key: what merges brought together, the surviving number's first. */
export async function keysOfPerson(wiring: Wiring, key: string): Promise<string[]> {
  const { key: survivor } = await survivorOf(wiring.store, key);
  return membersOf(wiring.store, survivor);
}

/** Whether anything was ever accepted about the patient: a record, or a decision. */
export async function isKnown(wiring: Wiring, key: string): Promise<boolean> {
  for (const member of await keysOfPerson(wiring, key)) {
    if ((await wiring.store.head(`careRecord-${member}`)) >= 0 || (await wiring.store.head(consentStream(member))) >= 0)
      return true;
  }
  return false;
}

/**
 * Reads the view and makes sure that nothing decided since is missed: the view is read first, then the heads of what it was
 * built under. A view that is out of date in any way is not served; the record is then decided again from the streams, by the
 * same functions that build views, so that nobody is shown too much and no clinician is shown less than is permitted.
 */
export async function readRecord(wiring: Wiring, key: string, purpose: Purpose): Promise<FoundRecord> {
  const { store, keys, clock } = wiring;
  const projection = projectionOf(wiring, purpose);
  const others: Heads = new Map();
  const { key: survivor, nhsNumber: movedTo } = await survivorOf(store, key, others);
  const stream = viewStream(projection, keys.view(purpose, survivor));
  const { view, revision } = await loadView(store, stream);
  const now = clock.now();
  const members = await membersOf(store, survivor, others);
  const [policy, ...consentHeads] = await Promise.all([
    wiring.policies.current(),
    ...members.map((member) => store.head(consentStream(member))),
  ] as const);
  const { closing } = view;
  if (closing !== null && isCurrent(closing, consentHeads, others.get(identityStream(survivor)), policy, now)) {
    others.set(POLICY_STREAM, policy.version - 1);
    members.forEach((member, index) => others.set(consentStream(member), consentHeads[index] as number));
    const footing = { view: { stream, revision }, others, span: closing.basis.span };
    const built = { basis: closing.basis, entries: view.entries, held: closing };
    return { record: summarised(keys, purpose, policy, built), members, movedTo, fromView: true, footing };
  }
  return { ...(await decidedAfresh(wiring, projection, survivor)), movedTo, fromView: false, footing: null };
}

function isCurrent(
  { basis, ...held }: Closing,
  consentHeads: readonly number[],
  identityHead: number | undefined,
  { version: policyVersion, policy }: AdoptedPolicy,
  now: number,
): boolean {
  return (
    sameNumbers(basis.consentRevisions, consentHeads) &&
    basis.identityRevision === identityHead &&
    basis.policyVersion === policyVersion &&
    isCountedBy(held, silentRules(policy)) &&
    holdsAt(basis.span, now)
  );
}

async function decidedAfresh(
  wiring: Wiring,
  projection: Projection,
  survivor: string,
): Promise<Pick<FoundRecord, 'record' | 'members'>> {
  const { store, keys, clock } = wiring;
  const person = await loadPerson(store, survivor);
  if (person === null) throw new EngineUnavailable('identity', 'the record is being merged at this moment; try again');
  const adopted = await wiring.policies.current();
  const rulings = rulingsAt(clock.now(), person, adopted, person.record.entries);
  const pseudonyms = pseudonymsOf(keys, projection, survivor, person.person);
  const derived = deriveView(person.record, projection, rulings.of(projection), pseudonyms, rulings.silent);
  const { recordRevisions, consentRevisions, identityRevision } = person;
  const basis: Basis = {
    recordRevisions,
    consentRevisions,
    policyVersion: adopted.version,
    identityRevision,
    span: rulings.span,
  };
  return { record: summarised(keys, projection.purpose, adopted, { basis, ...derived }), members: person.members };
}

/** A view, as stored or derived. */
interface Built {
  readonly basis: Basis;
  readonly entries: ReadonlyMap<string, ViewEntry>;
  readonly held: Held;
}

function summarised(keys: Keys, purpose: Purpose, { policy }: AdoptedPolicy, { basis, entries, held }: Built): RecordForPurpose {
  return {
    purpose,
    policyVersion: basis.policyVersion,
    recordRevision: total(basis.recordRevisions),
    consentRevision: total(basis.consentRevisions),
    entries: inOrderOfTime([...entries.values()]),
    withheld: held.withheld,
    toTell: rolesToTell(held, policy),
    digest: digestOf(keys, entries),
  };
}

export function digestOf(keys: Keys, entries: ReadonlyMap<string, ViewEntry>): string {
  return keys.digest(canonicalJson(sortedEntries(entries).map(withoutArrival)));
}

function total(revisions: readonly number[]): number {
  return revisions.reduce((sum, revision) => sum + revision + 1, -1);
}

function inOrderOfTime(entries: readonly ViewEntry[]): ViewEntry[] {
  return entries
    .map((entry) => ({ entry, at: entry.occurredAt === null ? -Infinity : Date.parse(entry.occurredAt) }))
    .sort((a, b) => a.at - b.at || (a.entry.id < b.entry.id ? -1 : 1))
    .map(({ entry }) => entry);
}
