import type { Projection } from '@weft/domain';
import { forEachConcurrently } from './concurrency.js';
import { decodeReplayCheckpoint, encode, type ReplayCheckpoint } from './encoding.js';
import { publishChanges } from './publish-changes.js';
import { rebuildAndTellEverything, rebuildViews } from './rebuild-views.js';
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
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly signal?: AbortSignal;
}

/** Patients a checkpoint; after a kill so many are told to the subscribers whole, since it is not known what they were told. */
const CHUNK = 64;
const WIDTH = 8;

/** Every patient known: whoever has a record or a decision. */
export async function* patientKeys(wiring: Wiring): AsyncGenerator<string> {
  const { store } = wiring;
  for await (const { stream } of store.streams(CARE_RECORD_PREFIX)) yield stream.slice(CARE_RECORD_PREFIX.length);
  for await (const { stream } of store.streams(CONSENT_PREFIX)) {
    const key = stream.slice(CONSENT_PREFIX.length);
    if ((await store.head(`${CARE_RECORD_PREFIX}${key}`)) < 0) yield key;
  }
}

/**
 * Replays one view for every patient, safely while events keep coming: each view is read, derived again from the record's
 * first event on, and rewritten only where it differs, under the same fence as the projectors. A killed replay goes on where
 * its last checkpoint says.
 */
export async function replayView(wiring: Wiring, projection: Projection, options: ReplayOptions = {}): Promise<ReplayProgress> {
  const total = await count(patientKeys(wiring));
  const policyVersion = (await wiring.policies.current()).version;
  const resumed =
    options.dryRun === true || options.fromBeginning === true ? null : await interrupted(wiring, projection, policyVersion);
  let progress: ReplayProgress = { done: 0, total, changed: 0, changes: { included: 0, amended: 0, withdrawn: 0 } };
  let chunk: string[] = [];
  let uncertain = resumed !== null;
  const skip = resumed?.done ?? 0;
  const flush = async (): Promise<void> => {
    if (options.dryRun !== true) await checkpoint(wiring, projection, { state: 'under-way', done: progress.done, policyVersion });
    const tellAll = uncertain;
    await forEachConcurrently(each(chunk), WIDTH, async (key) => {
      // Awaited before `progress` is read: several patients are under way at once.
      const one = await replayPatient(wiring, key, projection, { dryRun: options.dryRun === true, tellAll });
      progress = added(progress, one);
    });
    uncertain = false;
    chunk = [];
    options.onProgress?.(progress);
  };
  for await (const key of patientKeys(wiring)) {
    if (options.signal?.aborted === true) return progress;
    if (progress.done < skip) {
      progress = { ...progress, done: progress.done + 1 };
      continue;
    }
    chunk.push(key);
    if (chunk.length === CHUNK) await flush();
  }
  if (chunk.length > 0) await flush();
  if (options.dryRun !== true) await checkpoint(wiring, projection, { state: 'finished', done: progress.done, policyVersion });
  return progress;
}

/** Replays one view of one patient; what would change is given, and with `dryRun` nothing is written. */
export async function replayPatient(
  wiring: Wiring,
  key: string,
  projection: Projection,
  options: { readonly dryRun?: boolean; readonly tellAll?: boolean } = {},
): Promise<ReplayProgress> {
  const changes =
    options.tellAll === true
      ? await rebuildAndTellEverything(wiring, key, [projection])
      : await rebuildViews(wiring, key, { dryRun: options.dryRun === true, projections: [projection] });
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

/** A replay that was interrupted, unless the policy has changed since: then those it had done must be done again. */
async function interrupted(wiring: Wiring, projection: Projection, policyVersion: number): Promise<ReplayCheckpoint | null> {
  const stored = (await wiring.store.read(replayStream(projection), { backwards: true, maxCount: 1 }))[0];
  if (stored === undefined) return null;
  const last = decodeReplayCheckpoint(stored);
  return last.state === 'under-way' && last.policyVersion === policyVersion ? last : null;
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

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
