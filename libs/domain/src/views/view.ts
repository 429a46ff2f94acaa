import type { LaneEnd } from '../consent/marks.js';
import type { Span } from '../consent/in-force.js';
import type { Purpose } from '../vocabulary.js';
import { isIncluded, type Letter } from './letters.js';

/** What letters were decided under. */
export interface Basis {
  readonly policyVersion: number;
  /**
   * When the view holds (milliseconds since 1970): a decision that begins or ends makes it stale. It has a beginning too, so
   * that a view built by a machine whose clock is ahead is not believed before its time.
   */
  readonly span: Span;
  /** The person's other numbers, by key, in the order in which they are gone through, each with the revision of its stream; none for most people. */
  readonly others: readonly (readonly [key: string, revision: number])[];
  /** What arrives until every decision before some ends is read: as soon as those of one of these are, the view is out of date. */
  readonly awaits?: readonly (readonly LaneEnd[])[];
  /** The number gave way to another: nothing is in its views, and nothing will come. */
  readonly isMoved?: true;
}

/** Entries of which one thing is so: their places in the number's own record, one or from–to, and ids of entries of other numbers. */
export type Entries = readonly (number | readonly [first: number, last: number] | string)[];

/**
 * What became of entries in one view: `-i`, `iw`, `ii` say what the letter was and is, `-` for none. Where it is the same, what the purpose
 * sees of the entry is another.
 */
export type ViewEffect = Readonly<Record<string, Entries>>;

/**
 * What an event changes in the person's views, by the views' names. Every view named is in line from then on. Without a basis it is a part
 * of an effect: the rest comes with the events behind it.
 */
export interface Effect {
  readonly views: Readonly<Record<string, ViewEffect>>;
  readonly basis?: Basis;
}

export const viewName = ({ purpose, version }: { readonly purpose: Purpose; readonly version: number }): string =>
  `${purpose}@${version}`;

export const purposeOfView = (name: string): Purpose => name.slice(0, name.indexOf('@')) as Purpose;

/** One view of a number's person, folded. */
export interface View {
  /** What becomes of entries, by their ids; those of none of the purpose's concern have no letter. */
  readonly letters: Map<string, Letter>;
  /** Revision of the last event that brought the view in line, and what it rested on then; -1 and null before the first. */
  revision: number;
  basis: Basis | null;
  /** False where something that may change the view came without its effect: it is not to be believed until the rest is there. */
  isInLine: boolean;
}

/** The views that the effects of a number's events make, by their names. */
export type Views = Map<string, View>;

/** Something came that may change any view, and with it what it changes in some of them: the others are in line no more. */
export function outdateViews(views: Views, effect: Effect | null): void {
  for (const [name, view] of views) if (effect?.views[name] === undefined) view.isInLine = false;
}

/** Folds in what an event changes. */
export function evolveViews(views: Views, effect: Effect, revision: number, idAt: (place: number) => string): void {
  for (const [name, changes] of Object.entries(effect.views)) {
    const view = views.get(name) ?? { letters: new Map<string, Letter>(), revision: -1, basis: null, isInLine: false };
    views.set(name, view);
    changeLetters(view.letters, changes, idAt);
    view.isInLine = effect.basis !== undefined;
    if (effect.basis === undefined) continue;
    view.basis = effect.basis;
    view.revision = revision;
  }
}

/** Makes of a view's letters, in place, what changes make of them. */
export function changeLetters(letters: Map<string, Letter>, changes: ViewEffect, idAt: (place: number) => string): void {
  for (const [transition, entries] of Object.entries(changes)) {
    const is = transition.charAt(1);
    for (const id of idsIn(entries, idAt)) {
      if (is === '-') letters.delete(id);
      else letters.set(id, is as Letter);
    }
  }
}

function* idsIn(entries: Entries, idAt: (place: number) => string): Generator<string> {
  for (const one of entries) {
    if (typeof one === 'string') yield one;
    else if (typeof one === 'number') yield idAt(one);
    else for (let place = one[0]; place <= one[1]; place += 1) yield idAt(place);
  }
}

/** The entries of which subscribers of a view are to be told (what is included, was, or reads otherwise), by id; true where it was included. */
export function idsToTell(changes: ViewEffect, idAt: (place: number) => string): Map<string, boolean> {
  const ids = new Map<string, boolean>();
  for (const [transition, entries] of Object.entries(changes)) {
    const was = isIncluded(transition.charAt(0));
    if (!was && !isIncluded(transition.charAt(1))) continue;
    for (const id of idsIn(entries, idAt)) ids.set(id, was);
  }
  return ids;
}

/**
 * What changes between two states of a view.
 * @param anew ids of what is included as before, and of which the purpose sees something else.
 * @param placeOf its place in the number's own record; null of an entry of another number.
 */
export function changesBetween(
  before: ReadonlyMap<string, Letter>,
  after: ReadonlyMap<string, Letter>,
  anew: (id: string) => boolean,
  placeOf: (id: string) => number | null,
): ViewEffect {
  const changes = new Map<string, (number | string)[]>();
  const note = (was: string, is: string, id: string): void => {
    const list = changes.get(was + is);
    const one = placeOf(id) ?? id;
    if (list === undefined) changes.set(was + is, [one]);
    else list.push(one);
  };
  for (const [id, was] of before) if (!after.has(id)) note(was, '-', id);
  for (const [id, is] of after) {
    const was = before.get(id) ?? '-';
    if (was !== is || (isIncluded(is) && anew(id))) note(was, is, id);
  }
  return Object.fromEntries([...changes].map(([transition, list]) => [transition, inRanges(list)]));
}

function inRanges(list: readonly (number | string)[]): Entries {
  const places = list.filter((one) => typeof one === 'number').sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === place - 1) last[1] = place;
    else ranges.push([place, place]);
  }
  const short = ranges.map(([first, last]) => (first === last ? first : ([first, last] as const)));
  return [...short, ...list.filter((one) => typeof one === 'string')];
}
