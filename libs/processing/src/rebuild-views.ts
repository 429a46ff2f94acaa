import {
  deriveView,
  sameBasis,
  sameHeld,
  sameJson,
  withoutArrival,
  type AdoptedPolicy,
  type Basis,
  type Closing,
  type Entry,
  type Projection,
  type View,
  type ViewEntry,
} from '@weft/domain';
import { textsOf, type EntryTexts } from './encoding.js';
import { pseudonymsOf, rulingsAt } from './judges.js';
import { loadIdentity, loadPerson, loadView, survivorOf, type Person } from './load.js';
import { isLongTail } from './patient-state.js';
import { NO_STREAM } from './ports.js';
import type { RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import { tellEverything } from './tell-everything.js';
import type { Wiring } from './wiring.js';
import { appendChanges, appendRebuilt, unlessFenced } from './write-view.js';

export interface RebuildOptions {
  readonly projections?: readonly Projection[];
  /** Compute the changes, write nothing. */
  readonly dryRun?: boolean;
  /** Decisions of a number that the caller answers for having been told. */
  readonly untold?: Untold;
  /** Events of numbers' records that the caller answers for having been told. */
  readonly untoldEvents?: readonly Untold[];
  /** Version of the policy that the caller answers for having been told. */
  readonly untoldPolicy?: number;
}

/** What came from a revision of a number's stream on, and the caller answers for having been told to the subscribers. */
export interface Untold {
  readonly key: string;
  readonly from: number;
}

/**
 * Another projector, that came upon it in the meantime, built the view with it: it will tell, but may not have.
 * @param revisions of the members' streams that the view rests on.
 */
export function tookIn(revisions: readonly number[], { members }: Person, { key, from }: Untold): boolean {
  return revisions.length !== members.length || (revisions[members.indexOf(key)] as number) >= from;
}

/** Whether what the caller answers for was done by somebody else, who may have been killed before they told. */
function isTakenIn({ basis }: Closing, person: Person, { untold, untoldEvents, untoldPolicy }: RebuildOptions): boolean {
  if (untoldPolicy !== undefined && basis.policyVersion >= untoldPolicy) return true;
  if (untoldEvents?.some((one) => tookIn(basis.recordRevisions, person, one)) === true) return true;
  return untold !== undefined && tookIn(basis.consentRevisions, person, untold);
}

/** The basis of a view whose patient's number gave way to another: nothing is in it, and nothing will come. */
export const MOVED: Basis = {
  recordRevisions: [],
  consentRevisions: [],
  policyVersion: 0,
  identityRevision: -1,
  span: { since: null, until: null },
};

/** Before a view is read and fenced, its person is not: always in this order, or a decision could slip in between. */
interface Stored {
  readonly projection: Projection;
  readonly stream: string;
  readonly view: View;
  readonly revision: number;
}

/**
 * Brings the views of the person behind a key in line with record, decisions and policy, and gives what subscribers must be
 * told. Whoever writes a view meanwhile makes the append fail, and everything is read and decided again.
 */
export async function rebuildViews(wiring: Wiring, key: string, options: RebuildOptions = {}): Promise<RecordChange[]> {
  const changes: RecordChange[] = [];
  let left = options.projections ?? wiring.projections;
  while (left.length > 0) {
    const survivor = (await survivorOf(wiring.store, key)).key;
    const stored = await Promise.all(left.map((projection) => readStored(wiring, projection, survivor)));
    const person = await loadPerson(wiring.store, survivor);
    if (person === null) continue;
    const adopted = await wiring.policies.current();
    const results = await Promise.all(stored.map((view) => unlessFenced(rebuildView(wiring, view, person, adopted, options))));
    for (const result of results) if (result !== null) changes.push(...result);
    left = left.filter((_, index) => results[index] === null);
  }
  return changes;
}

async function readStored(wiring: Wiring, projection: Projection, patientKey: string): Promise<Stored> {
  const stream = viewStream(projection, wiring.keys.view(projection.purpose, patientKey));
  return { projection, stream, ...(await loadView(wiring.store, stream)) };
}

async function rebuildView(
  wiring: Wiring,
  stored: Stored,
  person: Person,
  adopted: AdoptedPolicy,
  options: RebuildOptions,
): Promise<RecordChange[]> {
  const { store, random, keys, clock } = wiring;
  const { projection, stream, view } = stored;
  const rulings = rulingsAt(clock.now(), person, adopted, person.record.entries);
  const pseudonyms = pseudonymsOf(keys, projection, person.key, person.person);
  const derived = deriveView(person.record, projection, rulings.of(projection), pseudonyms, rulings.silent);
  const basis: Basis = {
    recordRevisions: person.recordRevisions,
    consentRevisions: person.consentRevisions,
    policyVersion: rulings.policyVersion,
    identityRevision: person.identityRevision,
    span: rulings.span,
  };
  const texts = once(() => textsOf(derived.entries));
  const differences = compare(view.entries, derived.entries, texts);
  let revision = stored.revision;
  if (options.dryRun !== true) {
    const tail = view.closing?.tail ?? 0;
    if (view.closing === null || differences.length > 0 || isLongTail(tail, person.record)) {
      revision = await appendRebuilt(store, random, stream, revision, texts(), basis, derived.held);
    } else if (!sameBasis(view.closing.basis, basis) || !sameHeld(view.closing, derived.held)) {
      const closing = { basis, ...derived.held, tail: tail + 1 };
      revision = await appendChanges(store, random, stream, revision, [{ type: 'view-confirmed-1' }], closing);
    }
  }
  // While a rebuild in several parts was under way, or was left unfinished by a crash, others may have told what they saw of it.
  const unsettled = revision > stored.revision + 1 || (view.closing === null && stored.revision !== NO_STREAM);
  const isTaken = view.closing !== null && isTakenIn(view.closing, person, options);
  let owed: readonly Difference[] = [];
  if (unsettled || isTaken) owed = everything(person, projection, pseudonyms, texts());
  else if (options.untold !== undefined) owed = absent(person, projection, pseudonyms, derived.entries);
  else if (options.untoldEvents !== undefined) owed = absent(person, projection, pseudonyms, derived.entries, isRetracted);
  // An entry that an undone merge took along is in the record no more: only the differences tell of it.
  const told = together(owed, differences);
  return told.map((difference) => ({ projection, viewKey: pseudonyms.patient, viewRevision: revision, ...difference }));
}

type Difference = Pick<RecordChange, 'entryId' | 'kind' | 'entry'>;

/** Most views differ in nothing: their entries are turned into text only where one does. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function compare(
  before: ReadonlyMap<string, ViewEntry>,
  after: ReadonlyMap<string, ViewEntry>,
  texts: () => EntryTexts,
): Difference[] {
  const differences: Difference[] = [];
  for (const entryId of before.keys()) if (!after.has(entryId)) differences.push({ entryId, kind: 'withdrawn' });
  for (const [entryId, entry] of after) {
    const known = before.get(entryId);
    if (known !== undefined && sameEntry(known, entry)) continue;
    const kind = known === undefined ? 'included' : 'amended';
    differences.push({ entryId, kind, entry: texts().get(entryId) as string });
  }
  return differences;
}

export function sameEntry(a: ViewEntry, b: ViewEntry): boolean {
  return sameJson(withoutArrival(a), withoutArrival(b));
}

function everything(
  person: Person,
  projection: Projection,
  pseudonyms: Parameters<Projection['entryId']>[1],
  included: EntryTexts,
): Difference[] {
  const told: Difference[] = [...included].map(([entryId, entry]) => ({ entryId, kind: 'included', entry }));
  return [...told, ...absent(person, projection, pseudonyms, included)];
}

function together(some: readonly Difference[], others: readonly Difference[]): Difference[] {
  const told = new Set(some.map(({ entryId }) => entryId));
  return [...some, ...others.filter(({ entryId }) => !told.has(entryId))];
}

const isRetracted = ({ retracted }: Entry): boolean => retracted;

/** What is not in the view may still stand on the topic: who took it out of the view, whyever, may not have told yet. */
function absent(
  person: Person,
  projection: Projection,
  pseudonyms: Parameters<Projection['entryId']>[1],
  included: ReadonlyMap<string, unknown>,
  isOwed: (entry: Entry) => boolean = () => true,
): Difference[] {
  const withdrawn: Difference[] = [];
  for (const entry of person.record.entries.values()) {
    if (!projection.concerns(entry.resourceType) || !isOwed(entry)) continue;
    const entryId = projection.entryId(entry.id, pseudonyms);
    if (!included.has(entryId)) withdrawn.push({ entryId, kind: 'withdrawn' });
  }
  return withdrawn;
}

/** Brings the views in line and gives everything that subscribers can have been told, changed or not. */
export async function rebuildAndTellEverything(
  wiring: Wiring,
  key: string,
  projections: readonly Projection[] = wiring.projections,
): Promise<RecordChange[]> {
  const changes = await rebuildViews(wiring, key, { projections });
  return [...changes, ...(await tellEverything(wiring, key, projections))];
}

/** Empties the views of a number that gave way to another: the marker also fences off whoever still writes to them. */
export async function emptyViews(
  wiring: Wiring,
  key: string,
  projections: readonly Projection[] = wiring.projections,
): Promise<RecordChange[]> {
  const changes: RecordChange[] = [];
  for (const projection of projections) {
    const viewKey = wiring.keys.view(projection.purpose, key);
    for (let revision: number | null = null; revision === null;) {
      const { view, revision: head, stream } = await readStored(wiring, projection, key);
      // Undone meanwhile: whoever did so rebuilds these views, and what was emptied already with them.
      if ((await loadIdentity(wiring.store, key)).supersededBy === null) return changes;
      revision = await unlessFenced(appendRebuilt(wiring.store, wiring.random, stream, head, new Map(), MOVED, { withheld: 0 }));
      if (revision === null) continue;
      for (const entryId of view.entries.keys())
        changes.push({ projection, viewKey, entryId, kind: 'withdrawn', viewRevision: revision });
    }
  }
  return changes;
}

/**
 * Empties a view of a number that gave way before the view was written by everybody: nobody else comes back to it. Where there
 * was none it stands empty from now on, and is told: another version of it may have been.
 */
export async function emptyLeftBehind(wiring: Wiring, key: string, projection: Projection): Promise<RecordChange[]> {
  // First what costs little: hardly any number gave way, and a replay comes by here with every patient.
  if ((await loadIdentity(wiring.store, key)).supersededBy === null) return [];
  const { view } = await readStored(wiring, projection, key);
  if (view.closing?.basis.recordRevisions.length === 0) return [];
  return emptyViews(wiring, key, [projection]);
}
