import type { Projection, Purpose } from '@weft/domain';
import { forEachConcurrently, inOrder } from './concurrency.js';
import { decodeReplayCheckpoint, encode, type ReplayCheckpoint } from './encoding.js';
import { publishChanges } from './publish-changes.js';
import { emptyLeftBehind, rebuildAndTellEverything, rebuildViews, type RebuildOptions } from './rebuild-views.js';
import { CARE_RECORD_PREFIX, CONSENT_PREFIX, replayStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

export interface ReplayProgress {
  /** Patients looked at, those of an earlier run that was interrupted included. */
  readonly done: number;
  readonly total: number;
  /** Views that were, or with a dry run would be, changed. */
  readonly changed: number;
  readonly changes: { readonly included: number; readonly amended: number; readonly withdrawn: number };
}

export interface ReplayOptions {
  readonly dryRun?: boolean;
  /** Begin anew instead of where an interrupted replay stopped. */
  readonly fromBeginning?: boolean;
  /** Tell the subscribers everything, changed or not: once another version of the view serves them. */
  readonly tellAll?: boolean;
  /** Answers for the policy in force: views that somebody else brought under it meanwhile are told whole. */
  readonly appliesPolicy?: boolean;
  /** Who replays chunks, each one chunk at a time: as many workers as there are cores. Absent: this thread. */
  readonly lanes?: readonly ReplayLane[];
  readonly onProgress?: (progress: ReplayProgress) => void;
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
  /** It is not known what the subscribers were told of them: they are told the whole. */
  readonly tellAll: boolean;
  /** Version of the policy that the replay answers for having been told. */
  readonly untoldPolicy?: number;
}

export type ReplayLane = (chunk: ReplayChunk) => Promise<ReplayProgress>;

const CHUNK = 64;
/** Chunks a lane that may be under way or done beyond the checkpoint; after a kill so many are told to the subscribers whole. */
const AHEAD = 2;
const WIDTH = 8;

/**
 * Every patient known: whoever has a record or a decision. Records are looked for once more at the end: somebody of whom
 * there were only decisions may get one just after the records were gone through, and must not be passed over by both.
 */
export async function* patientKeys({ store }: Wiring): AsyncGenerator<string> {
  let last: string | undefined;
  for await (const { stream, position } of store.streams(CARE_RECORD_PREFIX)) {
    yield stream.slice(CARE_RECORD_PREFIX.length);
    last = position;
  }
  for await (const { stream } of store.streams(CONSENT_PREFIX)) {
    const key = stream.slice(CONSENT_PREFIX.length);
    if ((await store.head(`${CARE_RECORD_PREFIX}${key}`)) < 0) yield key;
  }
  for await (const { stream } of store.streams(CARE_RECORD_PREFIX, last)) yield stream.slice(CARE_RECORD_PREFIX.length);
}

/**
 * Replays one view for every patient, safely while events keep coming: each view is read, derived again from the record's
 * first event on, and rewritten only where it differs, under the same fence as the projectors. A killed replay goes on where
 * its last checkpoint says.
 */
export async function replayView(wiring: Wiring, projection: Projection, options: ReplayOptions = {}): Promise<ReplayProgress> {
  const dryRun = options.dryRun === true;
  const policyVersion = (await wiring.policies.current()).version;
  const { appliesPolicy = false, tellAll = false, chunk = CHUNK } = options;
  const last = dryRun ? null : await interrupted(wiring, projection);
  const asked = { policyVersion, appliesPolicy, tellAll };
  const resumed = last !== null && options.fromBeginning !== true && isEnough(last, asked) ? last : null;
  const lanes = options.lanes ?? [(part: ReplayChunk) => replayChunk(wiring, part)];
  const ahead = lanes.length * AHEAD * chunk;
  const done = resumed?.done ?? 0;
  // Wherever this one begins: what the interrupted one wrote there, it may not have told.
  const uncertainUntil = last === null ? 0 : last.done + last.ahead;
  let progress: ReplayProgress = { ...NOTHING, done, total: await count(patientKeys(wiring)) };
  const write = async (state: ReplayCheckpoint['state']): Promise<void> => {
    const doubtful = Math.max(ahead, uncertainUntil - progress.done);
    if (!dryRun) await checkpoint(wiring, projection, { state, done: progress.done, ahead: doubtful, ...asked });
  };
  await write('under-way');
  const chunks = chunksOf(patientKeys(wiring), done, chunk);
  const untoldPolicy = appliesPolicy ? { untoldPolicy: policyVersion } : {};
  const about = { purpose: projection.purpose, version: projection.version, dryRun, ...untoldPolicy };
  const results = inOrder(chunks, lanes, AHEAD, ({ keys, first }, lane) =>
    options.signal?.aborted === true ? null : lane({ ...about, keys, tellAll: !dryRun && (tellAll || first < uncertainUntil) }),
  );
  for await (const result of results) {
    if (result === null) return progress;
    progress = added(progress, result);
    await write('under-way');
    options.onProgress?.(progress);
  }
  await write('finished');
  return progress;
}

/** What a lane does: in this thread, or at the other end of a worker. */
export async function replayChunk(wiring: Wiring, chunk: ReplayChunk): Promise<ReplayProgress> {
  const { purpose, version, keys, dryRun, tellAll, untoldPolicy } = chunk;
  const projection = wiring.projections.find((one) => one.purpose === purpose && one.version === version);
  if (projection === undefined) throw new Error(`version ${version} of the view for ${purpose} is not written here`);
  let progress = NOTHING;
  await forEachConcurrently(each(keys), WIDTH, async (key) => {
    // Awaited before `progress` is read: several patients are under way at once.
    const one = await replayPatient(wiring, key, projection, {
      dryRun,
      tellAll,
      ...(untoldPolicy === undefined ? {} : { untoldPolicy }),
    });
    progress = added(progress, one);
  });
  return progress;
}

/** Replays one view of one patient; what would change is given, and with `dryRun` nothing is written. */
export async function replayPatient(
  wiring: Wiring,
  key: string,
  projection: Projection,
  { tellAll = false, ...options }: Pick<RebuildOptions, 'dryRun' | 'untoldPolicy'> & { readonly tellAll?: boolean } = {},
): Promise<ReplayProgress> {
  const leftBehind = options.dryRun === true ? [] : await emptyLeftBehind(wiring, key, projection);
  const changes = [
    ...leftBehind,
    ...(tellAll && options.dryRun !== true
      ? await rebuildAndTellEverything(wiring, key, [projection])
      : await rebuildViews(wiring, key, { ...options, projections: [projection] })),
  ];
  if (options.dryRun !== true) await publishChanges(wiring, changes);
  const of = (kind: string): number => changes.filter((change) => change.kind === kind).length;
  return {
    done: 1,
    total: 1,
    changed: changes.length > 0 ? 1 : 0,
    changes: { included: of('included'), amended: of('amended'), withdrawn: of('withdrawn') },
  };
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
  };
}

/** What was done under another policy, or with less told than is asked for now, must be done again. */
function isEnough(done: ReplayCheckpoint, asked: Pick<ReplayCheckpoint, 'policyVersion' | 'appliesPolicy' | 'tellAll'>): boolean {
  if (done.policyVersion !== asked.policyVersion) return false;
  return done.tellAll || (!asked.tellAll && (done.appliesPolicy || !asked.appliesPolicy));
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

const NOTHING: ReplayProgress = { done: 0, total: 0, changed: 0, changes: { included: 0, amended: 0, withdrawn: 0 } };

async function* chunksOf(
  keys: AsyncIterable<string>,
  skip: number,
  size: number,
): AsyncGenerator<{ readonly keys: readonly string[]; readonly first: number }> {
  let chunk: string[] = [];
  let seen = 0;
  for await (const key of keys) {
    seen += 1;
    if (seen <= skip) continue;
    chunk.push(key);
    if (chunk.length < size) continue;
    yield { keys: chunk, first: seen - chunk.length };
    chunk = [];
  }
  if (chunk.length > 0) yield { keys: chunk, first: seen - chunk.length };
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
