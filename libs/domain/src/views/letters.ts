import { isHere } from '../care-record/placement.js';
import type { CareRecord, Entry } from '../care-record/record.js';
import { heldOf, type Held } from '../consent/notices.js';
import type { Judge } from '../consent/permits.js';
import { Withheld, type Refusal } from './masking.js';
import type { PresentEntry, Pseudonyms } from './present-entry.js';
import type { Projection } from './projection.js';
import type { ViewEntry } from './view-entry.js';

/**
 * What becomes of one entry in one view: `i` included; `m` included, and masked where it names what is withheld; `w` withheld; `u` withheld
 * without a sign. Of what a purpose does not look at it may be refused what other entries say of it: `x` as withheld, `y` without a sign.
 * What is of no concern to it has no letter. `a` arriving: it would be included, and decisions that came before it are not read yet.
 */
export type Letter = 'i' | 'm' | 'w' | 'u' | 'x' | 'y' | 'a';

export const isIncluded = (letter: string | undefined): boolean => letter === 'i' || letter === 'm';

const REFUSALS: Readonly<Record<string, Refusal>> = { w: 'withheld', x: 'withheld', u: 'unsaid', y: 'unsaid' };

/** How the purpose is refused an entry, whether or not it would look at it; undefined where it is not. */
export const refusalIn = (letter: string | undefined): Refusal | undefined =>
  letter === undefined ? undefined : REFUSALS[letter];

/** An entry is there to be seen when its version in force is no retraction, and it is nobody else's by now. */
export function isPresent(entry: Entry): entry is Entry & PresentEntry {
  return !entry.retracted && isHere(entry) && entry.resource !== undefined;
}

/**
 * The letter of one entry, as if nothing had to be masked in it; undefined for none.
 * @param silent ids of the rules that withhold without a sign.
 */
export function letterOf(entry: Entry, projection: Projection, judge: Judge, silent: ReadonlySet<string>): Letter | undefined {
  if (!isPresent(entry)) return undefined;
  const { permitted, rule, replacedBy } = judge(entry);
  const isSeen = replacedBy === undefined && projection.sees(entry.resource);
  if (permitted) return isSeen ? 'i' : undefined;
  if (silent.has(rule)) return isSeen ? 'u' : 'y';
  return isSeen ? 'w' : 'x';
}

/** Letters where some of the entries arrive, known decisions and masks looked at before: what is refused is refused all the same. */
export function whileArriving(letter: Letter | undefined, isArriving: boolean): Letter | undefined {
  return isArriving && isIncluded(letter) ? 'a' : letter;
}

/**
 * The letters of a whole record, from nothing but record, rules and decisions.
 * @param arriving ids of the entries that came behind decisions which are not read yet.
 */
export function lettersOf(
  { entries }: Pick<CareRecord, 'entries'>,
  projection: Projection,
  judge: Judge,
  silent: ReadonlySet<string>,
  arriving: Iterable<string> = [],
): Map<string, Letter> {
  const letters = maskedLetters(entries, projection, judge, silent);
  for (const id of arriving) {
    const letter = whileArriving(letters.get(id), true);
    if (letter !== undefined) letters.set(id, letter);
  }
  return letters;
}

function maskedLetters(
  entries: ReadonlyMap<string, Entry>,
  projection: Projection,
  judge: Judge,
  silent: ReadonlySet<string>,
): Map<string, Letter> {
  const letters = new Map<string, Letter>();
  for (const entry of entries.values()) {
    const letter = letterOf(entry, projection, judge, silent);
    if (letter !== undefined) letters.set(entry.id, letter);
  }
  // Only what is included is masked.
  const refused = [...letters.values()].some(isIncluded) ? refusedBy(letters, entries) : null;
  if (refused === null) return letters;
  for (const [id, letter] of letters) {
    const entry = entries.get(id) as PresentEntry;
    if (letter === 'i' && refused.masked(entry) !== entry) letters.set(id, 'm');
  }
  return letters;
}

/** What the purpose is refused, by its names; null where that is nothing. */
function refusedBy(letters: ReadonlyMap<string, Letter>, entries: ReadonlyMap<string, Entry>): Withheld | null {
  let refused: Withheld | null = null;
  for (const [id, letter] of letters) {
    const refusal = refusalIn(letter);
    const entry = entries.get(id);
    if (refusal === undefined || entry === undefined || !isPresent(entry)) continue;
    refused ??= new Withheld();
    refused.add(entry, refusal);
  }
  return refused;
}

/**
 * What a purpose sees of a record, by the letters: made when it is read or told, and kept nowhere.
 * @param wanted ids of the entries that are asked for; absent: of all.
 */
export function seenIn(
  { entries }: Pick<CareRecord, 'entries'>,
  letters: ReadonlyMap<string, Letter>,
  projection: Projection,
  pseudonyms: Pseudonyms,
  wanted: Iterable<string> = letters.keys(),
): Map<string, ViewEntry> {
  let refused: Withheld | null = null;
  const masked = (entry: PresentEntry): PresentEntry => (refused ??= refusedBy(letters, entries))?.masked(entry) ?? entry;
  const seen = new Map<string, ViewEntry>();
  for (const id of wanted) {
    const letter = letters.get(id);
    const entry = entries.get(id);
    if (!isIncluded(letter) || entry === undefined || !isPresent(entry)) continue;
    const told = projection.project(letter === 'm' ? masked(entry) : entry, pseudonyms);
    seen.set(told.id, told);
  }
  return seen;
}

/** How many entries of the purpose's concern a decision or the policy holds back. */
export function heldIn(letters: ReadonlyMap<string, Letter>, silent: ReadonlySet<string>): Held {
  let [withheld, unsaid] = [0, 0];
  for (const letter of letters.values()) {
    if (letter === 'w' || letter === 'u') withheld += 1;
    if (letter === 'u') unsaid += 1;
  }
  return heldOf(withheld, unsaid, silent);
}
