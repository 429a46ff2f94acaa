import {
  areRead,
  changesBetween,
  holdsAt,
  INDIVIDUAL_CARE,
  isIncluded,
  lettersOf,
  refusalIn,
  viewName,
  type AdoptedPolicy,
  type Basis,
  type Effect,
  type LaneEnd,
  type Letter,
  type Marks,
  type Moment,
  type Projection,
  type View,
  type ViewEffect,
} from '@weft/domain';
import { rulingsAt, type Rulings } from './judges.js';
import type { NumberState } from './number.js';
import type { Person } from './person.js';

/** Two machines' clocks may be so far apart: each a day off, the one ahead and the other behind, and two hours more. */
export const CLOCKS_APART_MS = 50 * 3_600_000;

type Letters = ReadonlyMap<string, Letter>;

/** What is to become of every entry of a person in each view, and what that rests on. */
export interface Decided {
  /** By the views' names. */
  readonly views: ReadonlyMap<string, Letters>;
  readonly basis: Basis;
}

/**
 * The one derivation: what a person's views are under a policy at a moment, from everything recorded and decided about their numbers. Live,
 * rebuilt, replayed, read and verified views are made here.
 */
export function decideViews(
  projections: readonly Projection[],
  person: Person,
  adopted: AdoptedPolicy,
  now: Moment,
  marks: Marks,
): Decided & { readonly rulings: Rulings } {
  const rulings = rulingsAt(momentOf(person, now), person, adopted, person.record.entries);
  const views = new Map(
    projections.map((projection) => [
      viewName(projection),
      lettersOf(person.record, projection, rulings.of(projection), rulings.silent, arrivingIn(person, projection, marks)),
    ]),
  );
  return { views, basis: basisOf(person, rulings, marks), rulings };
}

/**
 * What time it is for a person. Where their views were once decided by a later one, it may still be that: what had begun to close by then does so
 * whatever a clock says since, save for one that was further ahead than clocks are apart. What opened by it is judged by the earliest anew.
 */
export function momentOf({ members }: Pick<Person, 'members'>, { earliest, latest }: Moment): Moment {
  let seen = latest;
  for (const { basis } of (members[0] as NumberState).views.values()) {
    const at = basis?.span.unsure?.[1] ?? basis?.span.since ?? -Infinity;
    if (at > seen && at <= latest + CLOCKS_APART_MS) seen = at;
  }
  return { earliest, latest: seen };
}

export function basisOf(
  { members, record }: { readonly members: readonly NumberState[]; readonly record: Waiting },
  { policyVersion, span }: Rulings,
  marks: Marks,
): Basis {
  const awaits = awaitsOf(record, marks);
  const others = members.slice(1).map(({ key, revision }) => [key, revision] as const);
  return { policyVersion, span, others, ...(awaits.length > 0 && { awaits }) };
}

type Waiting = Pick<Person['record'], 'awaiting'>;

/** What is waited for, each once. */
function awaitsOf({ awaiting }: Waiting, marks: Marks): (readonly LaneEnd[])[] {
  const awaits = new Map<string, readonly LaneEnd[]>();
  for (const { ends } of awaiting.values()) if (!areRead(ends, marks)) awaits.set(JSON.stringify(ends), ends);
  return [...awaits.values()];
}

/** Ids of the entries that came behind decisions which are not read: they wait for them, in individual care for as long as the policy says. */
export function arrivingIn({ record }: { readonly record: Waiting }, { purpose }: Projection, marks: Marks): string[] {
  const isBounded = INDIVIDUAL_CARE.includes(purpose);
  return [...record.awaiting].flatMap(([id, { ends, isWaited }]) =>
    areRead(ends, marks) || (isBounded && isWaited) ? [] : [id],
  );
}

const NOTHING_KNOWN: View = { letters: new Map(), revision: -1, basis: null, isInLine: false };

/** A view as the surviving number's stream has it. */
export const viewIn = ({ views }: Pick<NumberState, 'views'>, projection: Projection): View =>
  views.get(viewName(projection)) ?? NOTHING_KNOWN;

/** Whether a stored view is what would be decided now, as far as can be told without judging anything. */
export function isCurrent(
  view: View,
  { members }: Pick<Person, 'members'>,
  { version }: AdoptedPolicy,
  now: Moment,
  marks: Marks,
): boolean {
  const { basis, isInLine } = view;
  if (!isInLine || basis === null || basis.isMoved === true) return false;
  if (basis.awaits?.some((ends) => areRead(ends, marks)) === true) return false;
  return basis.policyVersion === version && holdsAt(basis.span, momentOf({ members }, now)) && isOfThese(basis, members, true);
}

