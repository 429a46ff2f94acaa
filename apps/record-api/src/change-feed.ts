import { type Purpose, withDigits } from '@weft/domain';
import { changeKey, isOfEngine, patientKeys, type RecordChange, standingOf, toldRevision, type Wiring } from '@weft/processing';
import { isBefore, type LiveChanges, type Position } from './live-changes.js';

/** What a subscriber is told of one entry. */
export interface Change {
  /** Names the entry, always the same. */
  readonly key: string;
  readonly kind: RecordChange['kind'];
  /** The entry's id in the view; absent of a withdrawal, which only its key names. */
  readonly entryId?: string;
  /** The patient's key within the purpose. */
  readonly subject: string;
  /** Grows with what happens to the person. */
  readonly viewRevision: number;
  /** JSON; null of a withdrawal. */
  readonly entry: string | null;
}

export interface FeedOptions {
  readonly purpose: Purpose;
  /** It stands before every number that is told. */
  readonly epoch: number;
  readonly from: 'beginning' | { readonly after: Position };
  /** `reached` is where to go on after these changes, absent while going on there would leave something out. */
  readonly tell: (changes: readonly Change[], reached?: Position) => Promise<void>;
  readonly onCaughtUp: () => void;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Told at once as they stand. */
const PEOPLE = 8;
/** After a failure that may pass. */
const PAUSE_MS = 1_000;

/**
 * Tells a subscriber what is shared now, then what changes, until the signal says stop. Every entry is told as it stands when it is told:
 * what was withdrawn meanwhile is never told as included.
 */
export async function feedChanges(wiring: Wiring, live: LiveChanges, options: FeedOptions): Promise<void> {
  const { purpose, from, signal } = options;
  const start = from === 'beginning' ? await live.end() : from.after;
  if (from === 'beginning') await tellStanding(wiring, live, start, options);
  if (signal.aborted) return;
  const { end, leave } = await live.join(purpose);
  try {
    await goOn(wiring, live, { start, end }, options);
  } finally {
    await leave();
  }
}

interface Stretch {
  readonly start: Position;
  /** Once everything up to here is told, the feed has caught up. */
  readonly end: Position;
}

async function goOn(wiring: Wiring, live: LiveChanges, { start, end }: Stretch, options: FeedOptions): Promise<void> {
  const { purpose, epoch, tell, onCaughtUp, onFailure, signal } = options;
  const { store, keys, timers } = wiring;
  let position = start;
  let isCaughtUp = false;
  while (!signal.aborted) {
    if (!isCaughtUp && !isBefore(store, position, end)) {
      isCaughtUp = true;
      onCaughtUp();
    }
    try {
      const part = await live.next(position, purpose, signal);
      if (part === null) return;
      await tell(toldOf(part.changes, keys, epoch), part.position);
      position = part.position;
    } catch (error) {
      // Whoever has not caught up connects again; who has waits.
      if (!isCaughtUp) throw error;
      onFailure(error);
      await timers.sleep(PAUSE_MS, signal);
    }
  }
}

/**
 * Everybody as they stand, a few people at a time. One of them is always kept back, so that there is a last page: it alone says where to go on,
 * because before it going on would leave gaps.
 */
async function tellStanding(
  wiring: Wiring,
  { onFault }: LiveChanges,
  start: Position,
  { purpose, epoch, tell, signal }: FeedOptions,
): Promise<void> {
  const standingOfOne = async (key: string): Promise<RecordChange[]> => {
    try {
      return await standingOf(wiring, key, purpose);
    } catch (error) {
      if (isOfEngine(error)) throw error;
      onFault(key, error);
      return [];
    }
  };
  const standing = async (keys: readonly string[]) => {
    const people = await Promise.all(keys.map(async (key) => ({ key, changes: await standingOfOne(key) })));
    return people.filter(({ changes }) => changes.length > 0);
  };
  const told = (people: Awaited<ReturnType<typeof standing>>) =>
    toldOf(
      people.flatMap(({ changes }) => changes),
      wiring.keys,
      epoch,
    );
  let kept: readonly string[] = [];
  for await (const keys of pagesOf(patientKeys(wiring))) {
    if (signal.aborted) return;
    const people = await standing([...kept, ...keys]);
    kept = people.splice(-1).map(({ key }) => key);
    if (people.length > 0) await tell(told(people));
  }
  const last = await standing(kept);
  if (last.length > 0) await tell(told(last), start);
}

async function* pagesOf(keys: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let page: string[] = [];
  for await (const key of keys) {
    page.push(key);
    if (page.length < PEOPLE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Changes of one person at one moment are many, and the number under which they are told takes some work to draw. */
function toldOf(changes: readonly RecordChange[], keys: Wiring['keys'], epoch: number): Change[] {
  const drawn = new Map<string, number>();
  return changes.map(({ projection, viewKey, entryId, kind, entry, viewRevision }) => {
    const name = `${viewKey} ${viewRevision}`;
    const told = drawn.get(name) ?? toldRevision(projection, viewKey, viewRevision, keys, epoch);
    drawn.set(name, told);
    return {
      ...{ key: changeKey(projection, viewKey, entryId, keys), kind },
      ...(entry !== undefined && { entryId }),
      ...{ subject: viewKey, viewRevision: told, entry: entry === undefined ? null : withDigits(entry) },
    };
  });
}
