import {
  changeLetters,
  idsToTell,
  isIncluded,
  purposeOfView,
  viewName,
  type Letter,
  type Projection,
  type ViewEffect,
} from '@weft/domain';
import { appendToNumber, unlessFenced, withoutEffect, withTheirEffect } from './append.js';
import { marksFor, withMarks } from './consent-marks.js';
import { countOf, decideViews, effectOf, emptied, type Needed } from './decide-views.js';
import { loadNumber, type NumberState } from './number.js';
import { loadPerson, personOf, survivorsOf } from './person.js';
import type { NewEvent } from './ports.js';
import { momentNow } from './region-time.js';
import type { Wiring } from './wiring.js';

export interface DeriveOptions {
  /** Default: every version that is written. */
  readonly projections?: readonly Projection[];
  /** Say what would change, and write nothing. */
  readonly dryRun?: boolean;
  /** Have subscribers told everything, changed or not: once another version of a view serves them. */
  readonly tellAll?: boolean;
  /** With `tellAll`: also that what is in the record, and in no view, is not to be seen. Topics may know of it from a history that the store does not have. */
  readonly evenWhatIsGone?: boolean;
}

/** How many entries came, changed and went in a view. */
export interface Changes {
  readonly included: number;
  readonly amended: number;
  readonly withdrawn: number;
}

/**
 * Brings the views that a number's own stream holds in line with everything known of its person, and says how many entries change
 * in each of the views given; those of a number that gave way to another are emptied. Whoever writes to the stream meanwhile makes it look again.
 */
export async function deriveViews(
  wiring: Wiring,
  key: string,
  options: DeriveOptions = {},
): Promise<ReadonlyMap<Projection, Changes>> {
  const { projections = wiring.projections, dryRun = false, tellAll = false, evenWhatIsGone = false } = options;
  for (;;) {
    const state = await loadNumber(wiring.store, key);
    const needed = await effectFor(wiring, state, projections);
    const ever = evenWhatIsGone ? needed.entries : [];
    const { effect, isNeeded } = tellAll ? tellingAll(state, needed, projections, [...ever]) : needed;
    const append = async () =>
      (await unlessFenced(appendToNumber(wiring, state, withTheirEffect(wiring, [], effect)).then(() => true))) ?? false;
    if (!isNeeded || dryRun || (await append()))
      return new Map(projections.map((one) => [one, countOf(effect.views[viewName(one)] ?? {})]));
  }
}

/**
 * Appends to a number's stream what is folded into the state already. Where the number is a person of its own, what it changes in every view is in the
 * same append; otherwise that is for the caller to bring about (`bringInLine`).
 */
export async function appendWithEffect(wiring: Wiring, state: NumberState, events: readonly NewEvent[]): Promise<void> {
  const { supersededBy, absorbed } = state.identity;
  if (supersededBy !== null || absorbed.length > 0) return appendToNumber(wiring, state, withoutEffect(events));
  const { projections, policies } = wiring;
  const person = personOf([state]);
  const marks = await marksFor(wiring.store, [state]);
  const decided = decideViews(projections, person, await policies.current(), await momentNow(wiring), marks);
  return appendToNumber(wiring, state, withTheirEffect(wiring, events, effectOf(projections, person, decided).effect));
}

/** @returns also the ids of all entries that there ever were. */
async function effectFor(
  wiring: Wiring,
  state: NumberState,
  projections: readonly Projection[],
): Promise<Needed & { readonly entries: Iterable<string> }> {
  if (state.identity.supersededBy !== null) return { ...emptied(projections, state), entries: state.record.entries.keys() };
  const load = () => loadPerson(wiring.store, state.key, { known: [state] });
  const { loaded: person, marks } = await withMarks(wiring.store, load, ({ members }) => members);
  const adopted = await wiring.policies.current();
  const needed = effectOf(projections, person, decideViews(projections, person, adopted, await momentNow(wiring), marks));
  return { ...needed, entries: person.record.entries.keys() };
}

/**
 * Names every entry that the views include, that another version of one of them does (it may have been told before, under another name), and that
 * is withheld: a store that was made anew never included it, and a topic that was not may hold it. `ever`: so do others that are in no view.
 */
function tellingAll(
  state: NumberState,
  { effect, isNeeded }: Needed,
  projections: readonly Projection[],
  ever: readonly string[],
): Needed {
  const idAt = (place: number): string => state.record.order[place] as string;
  const views = Object.entries(effect.views).map(([name, changes]) => {
    const before = state.views.get(name)?.letters ?? new Map<string, Letter>();
    const changed = idsToTell(changes, idAt);
    // What changes from one thing that is not told into another is named as what it is by then.
    const letters = new Map(before);
    changeLetters(letters, changes, idAt);
    const more = new Map<string, Set<string>>();
    const add = (transition: string, id: string): void => {
      if (!changed.has(id)) more.set(transition, (more.get(transition) ?? new Set()).add(id));
    };
    for (const [id, letter] of letters) add(`${isIncluded(letter) ? letter : 'i'}${letter}`, id);
    for (const id of [...before.keys(), ...ever]) if (!letters.has(id)) add('i-', id);
    const purpose = projections.find((one) => viewName(one) === name)?.purpose;
    for (const [other, view] of state.views) {
      if (other === name || purposeOfView(other) !== purpose) continue;
      for (const [id, letter] of view.letters)
        if (isIncluded(letter) && !isIncluded(letters.get(id))) add(`i${letters.get(id) ?? '-'}`, id);
    }
    return [name, { ...changes, ...withMore(changes, more) }] as const;
  });
  const isTold = views.some(([, changes]) => Object.keys(changes).length > 0);
  return { effect: { ...effect, views: Object.fromEntries(views) }, isNeeded: isNeeded || isTold };
}

function withMore(changes: ViewEffect, more: ReadonlyMap<string, ReadonlySet<string>>): ViewEffect {
  return Object.fromEntries([...more].map(([transition, ids]) => [transition, [...(changes[transition] ?? []), ...ids]]));
}

/** Brings in line everybody whom these numbers are, and the views of those of them that gave way. */
export async function bringInLine(wiring: Wiring, keys: readonly string[]): Promise<void> {
  for (const key of new Set([...keys, ...(await survivorsOf(wiring.store, keys))])) await deriveViews(wiring, key);
}
