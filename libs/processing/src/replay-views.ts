import type { Projection, Purpose } from '@weft/domain';
import { forEachConcurrently, inOrder } from './concurrency.js';
import { decodeReplayCheckpoint, encode, type ReplayCheckpoint } from './encoding.js';
import { deriveViews, type Changes } from './derive-views.js';
import { unlessUnreadable, type UnreadableRecord } from './failures.js';
import { chunksOf, patientKeys } from './patient-keys.js';
import { isPublished } from './publisher.js';
import { replayStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './append.js';

export interface ReplayProgress {
  /** Patients looked at, those of an earlier run that was interrupted included. */
  readonly done: number;
  readonly total: number;
  /** Views that were, or with a dry run would be, changed. */
  readonly changed: number;
  readonly changes: Changes;
  /** Whose streams cannot be read: their views stay as they are, and so do those of whom they are merged with. */
  readonly unreadable: readonly UnreadableRecord[];
  /** Everything that is to be told is written, and who replays did not wait until it was published. */
  readonly unpublished?: true;
}

export interface ReplayOptions {
  readonly dryRun?: boolean;
  /** Begin anew instead of where an interrupted replay stopped. */
  readonly fromBeginning?: boolean;
  /** Tell the subscribers everything, changed or not: once another version of the view serves them. */
  readonly tellAll?: boolean;
  /** Who replays chunks, each one chunk at a time: as many workers as there are cores. Absent: this thread. */
  readonly lanes?: readonly ReplayLane[];
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Everything that is to be told is written; now a publisher has to run. */
  readonly onUnpublished?: () => void;
  readonly signal?: AbortSignal;
  /** Patients a chunk, and a checkpoint (default 64). */
  readonly chunk?: number;
}

/** One purpose's views of some patients. It crosses to another thread, so it is plain data. */
export interface ReplayChunk {
  readonly purpose: Purpose;
  readonly version: number;
  readonly keys: readonly string[];
  readonly dryRun: boolean;
  readonly tellAll: boolean;
}

export type ReplayLane = (chunk: ReplayChunk) => Promise<ReplayProgress>;

const CHUNK = 64;
/** Chunks a lane that may be under way beyond the checkpoint. */
const AHEAD = 2;
const WIDTH = 8;

/**
 * Replays one view for every patient, safely while events keep coming: each is decided again from the record's first event on, and what
 * differs appended, under the same fence as the projectors'. A killed replay goes on where its last checkpoint says.
 */
export async function replayView(wiring: Wiring, projection: Projection, options: ReplayOptions = {}): Promise<ReplayProgress> {
  const dryRun = options.dryRun === true;
  const policyVersion = (await wiring.policies.current()).version;
  const { chunk = CHUNK, tellAll = false } = options;
  const last = dryRun || options.fromBeginning === true ? null : await interrupted(wiring, projection);
  // What was done under another policy, or with less told, must be done again.
  const done = last?.policyVersion === policyVersion && (last.tellAll || !tellAll) ? last.done : 0;
  const lanes = options.lanes ?? [(part: ReplayChunk) => replayChunk(wiring, part)];
  let progress: ReplayProgress = { ...NOTHING, done, total: await count(patientKeys(wiring)) };
  const write = async (state: ReplayCheckpoint['state']): Promise<void> => {
    if (!dryRun) await checkpoint(wiring, projection, { state, done: progress.done, policyVersion, tellAll });
  };
  await write('under-way');
  const about = { purpose: projection.purpose, version: projection.version, dryRun, tellAll };
  const results = inOrder(chunksOf(patientKeys(wiring), done, chunk), lanes, AHEAD, (keys, lane) =>
    options.signal?.aborted === true ? null : lane({ ...about, keys }),
  );
  for await (const result of results) {
    if (result === null) return progress;
    progress = added(progress, result);
    await write('under-way');
    options.onProgress?.(progress);
  }
  await write('finished');
  if (!tellAll || dryRun || (await isPublishedInTime(wiring, projection, options))) return progress;
  return { ...progress, unpublished: true };
}

/** How often it is looked whether everything is published. */
const LOOK_MS = 200;

/**
 * Whoever has everything told goes on once it is: those who publish may then forget how the version before named its entries. No publisher may be
 * running, so it is false where the signal comes first.
 */
async function isPublishedInTime(
  { store, timers }: Wiring,
  projection: Projection,
  { signal, onUnpublished }: ReplayOptions,
): Promise<boolean> {
  const [last] = await store.read(replayStream(projection), { backwards: true, maxCount: 1 });
  if (last === undefined) return true;
  for (let looked = false; !(await isPublished(store, last.position)); looked = true) {
    if (signal?.aborted === true) return false;
    if (!looked) onUnpublished?.();
    await timers.sleep(LOOK_MS, signal);
  }
  return true;
}

/** What a lane does: in this thread, or at the other end of a worker. */
export async function replayChunk(wiring: Wiring, chunk: ReplayChunk): Promise<ReplayProgress> {
  const { purpose, version, keys, ...options } = chunk;
  const projection = wiring.projections.find((one) => one.purpose === purpose && one.version === version);
  if (projection === undefined) throw new Error(`version ${version} of the view for ${purpose} is not written here`);
  let progress = NOTHING;
  await forEachConcurrently(keys, WIDTH, async (key) => {
    // Awaited before `progress` is read: several patients are under way at once.
    let found: readonly UnreadableRecord[] = [];
    const one = await unlessUnreadable(replayPatient(wiring, key, projection, options), (unreadable) => (found = [unreadable]));
    progress = added(progress, one ?? { ...NOTHING, done: 1, unreadable: found });
  });
  return progress;
}

/** Replays one view of one patient; what would change is given, and with `dryRun` nothing is written. */
export async function replayPatient(
  wiring: Wiring,
  key: string,
  projection: Projection,
  options: Pick<ReplayOptions, 'dryRun' | 'tellAll'> = {},
): Promise<ReplayProgress> {
  const changes = (await deriveViews(wiring, key, { ...options, projections: [projection] })).get(projection) as Changes;
  const { included, amended, withdrawn } = changes;
  return { done: 1, total: 1, changed: included + amended + withdrawn > 0 ? 1 : 0, changes, unreadable: [] };
}

function added(a: ReplayProgress, b: ReplayProgress): ReplayProgress {
  return {
    done: a.done + b.done,
    total: a.total,
    changed: a.changed + b.changed,
    changes: {
      included: a.changes.included + b.changes.included,
      amended: a.changes.amended + b.changes.amended,
      withdrawn: a.changes.withdrawn + b.changes.withdrawn,
    },
    unreadable: [...new Map([...a.unreadable, ...b.unreadable].map((one) => [one.key, one])).values()],
  };
}

/** A replay that was interrupted. */
async function interrupted(wiring: Wiring, projection: Projection): Promise<ReplayCheckpoint | null> {
  const stored = (await wiring.store.read(replayStream(projection), { backwards: true, maxCount: 1 }))[0];
  if (stored === undefined) return null;
  const last = decodeReplayCheckpoint(stored);
  return last.state === 'under-way' ? last : null;
}

/** Two replays of one view at once do no harm: the last checkpoint written counts, and work done twice changes nothing. */
async function checkpoint(wiring: Wiring, projection: Projection, at: Omit<ReplayCheckpoint, 'type'>): Promise<void> {
  const stream = replayStream(projection);
  const event: ReplayCheckpoint = { type: 'replay-checkpointed-1', ...at };
  const head = await wiring.store.head(stream);
  await unlessFenced(wiring.store.append(stream, head, [encode(event, wiring.random)], { truncatesPrevious: true }));
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let total = 0;
  for await (const _ of items) total += 1;
  return total;
}

const NOTHING: ReplayProgress = {
  ...{ done: 0, total: 0, changed: 0 },
  ...{ changes: { included: 0, amended: 0, withdrawn: 0 }, unreadable: [] },
};
