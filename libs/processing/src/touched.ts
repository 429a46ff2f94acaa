import {
  changesBetween,
  isIncluded,
  isPresent,
  letterOf,
  namesReplaced,
  refusalIn,
  viewName,
  whileArriving,
  type AdoptedPolicy,
  type CareRecord,
  type Effect,
  type Entry,
  type Letter,
  type Marks,
  type Moment,
  type Projection,
  type RecordedCareEvent,
  type ViewEffect,
} from '@weft/domain';
import { arrivingIn, basisOf, isCurrent, momentOf, viewIn } from './decide-views.js';
import { reachOthers, rulingsAt } from './judges.js';
import type { NumberState } from './number.js';

/** One that takes back deaths may take back several. */
const reachesSeveral = ({ type }: RecordedCareEvent): boolean => type === 'patient-death-retracted-1';

/** Whether a document may take another one's place by these, or give it back. */
function movesDocuments({ entries }: CareRecord, fresh: readonly RecordedCareEvent[]): boolean {
  const documents = fresh.filter(({ resource }) => resource.resourceType === 'DocumentReference');
  if (documents.some(({ resource }) => namesReplaced(resource).length > 0)) return true;
  return documents.length > 0 && [...entries.values()].some(({ replaces }) => replaces !== undefined);
}

/**
 * Whether events about a number that is a person of its own change nothing but the entries that they are about, in views that are what would be
 * decided now: then the rest of the record need not be at hand.
 */
export function changesOnlyTouched(
  state: NumberState,
  fresh: readonly RecordedCareEvent[],
  projections: readonly Projection[],
  adopted: AdoptedPolicy,
  now: Moment,
  marks: Marks,
): boolean {
  const { record, decisions, views } = state;
  if (fresh.some(reachesSeveral) || movesDocuments(record, fresh)) return false;
  const types = fresh.map(({ resource }) => resource.resourceType);
  if (reachOthers(decisions, types)) return false;
  if (record.entries.size === 0 && views.size === 0) return true;
  return projections.every((projection) => isCurrent(viewIn(state, projection), { members: [state] }, adopted, now, marks));
}

/**
 * What changes by the entries that were touched, each letter decided by itself; null where what is included must be masked otherwise by what is
 * refused now, or was: then the whole record is needed.
 */
export function effectOfTouched(
  state: NumberState,
  touched: readonly Entry[],
  projections: readonly Projection[],
  adopted: AdoptedPolicy,
  now: Moment,
  marks: Marks,
): Effect | null {
  const rulings = rulingsAt(momentOf({ members: [state] }, now), state.decisions, adopted, state.record.entries);
  const ids = new Set(touched.map(({ id }) => id));
  const views: Record<string, ViewEffect> = {};
  for (const projection of projections) {
    const { letters } = viewIn(state, projection);
    const judge = rulings.of(projection);
    const arriving = new Set(arrivingIn(state, projection, marks));
    const [before, after] = [new Map<string, Letter>(), new Map<string, Letter>()];
    for (const entry of touched) {
      const was = letters.get(entry.id);
      const letter = isPresent(entry) ? letterOf(entry, projection, judge, rulings.silent) : undefined;
      const is = whileArriving(letter, arriving.has(entry.id));
      if (was !== undefined) before.set(entry.id, was);
      if (is !== undefined) after.set(entry.id, is);
    }
    if (mayMask(letters, before, after, rulings.mayRefuse(projection))) return null;
    views[viewName(projection)] = changesBetween(
      before,
      after,
      (id) => ids.has(id),
      (id) => state.record.entries.get(id)?.place ?? null,
    );
  }
  return { views, basis: basisOf({ members: [state], record: state.record }, rulings, marks) };
}

/** Where some of a record is included and some refused, what is included may have to be masked. */
function mayMask(
  letters: ReadonlyMap<string, Letter>,
  before: ReadonlyMap<string, Letter>,
  after: ReadonlyMap<string, Letter>,
  mayRefuse: boolean,
): boolean {
  if (!mayRefuse) return false;
  const touched = [...before.values(), ...after.values()];
  const some = (is: (letter: Letter) => boolean): boolean => touched.some(is) || [...letters.values()].some(is);
  if (touched.some(isRefused)) return some(isIncluded);
  return touched.some(isIncluded) && some(isRefused);
}

const isRefused = (letter: Letter): boolean => refusalIn(letter) !== undefined;
