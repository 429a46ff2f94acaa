import { idsToTell, purposeOfView, seenIn, type AdoptedPolicy, type Effect, type Purpose, type ViewEntry } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { effectIn } from './encoding.js';
import { pseudonymsOf } from './judges.js';
import { loadNumber, type NumberState } from './number.js';
import { loadPerson, type Person } from './person.js';
import type { StoredEvent } from './ports.js';
import { lettersFor } from './read-record.js';
import type { RecordChange } from './record-changes.js';
import { keyOfStream } from './streams.js';
import { projectionOf, type Wiring } from './wiring.js';

/** Numbers side by side. */
const WIDTH = 8;

/**
 * What subscribers are to be told because of events of numbers' streams: every entry that they name, each once and as it stands now, under
 * every decision, policy and date of now. What was withdrawn meanwhile is never told as included.
 */
export async function changesOf(
  wiring: Wiring,
  events: readonly StoredEvent[],
  purposes: ReadonlySet<Purpose>,
): Promise<RecordChange[]> {
  const byNumber = new Map<string, Effect[]>();
  for (const stored of events) {
    const effect = effectIn(stored);
    if (effect === null) continue;
    const key = keyOfStream(stored.stream);
    const effects = byNumber.get(key);
    if (effects === undefined) byNumber.set(key, [effect]);
    else effects.push(effect);
  }
  const changes: RecordChange[] = [];
  await forEachConcurrently(each(byNumber), WIDTH, async ([key, effects]) => {
    const state = await loadNumber(wiring.store, key);
    const named = namedIn(effects, state, purposes);
    if (named.size === 0) return;
    const person = state.identity.supersededBy === null ? await loadPerson(wiring.store, key, { known: [state] }) : null;
    const adopted = await wiring.policies.current();
    for (const [purpose, ids] of named) changes.push(...tellings(wiring, purpose, { state, person, adopted }, ids));
  });
  return changes;
}

async function* each<K, V>(map: ReadonlyMap<K, V>): AsyncGenerator<[K, V]> {
  yield* map;
}

/** By id, whether the subscribers of a purpose may hold the entry. */
type Named = ReadonlyMap<string, boolean>;

function namedIn(effects: readonly Effect[], { record }: NumberState, purposes: ReadonlySet<Purpose>): ReadonlyMap<Purpose, Named> {
  const named = new Map<Purpose, Map<string, boolean>>();
  for (const { views } of effects) {
    for (const [name, changes] of Object.entries(views)) {
      const purpose = purposeOfView(name);
      if (!purposes.has(purpose)) continue;
      const ids = named.get(purpose) ?? new Map<string, boolean>();
      for (const [id, was] of idsToTell(changes, (place) => record.order[place] as string)) ids.set(id, was || ids.get(id) === true);
      if (ids.size > 0) named.set(purpose, ids);
    }
  }
  return named;
}

interface AtHead {
  readonly state: NumberState;
  /** Null of a number that gave way: nothing of it is to be seen. */
  readonly person: Person | null;
  readonly adopted: AdoptedPolicy;
}

function tellings(wiring: Wiring, purpose: Purpose, { state, person, adopted }: AtHead, ids: Named): RecordChange[] {
  const projection = projectionOf(wiring, purpose);
  const pseudonyms = pseudonymsOf(wiring.keys, projection, state.key, person?.person);
  const about = { projection, viewKey: pseudonyms.patient, viewRevision: state.revision };
  const seen = person === null ? NOTHING : seenOf(wiring, person, { projection, pseudonyms, adopted }, ids.keys());
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

interface Seeing {
  readonly projection: RecordChange['projection'];
  readonly pseudonyms: ReturnType<typeof pseudonymsOf>;
  readonly adopted: AdoptedPolicy;
}

function seenOf(
  wiring: Wiring,
  person: Person,
  { projection, pseudonyms, adopted }: Seeing,
  ids: Iterable<string>,
): ReadonlyMap<string, ViewEntry> {
  const { letters } = lettersFor(projection, person, adopted, wiring.clock.now());
  return seenIn(person.record, letters, projection, pseudonyms, ids);
}

/** Everything that a purpose sees of a number's person, as what it is told first. */
export async function standingOf(wiring: Wiring, key: string, purpose: Purpose): Promise<RecordChange[]> {
  const state = await loadNumber(wiring.store, key);
  if (state.identity.supersededBy !== null) return [];
  const person = await loadPerson(wiring.store, key, { known: [state] });
  const projection = projectionOf(wiring, purpose);
  const pseudonyms = pseudonymsOf(wiring.keys, projection, key, person.person);
  const adopted = await wiring.policies.current();
  const { letters } = lettersFor(projection, person, adopted, wiring.clock.now());
  const about = { projection, viewKey: pseudonyms.patient, viewRevision: state.revision };
  return [...seenIn(person.record, letters, projection, pseudonyms)].map(([entryId, entry]) => ({
    ...{ ...about, entryId, kind: 'included' },
    entry: JSON.stringify(entry),
  }));
}
