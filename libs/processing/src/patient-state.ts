import {
  evolveRecord,
  heldOf,
  holdsAt,
  isCountedBy,
  isHeldBack,
  isPresent,
  namedBy,
  namesInRecord,
  namesReplaced,
  outcomeOf,
  refusalIn,
  refuse,
  sameNumbers,
  sameSpan,
  together,
  Withheld,
  type AdoptedPolicy,
  type Basis,
  type CareRecord,
  type Entry,
  type Held,
  type NotePlacing,
  type NumberRecord,
  type Outcome,
  type Projection,
  type RecordedCareEvent,
} from '@weft/domain';
import { decodeViewEvent, type RecordedDecision } from './encoding.js';
import { pseudonymsOf, reachOthers, rulingsAt, type Rulings } from './judges.js';
import { loadConsent, loadIdentity, loadMembers, loadRecord } from './load.js';
import { NO_STREAM } from './ports.js';
import type { RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { appendChanges, type Change } from './write-view.js';

/** Where a view stream stands, and whether it can be taken on by one more event. */
interface ViewHead {
  readonly projection: Projection;
  readonly stream: string;
  readonly viewKey: string;
  revision: number;
  tail: number;
  held: Held;
  /** How many entries it includes, and how many its purpose is refused, whether or not it looks at them. */
  included: number;
  refused: number;
  /** Of what it is refused, by its names; kept while `PatientState.named` is. */
  withheld: Withheld;
  /** False when the view must be rebuilt first: built under other decisions or rules, behind the record, or half written. */
  inStep: boolean;
}

/**
 * What the record-projector remembers of a patient between events, so that one more event costs no reading. It may be out
 * of date at any time: every append carries the exact revision it was decided at, and whoever fails reads again.
 * Resources are let go of; of each entry only what became of it in each view is kept.
 */
export interface PatientState {
  readonly key: string;
  readonly record: CareRecord;
  readonly decisions: readonly RecordedDecision[];
  readonly consentRevision: number;
  rulings: Rulings;
  readonly views: readonly ViewHead[];
  /** Per entry, one outcome a projection. */
  readonly outcomes: Map<string, readonly Outcome[]>;
  /** The names by which entries speak of others; null where no view was `isMixed` when it was loaded. */
  readonly named: Set<string> | null;
  readonly identityRevision: number;
  /** All numbers of the person and what is recorded of them, the surviving one first; where they are several this is of one moment. */
  readonly members: readonly NumberRecord[];
}

/** Where some of a record is included and some refused, what is included may have to be masked. */
const isMixed = ({ included, refused }: ViewHead): boolean => included > 0 && refused > 0;

const NEVER_SEEN: readonly Outcome[] = [];
/** A shorter tail is never folded into a marker. */
const LONG_TAIL = 256;

/** Whether a view's tail is to be folded: once it is also as long as the record, so that each event is rewritten about once. */
export const isLongTail = (tail: number, record: Pick<CareRecord, 'entries'>): boolean =>
  tail >= LONG_TAIL && tail >= record.entries.size;

export async function loadPatient(wiring: Wiring, key: string, adopted: AdoptedPolicy): Promise<PatientState> {
  const { store, projections, clock } = wiring;
  // Views before decisions: a decision that comes in between shows in the consent stream, or fails the view's append.
  const heads = await Promise.all(projections.map((projection) => loadHead(wiring, projection, key)));
  // The record before the merges: one that comes in between leaves its event in the record, and fails the record's append.
  const record = await loadRecord(store, key);
  const [identity, consent] = await Promise.all([loadIdentity(store, key), loadConsent(store, key)]);
  const members = identity.revision === NO_STREAM ? [{ key, record }] : await loadMembers(store, { key, record });
  const rulings = rulingsAt(clock.now(), consent.decisions, adopted, record.entries);
  const state: PatientState = {
    key,
    record,
    decisions: consent.decisions,
    consentRevision: consent.revision,
    rulings,
    views: heads.map(({ basis: _, ...head }) => head),
    outcomes: new Map(),
    named: null,
    identityRevision: identity.revision,
    members,
  };
  for (const entry of record.entries.values()) remember(state, entry);
  for (const [index, { basis }] of heads.entries()) {
    const view = state.views[index] as ViewHead;
    // Without a basis neither a decision, nor a policy, nor a merge has come to the view: each leaves a marker.
    view.inStep =
      basis === null
        ? identity.revision === NO_STREAM && !isBehind(NO_STREAM, record, view.projection)
        : basis.identityRevision === identity.revision &&
          isInStep(basis, view, record, consent.revision, rulings) &&
          !isMaskedOtherwise(basis, state, index);
  }
  return state.views.some(isMixed) ? withNames(state) : state;
}

/** What is none of a view's concern leaves it where it is: whether what was refused of that is refused still is not known. */
function isMaskedOtherwise(basis: Basis, { record, rulings, views, outcomes }: PatientState, index: number): boolean {
  const { projection, included } = views[index] as ViewHead;
  if (included === 0 || !rulings.mayRefuse(projection)) return false;
  for (const { id, changedAt, versions } of record.entries.values()) {
    if (changedAt <= (basis.recordRevisions[0] as number)) continue;
    if (versions > 1 || isRefused((outcomes.get(id) as readonly Outcome[])[index] as Outcome)) return true;
  }
  return false;
}

function withNames(state: PatientState): PatientState {
  const named = { ...state, named: new Set<string>() };
  for (const entry of state.record.entries.values()) noteNamesOf(named, entry);
  return named;
}

function noteNamesOf({ named, views, outcomes }: PatientState, entry: Entry): void {
  if (named === null || !isPresent(entry)) return;
  for (const name of namedBy(entry)) named.add(name);
  for (const [index, { withheld }] of views.entries()) refuse(withheld, entry, outcomes.get(entry.id)?.[index] ?? 'outside');
}

async function loadHead(
  wiring: Wiring,
  projection: Projection,
  key: string,
): Promise<ViewHead & { readonly basis: Basis | null }> {
  const viewKey = wiring.keys.view(projection.purpose, key);
  const stream = viewStream(projection, viewKey);
  const last = (await wiring.store.read(stream, { backwards: true, maxCount: 1 }))[0];
  const closing = last === undefined ? undefined : decodeViewEvent(last).closing;
  return {
    projection,
    stream,
    viewKey,
    revision: last?.revision ?? NO_STREAM,
    tail: closing?.tail ?? 0,
    held: { withheld: closing?.withheld ?? 0, unsaid: closing?.unsaid },
    included: 0,
    refused: 0,
    withheld: new Withheld(),
    inStep: false,
    basis: closing?.basis ?? null,
  };
}

function isInStep(
  basis: Basis,
  { projection, held }: ViewHead,
  record: CareRecord,
  consentRevision: number,
  rulings: Rulings,
): boolean {
  // A view of merged numbers rests on decisions of several, one of a number that gave way on none: neither is folded by itself.
  if (!sameNumbers(basis.consentRevisions, [consentRevision]) || basis.policyVersion !== rulings.policyVersion) return false;
  if (!sameSpan(basis.span, rulings.span) || !isCountedBy(held, rulings.silent)) return false;
  return !isBehind(basis.recordRevisions[0] as number, record, projection);
}

/**
 * Whether a view built at a revision of the record lacks a later change. It is not written for events that do not concern it,
 * so it may stand at an earlier revision with nothing amiss.
 */
export function isBehind(built: number, record: Pick<CareRecord, 'entries'>, projection: Projection): boolean {
  for (const entry of record.entries.values())
    if (entry.changedAt > built && projection.concerns(entry.resourceType)) return true;
  return false;
}

function remember(state: PatientState, entry: Entry): void {
  const { rulings, views } = state;
  const before = state.outcomes.get(entry.id);
  const after = views.map(({ projection }) => outcomeOf(entry, projection, rulings.of(projection), rulings.silent));
  for (const [index, view] of views.entries()) {
    count(view, before?.[index] ?? 'outside', -1);
    count(view, after[index] as Outcome, 1);
  }
  state.outcomes.set(entry.id, after);
}

const isRefused = (outcome: Outcome): boolean => refusalIn(outcome) !== null;

function count(view: ViewHead, outcome: Outcome, by: 1 | -1): void {
  if (outcome === 'included') view.included += by;
  if (isRefused(outcome)) view.refused += by;
}

/** Folds accepted events in, and gives the entries they touched, each with what had become of it before. */
export function foldIn(
  state: PatientState,
  events: readonly RecordedCareEvent[],
  note?: NotePlacing,
): Map<Entry, readonly Outcome[]> {
  const touched = new Map<Entry, readonly Outcome[]>();
  for (const event of events) {
    const entry = evolveRecord(state.record, event, note);
    if (entry !== null && !touched.has(entry)) touched.set(entry, state.outcomes.get(entry.id) ?? NEVER_SEEN);
  }
  for (const entry of touched.keys()) remember(state, entry);
  return touched;
}

/**
 * Whether what is included of a record reads otherwise by events that were just folded in, entries that they did not touch among it:
 * those are not at hand. Where it does not, what the touched entries name, and are named, is remembered.
 */
export function masksOthers(state: PatientState, touched: ReadonlyMap<Entry, readonly Outcome[]>): boolean {
  const { named } = state;
  if (named === null) return state.views.some(isMixed);
  for (const [entry, before] of touched) {
    const outcomes = state.outcomes.get(entry.id) ?? [];
    // Which names its earlier version had is not remembered.
    if (before !== NEVER_SEEN && [...before, ...outcomes].some(isRefused)) return true;
    if (outcomes.some(isRefused) && isPresent(entry) && namesInRecord(entry).some((name) => named.has(name))) return true;
  }
  for (const entry of touched.keys()) noteNamesOf(state, entry);
  return false;
}

/** The resources of these entries are not needed any more. */
export function letGo(entries: Iterable<Entry>): void {
  for (const entry of entries) entry.resource = undefined;
}

/** One that takes back deaths may take back several. */
const reachesSeveral = ({ type }: RecordedCareEvent): boolean => type === 'patient-death-retracted-1';

/** Whether a document may take another one's place by these, or give it back. */
function movesDocuments({ entries }: CareRecord, fresh: readonly RecordedCareEvent[]): boolean {
  const documents = fresh.filter(({ resource }) => resource.resourceType === 'DocumentReference');
  if (documents.some(({ resource }) => namesReplaced(resource).length > 0)) return true;
  return documents.length > 0 && [...entries.values()].some(({ replaces }) => replaces !== undefined);
}

/** True while small changes may be appended to every view: otherwise the person's views are to be rebuilt. */
export function canTakeOn(state: PatientState, fresh: readonly RecordedCareEvent[], now: number, policyVersion: number): boolean {
  return (
    state.rulings.policyVersion === policyVersion &&
    // Whose number was not known until now is told with it in all that is there.
    (state.record.nhsNumber !== null || state.record.entries.size === 0) &&
    holdsAt(state.rulings.span, now) &&
    !fresh.some(reachesSeveral) &&
    !movesDocuments(state.record, fresh) &&
    !reachOthers(
      state.decisions,
      fresh.map(({ resource }) => resource.resourceType),
    ) &&
    state.views.every((view) => view.inStep && !isLongTail(view.tail, state.record))
  );
}

/** Appends to one view what the touched entries became in it. */
export async function takeOn(
  wiring: Wiring,
  state: PatientState,
  index: number,
  touched: ReadonlyMap<Entry, readonly Outcome[]>,
): Promise<RecordChange[]> {
  const view = state.views[index] as ViewHead;
  const pseudonyms = pseudonymsOf(wiring.keys, view.projection, state.key, together([state]).person);
  const changes: Change[] = [];
  // Out of the view already, and perhaps not off the topic: who took it out may not have told yet.
  const onlyTold: Change[] = [];
  let { withheld, unsaid = 0 } = view.held;
  let isOfConcern = false;
  for (const [entry, outcomes] of touched) {
    isOfConcern ||= view.projection.concerns(entry.resourceType);
    const before = outcomes[index] ?? 'outside';
    const after = state.outcomes.get(entry.id)?.[index] ?? 'outside';
    withheld += Number(isHeldBack(after)) - Number(isHeldBack(before));
    unsaid += Number(after === 'unsaid') - Number(before === 'unsaid');
    if (after === 'included' && isPresent(entry)) {
      const type = before === 'included' ? 'entry-amended-1' : 'entry-included-1';
      const seen = view.projection.project(view.withheld.masked(entry), pseudonyms);
      changes.push({ type, id: seen.id, entry: JSON.stringify(seen) });
    } else if (before === 'included') {
      changes.push({ type: 'entry-withdrawn-1', id: view.projection.entryId(entry.id, pseudonyms) });
    } else if (entry.retracted && outcomes !== NEVER_SEEN && view.projection.concerns(entry.resourceType)) {
      onlyTold.push({ type: 'entry-withdrawn-1', id: view.projection.entryId(entry.id, pseudonyms) });
    }
  }
  if (!isOfConcern) return [];
  // Though nothing changes by the decisions known here, others may have let the entry in since: the append is the fence.
  if (changes.length === 0) changes.push({ type: 'view-confirmed-1' });
  view.tail += changes.length;
  view.held = heldOf(withheld, unsaid, state.rulings.silent);
  const basis: Basis = {
    recordRevisions: [state.record.revision],
    consentRevisions: [state.consentRevision],
    policyVersion: state.rulings.policyVersion,
    identityRevision: state.identityRevision,
    span: state.rulings.span,
  };
  view.revision = await appendChanges(wiring.store, wiring.random, view.stream, view.revision, changes, {
    basis,
    ...view.held,
    tail: view.tail,
  });
  return [...changes, ...onlyTold].flatMap((change) => told(view, change));
}

const KINDS = { 'entry-included-1': 'included', 'entry-amended-1': 'amended', 'entry-withdrawn-1': 'withdrawn' } as const;

function told({ projection, viewKey, revision }: ViewHead, change: Change): RecordChange[] {
  if (change.type === 'view-confirmed-1') return [];
  const about = { projection, viewKey, entryId: change.id, kind: KINDS[change.type], viewRevision: revision };
  return ['entry' in change ? { ...about, entry: change.entry } : about];
}
