import { idsToTell, purposeOfView, seenIn, type Effect, type Letter, type Purpose, type ViewEntry } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { withMarks } from './consent-marks.js';
import { viewIn } from './decide-views.js';
import { deriveViews } from './derive-views.js';
import { effectIn, isKnownType } from './encoding.js';
import { isOfEngine } from './failures.js';
import { pseudonymsOf } from './judges.js';
import { lookAtNumber, type NumberState } from './number.js';
import { loadPerson, type Person } from './person.js';
import type { StoredEvent } from './ports.js';
import { lettersFor } from './read-record.js';
import type { RecordChange } from './record-changes.js';
import { momentNow } from './region-time.js';
import { keyOfStream } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** Numbers side by side. */
const WIDTH = 8;

/**
 * What subscribers are to be told because of events of numbers' streams: every entry that they name, each once and as it stands now, under
 * every decision, policy and date of now. What was withdrawn meanwhile is never told as included. A number that Weft itself fails at holds up no
 * other: `onFault` is given its key.
 */
export async function changesOf(
  wiring: Wiring,
  events: readonly StoredEvent[],
  purposes: ReadonlySet<Purpose>,
  onFault: (key: string, error: unknown) => void,
): Promise<RecordChange[]> {
  const byNumber = new Map<string, Effect[]>();
  for (const stored of events) {
    const effect = effectIn(stored);
    // What is not understood may change anything: its number is looked at, and found to be unreadable.
    if (effect === null && isKnownType(stored.type)) continue;
    const key = keyOfStream(stored.stream);
    const effects = byNumber.get(key) ?? [];
    if (effect !== null) effects.push(effect);
    byNumber.set(key, effects);
  }
  const changes: RecordChange[] = [];
  await forEachConcurrently(byNumber, WIDTH, async ([key, effects]) => {
    try {
      const { state, person } = await inLineNow(wiring, key);
      for (const [purpose, ids] of namedIn(effects, state, purposes))
        changes.push(...tellings(wiring, purpose, { state, person }, ids));
    } catch (error) {
      if (isOfEngine(error)) throw error;
      onFault(key, error);
    }
  });
  return changes;
}

/** A number's stream as it ends, with views that are what would be decided now. */
interface AtHead {
  readonly state: NumberState;
  /** Null of a number that gave way: nothing of it is to be seen. */
  readonly person: Person | null;
}

/**
 * What is told follows from the stream, and from nothing that this process alone believes of the time or the policy: where a date or a policy came after
 * the views, they are derived anew first. Whoever knows better writes after that, and is told of.
 */
async function inLineNow(wiring: Wiring, key: string): Promise<AtHead> {
  for (;;) {
    const load = async () => {
      const state = await lookAtNumber(wiring.store, key);
      const isMoved = state.identity.supersededBy !== null;
      return { state, person: isMoved ? null : await loadPerson(wiring.store, key, { known: [state] }) };
    };
    const { loaded, marks } = await withMarks(wiring.store, load, ({ person }) => person?.members ?? []);
    const { state, person } = loaded;
    if (person === null) {
      // Told of what the stream still includes, that it went, subscribers would never hear that it came back.
      if ([...state.views.values()].every(({ letters }) => letters.size === 0)) return { state, person };
      await deriveViews(wiring, key);
      continue;
    }
    const adopted = await wiring.policies.current();
    const now = await momentNow(wiring);
    const decided = new Map(wiring.projections.map((one) => [one, lettersFor(one, person, adopted, now, marks)]));
    const isAsDecided = [...decided].every(([one, { letters }]) => isSame(letters, viewIn(state, one).letters));
    if (isAsDecided) return { state, person };
    await deriveViews(wiring, key);
  }
}

const isSame = (some: ReadonlyMap<string, Letter>, others: ReadonlyMap<string, Letter>): boolean =>
  some === others || (some.size === others.size && [...some].every(([id, letter]) => others.get(id) === letter));

/** By id, whether the subscribers of a purpose may hold the entry. */
type Named = ReadonlyMap<string, boolean>;

function namedIn(
  effects: readonly Effect[],
  { record }: NumberState,
  purposes: ReadonlySet<Purpose>,
): ReadonlyMap<Purpose, Named> {
  const named = new Map<Purpose, Map<string, boolean>>();
  for (const { views } of effects) {
    for (const [name, changes] of Object.entries(views)) {
      const purpose = purposeOfView(name);
      if (!purposes.has(purpose)) continue;
      const ids = named.get(purpose) ?? new Map<string, boolean>();
      for (const [id, was] of idsToTell(changes, (place) => record.order[place] as string))
        ids.set(id, was || ids.get(id) === true);
      if (ids.size > 0) named.set(purpose, ids);
    }
  }
  return named;
}

function tellings(wiring: Wiring, purpose: Purpose, { state, person }: AtHead, ids: Named): RecordChange[] {
  const projection = projectionOf(wiring, purpose);
  const pseudonyms = pseudonymsOf(wiring.keys, projection, state.key, person?.person);
  const about = { projection, viewKey: pseudonyms.patient, viewRevision: state.revision };
  const { letters } = viewIn(state, projection);
  const seen = person === null ? NOTHING : seenIn(person.record, letters, projection, pseudonyms, ids.keys());
  const versions = wiring.projections.filter((one) => one.purpose === purpose);
  const told = new Map<string, RecordChange>();
  for (const [id, was] of ids) {
    for (const version of versions) {
      const entryId = version.entryId(id, pseudonyms);
      const entry = seen.get(entryId);
      if (told.has(entryId)) continue;
      if (entry === undefined) told.set(entryId, { ...about, entryId, kind: 'withdrawn' });
      else told.set(entryId, { ...about, entryId, kind: was ? 'amended' : 'included', entry: JSON.stringify(entry) });
    }
  }
  return [...told.values()];
}

const NOTHING: ReadonlyMap<string, ViewEntry> = new Map();

/** Everything that a purpose sees of a number's person, as what it is told first. */
export async function standingOf(wiring: Wiring, key: string, purpose: Purpose): Promise<RecordChange[]> {
  const { state, person } = await inLineNow(wiring, key);
  if (person === null) return [];
  const projection = projectionOf(wiring, purpose);
  const pseudonyms = pseudonymsOf(wiring.keys, projection, key, person.person);
  const about = { projection, viewKey: pseudonyms.patient, viewRevision: state.revision };
  return [...seenIn(person.record, viewIn(state, projection).letters, projection, pseudonyms)].map(([entryId, entry]) => ({
    ...{ ...about, entryId, kind: 'included' },
    entry: JSON.stringify(entry),
  }));
}
