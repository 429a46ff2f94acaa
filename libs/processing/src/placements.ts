import {
  ageOf,
  entryIdOf,
  isDeathId,
  isEnteredInError,
  isHere,
  placesOf,
  saysAge,
  takesFrom,
  type EntryPlaced,
  type Holding,
  type Place,
  type RecordedCareEvent,
} from '@weft/domain';
import { unlessFenced } from './append.js';
import { forEachConcurrently } from './concurrency.js';
import { appendWithEffect, bringInLine } from './derive-views.js';
import { decodeEntryHeld, decodeNumberEvent, encode, type EntryHeld } from './encoding.js';
import { isOfEngine } from './failures.js';
import { letDenialsFollow } from './following-denials.js';
import { applyToNumber, loadNumber, type NumberState } from './number.js';
import { survivorOf } from './person.js';
import { NO_STREAM, type StoredEvent } from './ports.js';
import { entryHoldersStream, keyOfStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';

/** An entry that a number's stream has a version of. */
export interface Sighting {
  /** The number's key. */
  readonly key: string;
  readonly entry: string;
  /**
   * Whether by this it may be told whose the entry is: by an age, or as it is taken back. What says neither can only stand where the number had taken it
   * back, and so was noted before.
   */
  readonly tells: boolean;
}

/** Entries side by side. */
const WIDTH = 32;
/** The same where only who has them is noted: each is an append of its own, and those that come together share a sync. */
const NOTED_AT_ONCE = 256;

/** The entries that events have versions of. */
export function sightingsIn(events: readonly StoredEvent[]): Sighting[] {
  const sightings = new Map<string, Sighting>();
  for (const stored of events) {
    if (stored.type !== 'care-event-recorded-1' && stored.type !== 'care-event-retracted-1') continue;
    const event = decodeNumberEvent(stored).event as RecordedCareEvent;
    const [key, entry] = [keyOfStream(stored.stream), entryIdOf(event)];
    const name = `${key} ${entry}`;
    const tells = saysAge(ageOf(event.resource)) || isRetraction(event) || sightings.get(name)?.tells === true;
    sightings.set(name, { key, entry, tells });
  }
  return [...sightings.values()];
}

export const sightingsOf = ({ key, record }: NumberState): Sighting[] =>
  [...record.entries.values()]
    .filter(({ id }) => !isDeathId(id))
    .map(({ id, seen, retracted }) => ({ key, entry: id, tells: seen.length > 0 || retracted }));

const isRetraction = ({ type, resource }: Pick<RecordedCareEvent, 'type' | 'resource'>): boolean =>
  type === 'care-event-retracted-1' || isEnteredInError(resource);

/**
 * Says of each entry that a number now has a version of it and, where other people have some too, whose it is from now on: an outcome that follows from
 * what all their streams hold, in whichever order that came. Every step may be done again. Gives the keys of the numbers concerned.
 *
 * @param onFault is given the number's key where Weft itself fails at one: it holds up no other.
 */
export async function placeEntries(
  wiring: Wiring,
  sightings: readonly Sighting[],
  onFault: (key: string, error: unknown) => void,
): Promise<ReadonlySet<string>> {
  const concerned = new Set<string>();
  const unlessAtFault = async ({ key }: Sighting, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (isOfEngine(error)) throw error;
      onFault(key, error);
    }
  };
  const ofSeveral: (readonly [Sighting, readonly string[]])[] = [];
  await forEachConcurrently(sightings, NOTED_AT_ONCE, (sighting) =>
    unlessAtFault(sighting, async () => {
      const keys = await holdersWith(wiring, sighting);
      if (keys.length > 1) ofSeveral.push([sighting, keys]);
    }),
  );
  await forEachConcurrently(ofSeveral, WIDTH, ([sighting, keys]) =>
    unlessAtFault(sighting, async () => {
      for (const key of await settle(wiring, sighting.entry, keys)) concerned.add(key);
    }),
  );
  return concerned;
}

/** The keys of the numbers that ever had versions of an entry, this one among them, or none where it is not noted: to say so is to look. */
async function holdersWith(wiring: Wiring, { key, entry, tells }: Sighting): Promise<readonly string[]> {
  const stream = streamOf(wiring, entry);
  let known = tells ? NOBODY : await lastHeld(wiring, stream);
  for (;;) {
    if (known.keys.includes(key)) return known.keys;
    if (!tells) return [];
    const held: EntryHeld = { type: 'entry-held-1', keys: [...known.keys, key] };
    if ((await unlessFenced(wiring.store.append(stream, known.revision, [encode(held, wiring.random)]))) !== null)
      return held.keys;
    known = await lastHeld(wiring, stream);
  }
}

const streamOf = ({ keys }: Wiring, entry: string): string => entryHoldersStream(keys.uuid('entry', entry));

interface Held {
  readonly keys: readonly string[];
  readonly revision: number;
}

