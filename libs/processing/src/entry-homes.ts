import {
  correctionBy,
  entryIdOf,
  isEarlierHere,
  isHere,
  isMerge,
  isOfDeath,
  isPresent,
  versionOf,
  type BetweenRecords,
  type EntryLearnt,
  type NumberRecord,
  type RecordEvent,
  type RecordedCareEvent,
} from '@weft/domain';
import { allSettled } from './concurrency.js';
import { decodeEntryHome, encode, type EntryHome } from './encoding.js';
import { letDenialsFollow, recordBeforeItLeft } from './following-denials.js';
import { loadMembers, loadRecord } from './load.js';
import { NO_STREAM } from './ports.js';
import { careRecordStream, entryHomeStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

/**
 * Before new events of a number are recorded: where an entry lives that this number does not have. To say that it lives here is to look:
 * that succeeds for a new entry, and fails where somebody has it. Where that is another person, and the event says that it is the later
 * version, the entry is taken from them first, and what protected it there brought here. True where anything became known that the record did not
 * know: it is to be read, and the events placed, again. Every step may be repeated after a crash.
 */
export async function settleHomes(
  wiring: Wiring,
  number: NumberRecord,
  fresh: readonly RecordEvent[],
  membersOf: () => Promise<readonly NumberRecord[]>,
): Promise<boolean> {
  const unknown = notHere(number, fresh);
  if (unknown.size === 0) return false;
  const here = { ...number, members: await membersOf() };
  const taken = await allSettled([...unknown].map(([id]) => isNew(wiring, here, id)));
  let isAnything = false;
  for (const [nth, [id, events]] of [...unknown].entries()) {
    if (taken[nth] === true) continue;
    const known = here.record.entries.get(id);
    const event = events.find((one) => !isEarlierHere(versionOf(one), known));
    if (event !== undefined && (await settleHome(wiring, here, id, event))) isAnything = true;
  }
  return isAnything;
}

interface Members {
  /** The numbers of the person. */
  readonly members: readonly NumberRecord[];
}

/** By entry the events about those that do not live here yet, in their order. */
function notHere({ record }: NumberRecord, fresh: readonly RecordEvent[]): Map<string, RecordedCareEvent[]> {
  const unknown = new Map<string, RecordedCareEvent[]>();
  for (const event of fresh) {
    if (!isOfEntry(event)) continue;
    const id = entryIdOf(event);
    const entry = record.entries.get(id);
    if (entry !== undefined && isHere(entry)) continue;
    unknown.set(id, [...(unknown.get(id) ?? []), event]);
  }
  return unknown;
}

const isOfEntry = (event: RecordEvent): event is RecordedCareEvent =>
  event.type.startsWith('care-event-') && event.type !== 'care-event-homed-1' && !isMerge(event.type) && !isOfDeath(event.type);

async function isNew(wiring: Wiring, { key, record }: NumberRecord, id: string): Promise<boolean> {
  return !record.entries.has(id) && (await say(wiring, homeStream(wiring, id), NO_STREAM, { type: 'entry-home-1', key }));
}

const homeStream = ({ keys }: Wiring, id: string): string => entryHomeStream(keys.uuid('entry', id));

/** False where somebody else said something there first. */
async function say(
  { store, random }: Wiring,
  stream: string,
  expected: number,
  event: EntryHome | BetweenRecords,
): Promise<boolean> {
  return (await unlessFenced(store.append(stream, expected, [encode(event, random)]))) !== null;
}

/** An entry, and the event that has it looked for. */
interface Looking {
  readonly id: string;
  readonly event: RecordedCareEvent;
  /** Of its home: the last word, and its revision. */
  readonly stream: string;
  readonly revision: number;
  readonly home: EntryHome;
  /** The numbers of the person whose the home says that it is. */
  readonly members: readonly NumberRecord[];
}

async function settleHome(wiring: Wiring, here: NumberRecord & Members, id: string, event: RecordedCareEvent): Promise<boolean> {
  for (;;) {
    const looking = await lookFor(wiring, id, event);
    if (looking === null) {
      if (await isNew(wiring, here, id)) return false;
      continue;
    }
    const isOurs = looking.members.some(({ key }) => key === here.key);
    // A merge, or its undoing, since the record was read.
    if (isOurs !== here.members.some(({ key }) => key === looking.home.key)) return true;
    if (isOurs && looking.members.some(hasHere(id))) return !here.members.some(hasHere(id));
    if (await isBroughtUpToDate(wiring, looking)) {
      if (looking.home.key === here.key) return true;
      continue;
    }
    if (isOurs) {
      if (looking.home.key === here.key) return false;
      await say(wiring, looking.stream, looking.revision, { ...looking.home, key: here.key });
      continue;
    }
    const settled = await placeAgainst(wiring, here, looking);
    if (settled !== null) return settled;
  }
}

async function lookFor(wiring: Wiring, id: string, event: RecordedCareEvent): Promise<Looking | null> {
  const { store } = wiring;
  const stream = homeStream(wiring, id);
  const last = (await store.read(stream, { backwards: true, maxCount: 1 }))[0];
  if (last === undefined) return null;
  const home = decodeEntryHome(last);
  const members = await loadMembers(store, { key: home.key, record: await loadRecord(store, home.key) });
  return { id, event, stream, revision: last.revision, home, members };
}

const hasHere =
  (id: string) =>
  ({ record }: NumberRecord): boolean => {
    const entry = record.entries.get(id);
    return entry !== undefined && isHere(entry);
  };

/**
 * Does what whoever took the entry last left undone: they may have been killed. First an entry leaves a record, then its home says where it went,
 * then what protected it follows, and then the record that it comes to learns what was known of it.
 */
async function isBroughtUpToDate(wiring: Wiring, looking: Looking): Promise<boolean> {
  const { id, stream, revision, home, members } = looking;
  const left = members.find(({ record }) => record.entries.get(id)?.away?.since === revision);
  const away = left?.record.entries.get(id)?.away;
  if (left !== undefined && away !== undefined) {
    await say(wiring, stream, revision, homeAfter(left, id, away.to));
    return true;
  }
  const holders = members.filter(hasHere(id));
  if (holders.length > 0 && !holders.some(({ key }) => key === home.key)) {
    await say(wiring, stream, revision, { type: 'entry-home-1', key: (holders[0] as NumberRecord).key });
    return true;
  }
  const entry = recordOf(looking).entries.get(id);
  if (home.from === undefined || entry?.arrival?.since === revision || holders.length > 0) return false;
  await letDenialsFollow(wiring, id, home.from, home.key);
  await arrive(wiring, looking, home.from);
  return true;
}

const recordOf = ({ home, members }: Looking): NumberRecord['record'] =>
  (members.find(({ key }) => key === home.key) as NumberRecord).record;

/** Where nothing of the entry was, as its first event never came, there is nothing to be brought along. */
function homeAfter({ key, record }: NumberRecord, id: string, to: string): EntryHome {
  const isEmpty = record.entries.get(id)?.versions === 0 && record.entries.get(id)?.arrival === undefined;
  return { type: 'entry-home-1', key: to, ...(!isEmpty && { from: key }) };
}

async function arrive(wiring: Wiring, looking: Looking, from: string): Promise<void> {
  const { id, revision, home } = looking;
  const { seen } = await recordBeforeItLeft(wiring.store, from, id);
  const arrival = { from, since: revision };
  await sayOf(wiring, looking, home.key, recordOf(looking).revision, {
    ...{ type: 'entry-learnt-1', of: from, seen, arrival, review: 'number-corrected' },
  });
}

type Word = Omit<EntryLearnt, keyof About> | { readonly type: 'entry-doubted-1' } | Omit<Away, keyof About>;
type Away = Extract<BetweenRecords, { readonly type: 'entry-moved-away-1' }>;
type About = Pick<BetweenRecords, 'entry' | 'organisation' | 'resourceType' | 'coordinates' | 'recordedAt'>;

/** In the record of a number. */
function sayOf(wiring: Wiring, { id, event }: Looking, key: string, expected: number, word: Word): Promise<boolean> {
  const { organisation, resource, coordinates } = event;
  const about = {
    entry: id,
    organisation,
    resourceType: resource.resourceType,
    coordinates,
    recordedAt: timestamp(wiring.clock),
  };
  return say(wiring, careRecordStream(key), expected, { ...word, ...about } as BetweenRecords);
}

/** What the event does with an entry that is somebody else's. Null where that is to be looked at once more. */
async function placeAgainst(wiring: Wiring, here: NumberRecord, looking: Looking): Promise<boolean | null> {
  const { id, event, home, revision } = looking;
  const record = recordOf(looking);
  const there = record.entries.get(id);
  const correction = correctionBy(versionOf(event), there);
  if (correction === 'moves') {
    const { versionId, lastUpdated } = versionOf(event);
    const age = { versionId, lastUpdated };
    await sayOf(wiring, looking, home.key, record.revision, { type: 'entry-moved-away-1', to: here.key, since: revision, age });
    return null;
  }
  const learn = (word: Pick<EntryLearnt, 'seen' | 'review'>): Promise<boolean> =>
    sayOf(wiring, looking, here.key, here.record.revision, { type: 'entry-learnt-1', of: home.key, ...word });
  if (correction === 'unclear') {
    if (there !== undefined && isPresent(there) && there.review !== 'number-unclear') {
      if (!(await sayOf(wiring, looking, home.key, record.revision, { type: 'entry-doubted-1' }))) return null;
    }
    if (here.record.entries.get(id)?.nextReview === 'number-unclear') return false;
    await learn({ seen: [], review: 'number-unclear' });
  } else await learn({ seen: there?.seen ?? [] });
  return true;
}

/** Keys of other people's numbers that these events' entries had to do with, and whose views are to be brought in line with those of this one. */
export async function followUp(
  wiring: Wiring,
  { key, record }: NumberRecord,
  arrivals: readonly { readonly event: RecordedCareEvent | Omit<RecordedCareEvent, 'recordedAt' | 'coordinates'> }[],
  redelivered: boolean,
): Promise<readonly string[]> {
  const others = new Set<string>();
  for (const id of new Set(
    arrivals.filter(({ event }) => isOfEntry(event as RecordEvent)).map(({ event }) => entryIdOf(event)),
  )) {
    const entry = record.entries.get(id);
    if (entry?.others === undefined || !(redelivered || !isHere(entry) || entry.review === 'number-corrected')) continue;
    for (const other of entry.others) others.add(other);
    // Denied there while the entry was on its way.
    if (entry.arrival !== undefined) await letDenialsFollow(wiring, id, entry.arrival.from, key);
  }
  return [...others];
}