/** Whether it rests on the numbers of which the person consists; `exactly` where their streams stood, too. */
function isOfThese({ others }: Basis, members: readonly NumberState[], exactly: boolean): boolean {
  if (others.length !== members.length - 1) return false;
  return others.every(([key, revision], index) => {
    const member = members[index + 1] as NumberState;
    return member.key === key && (!exactly || member.revision === revision);
  });
}

/** What is to stand in the surviving number's stream for its views to be what was decided. */
export interface Needed {
  readonly effect: Effect;
  /** False where the stream says all of it already. */
  readonly isNeeded: boolean;
}

/** What changes from the views as the surviving number's stream has them to what was decided. */
export function effectOf(projections: readonly Projection[], person: Person, decided: Decided): Needed {
  const [survivor] = person.members as readonly [NumberState, ...NumberState[]];
  const views: Record<string, ViewEffect> = {};
  let isNeeded = false;
  for (const projection of projections) {
    const name = viewName(projection);
    const view = viewIn(survivor, projection);
    const changes = changesIn(view, person, projection, decided.views.get(name) as Letters);
    const isOfOthers = view.basis !== null && !isOfThese(view.basis, person.members, true);
    isNeeded ||= Object.keys(changes).length > 0 || isOfOthers || (!view.isInLine && survivor.revision >= 0);
    views[name] = changes;
  }
  return { effect: { views, basis: decided.basis }, isNeeded };
}

function changesIn(view: View, person: Person, projection: Projection, after: Letters): ViewEffect {
  const { entries } = person.record;
  const since = sinceOf(view, person);
  const isChanged = (id: string): boolean => {
    const entry = entries.get(id);
    return entry !== undefined && entry.changedAt > since(id);
  };
  // Who the person is stands with every entry.
  const isOtherPerson = projection.identifies && view.basis !== null && !isOfThese(view.basis, person.members, false);
  const isMaskedAnew = areRefusedOtherwise(view.letters, after, isChanged);
  const anew = (id: string): boolean => isOtherPerson || isChanged(id) || (isMaskedAnew && after.get(id) === 'm');
  return changesBetween(view.letters, after, anew, (id) => (person.homes.has(id) ? null : (entries.get(id)?.place ?? null)));
}

/** For each entry the revision of its number's stream up to which the view knows it. */
function sinceOf({ revision, basis }: View, { members, homes }: Person): (id: string) => number {
  const known = new Map(basis?.others ?? []);
  const revisions = members.map(({ key }, index) => (index === 0 ? revision : (known.get(key) ?? -1)));
  return (id) => revisions[homes.get(id) ?? 0] as number;
}

/** Whether the purpose is refused something else than before, or the same and it says something else: what names it reads otherwise. */
function areRefusedOtherwise(before: Letters, after: Letters, isChanged: (id: string) => boolean): boolean {
  for (const [id, letter] of before) if (refusalIn(letter) !== refusalIn(after.get(id))) return true;
  for (const [id, letter] of after) {
    const refusal = refusalIn(letter);
    if (refusal !== refusalIn(before.get(id)) || (refusal !== undefined && isChanged(id))) return true;
  }
  return false;
}

/** What empties the views of a number that gave way to another. */
export function emptied(projections: readonly Projection[], state: NumberState): Needed {
  const views: Record<string, ViewEffect> = {};
  let isNeeded = false;
  for (const [name, { letters, basis }] of state.views) {
    isNeeded ||= letters.size > 0 || basis?.isMoved !== true;
    views[name] = changesBetween(
      letters,
      new Map(),
      () => false,
      (id) => state.record.entries.get(id)?.place ?? null,
    );
  }
  for (const projection of projections) views[viewName(projection)] ??= {};
  return { effect: { views, basis: MOVED }, isNeeded };
}

const MOVED: Basis = { policyVersion: 0, span: { since: null, until: null }, others: [], isMoved: true };

/** How many entries come, change and go in a view. */
export function countOf(changes: ViewEffect): {
  readonly included: number;
  readonly amended: number;
  readonly withdrawn: number;
} {
  const count = { included: 0, amended: 0, withdrawn: 0 };
  for (const [transition, entries] of Object.entries(changes)) {
    const [was, is] = [isIncluded(transition.charAt(0)), isIncluded(transition.charAt(1))];
    if (!was && !is) continue;
    const number = entries.reduce<number>((sum, one) => sum + (Array.isArray(one) ? one[1] - one[0] + 1 : 1), 0);
    count[was ? (is ? 'amended' : 'withdrawn') : 'included'] += number;
  }
  return count;
}