const NOBODY: Held = { keys: [], revision: NO_STREAM };

async function lastHeld({ store }: Wiring, stream: string): Promise<Held> {
  const [last] = await store.read(stream, { backwards: true, maxCount: 1 });
  return last === undefined ? NOBODY : { keys: decodeEntryHeld(last).keys, revision: last.revision };
}

/**
 * First what protects it goes where it will be, then it leaves, then it is there; each at the revisions that the outcome was seen at. Gives the keys of
 * all who have versions of it by then.
 */
async function settle(wiring: Wiring, entry: string, noted: readonly string[]): Promise<readonly string[]> {
  let keys: readonly string[] | null = null;
  while (keys === null) keys = await settledAtOnce(wiring, entry, noted);
  // A crash may have come in between; the numbers may be one person with others.
  await bringInLine(wiring, keys);
  return keys;
}

/**
 * Who has versions of it is looked at last: whoever is noted later than that places it after their note, so that what is appended here, at the revisions
 * seen before, is refused where it was placed by more than is known here.
 */
async function loadHolders(wiring: Wiring, entry: string, noted: readonly string[]): Promise<ReadonlyMap<string, NumberState>> {
  const states = new Map<string, NumberState>();
  for (let keys = noted; keys.length > states.size; { keys } = await lastHeld(wiring, streamOf(wiring, entry)))
    for (const key of keys) if (!states.has(key)) states.set(key, await loadNumber(wiring.store, key));
  return states;
}

/** Null where something came in between. */
async function settledAtOnce(wiring: Wiring, entry: string, noted: readonly string[]): Promise<readonly string[] | null> {
  const states = await loadHolders(wiring, entry, noted);
  const keys = [...states.keys()];
  const known = (key: string) => states.get(key)?.record.entries.get(entry);
  const holders = [];
  for (const key of keys) {
    const holding = known(key);
    if (holding !== undefined) holders.push({ ...holding, key, person: (await survivorOf(wiring.store, key)).key });
  }
  const places = placesOf(holders);
  for (const [key, { from }] of places) {
    for (const other of from) {
      const [there, state] = [known(other), states.get(other)];
      if (there !== undefined && state !== undefined && isHere(there)) await letDenialsFollow(wiring, entry, state, key);
    }
  }
  const leaving = ([, { place }]: readonly [string, { readonly place: Place }]): number => (place === 'away' ? 0 : 1);
  for (const [key, { place }] of [...places].sort((one, other) => leaving(one) - leaving(other))) {
    const state = states.get(key) as NumberState;
    if ((known(key)?.placed?.place ?? 'own') !== place && !(await say(wiring, state, entry, place))) return null;
  }
  return keys;
}

async function say(wiring: Wiring, state: NumberState, entry: string, place: Place): Promise<boolean> {
  const event: EntryPlaced = { type: 'entry-placed-1', entry, place, recordedAt: timestamp(wiring.clock) };
  applyToNumber(state, { kind: 'placement', event }, state.record.revision + 1);
  return (await unlessFenced(appendWithEffect(wiring, state, [encode(event, wiring.random)]).then(() => true))) ?? false;
}

/**
 * Before versions are recorded of a number that has none of their entries: where one says that it is not the first, and takes the entry from somebody
 * else, what protects it there is left here before anybody can see it here. Only these look. Gives the entries that other people have to do with: they are to
 * be placed once the versions are recorded.
 *
 * @param members the keys of the person's numbers.
 */
export async function protectArriving(
  wiring: Wiring,
  { key, record }: NumberState,
  members: readonly string[],
  events: readonly RecordedCareEvent[],
): Promise<readonly Sighting[]> {
  const toPlace: Sighting[] = [];
  for (const event of events) {
    const entry = entryIdOf(event);
    const known = record.entries.get(entry);
    if (known === undefined ? !mayBeCorrection(event) : known.placed === undefined) continue;
    const others = (await lastHeld(wiring, streamOf(wiring, entry))).keys.filter((one) => !members.includes(one));
    if (others.length > 0) toPlace.push({ key, entry, tells: true });
    for (const other of known === undefined ? others : []) {
      const state = await loadNumber(wiring.store, other);
      const there = state.record.entries.get(entry);
      if (there !== undefined && isHere(there) && takesFrom(holdingOf(event), there))
        await letDenialsFollow(wiring, entry, state, key);
    }
  }
  return toPlace;
}

/** A first version corrects nothing. */
function mayBeCorrection(event: RecordedCareEvent): boolean {
  if (!event.type.startsWith('care-event-')) return false;
  const { versionId, lastUpdated } = ageOf(event.resource);
  return versionId === null ? lastUpdated !== null : versionId > 1;
}

function holdingOf(event: RecordedCareEvent): Holding {
  const age = ageOf(event.resource);
  return { seen: [{ ...age, replaced: [] }], first: age, retracted: isRetraction(event) };
}
