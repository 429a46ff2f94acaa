import type { Policy, Projection } from '@weft/domain';
import { decodePolicyApplied, encode, type PolicyApplied } from './encoding.js';
import type { StoredEvent } from './ports.js';
import { replayView, type ReplayOptions } from './replay-views.js';
import { POLICY_APPLIED_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './append.js';

type ApplyOptions = Pick<ReplayOptions, 'onProgress' | 'chunk' | 'signal'>;

/** Adopts the policy, unless it is the one in force, and rebuilds what it changes. */
export async function applyPolicy(wiring: Wiring, policy: Policy, options: ApplyOptions = {}): Promise<number> {
  await wiring.policies.adopt(policy);
  return applyAdoptedPolicy(wiring, options);
}

/**
 * Rebuilds what the policy in force changes, unless that was done. Readers obey a policy from the moment it is adopted (a view of
 * an older one is not served); when this resolves every view and topic does, unless `signal` ended it. Goes on where a kill, or
 * the signal, stopped it.
 */
export async function applyAdoptedPolicy(wiring: Wiring, options: ApplyOptions = {}): Promise<number> {
  const { version } = await wiring.policies.current();
  const last = await lastApplied(wiring);
  if (appliedVersion(last) >= version) return version;
  for (const projection of wiring.projections) await replayUnlessEnded(wiring, projection, options);
  if (options.signal?.aborted === true) return version;
  const applied: PolicyApplied = { type: 'policy-applied-1', version };
  await unlessFenced(wiring.store.append(POLICY_APPLIED_STREAM, last?.revision ?? -1, [encode(applied, wiring.random)]));
  return version;
}

/** Even to begin a replay looks for everybody. */
async function replayUnlessEnded(wiring: Wiring, projection: Projection, options: ApplyOptions): Promise<void> {
  if (options.signal?.aborted !== true) await replayView(wiring, projection, options);
}

async function lastApplied({ store }: Pick<Wiring, 'store'>): Promise<StoredEvent | undefined> {
  return (await store.read(POLICY_APPLIED_STREAM, { backwards: true, maxCount: 1 }))[0];
}

const appliedVersion = (last: StoredEvent | undefined): number => (last === undefined ? 0 : decodePolicyApplied(last).version);

/** The latest version of the policy that every view and topic obeys; 0 for none. */
export async function policyApplied(wiring: Pick<Wiring, 'store'>): Promise<number> {
  return appliedVersion(await lastApplied(wiring));
}

/** How long a policy that another process adopted may stay unnoticed; readers do not depend on it. */
const POLICY_POLL_MS = 1_000;

export interface PolicyFollower {
  /** Resolves when no view is being rebuilt any more; the next follower does the rest. */
  stop(): Promise<void>;
}

/** Applies the policy in force, and each that any process adopts from now on. What failed is tried again. */
export function followPolicies(wiring: Wiring, onFailure: (error: unknown) => void): PolicyFollower {
  const stopping = new AbortController();
  const following = follow(wiring, stopping.signal, onFailure);
  return {
    stop() {
      stopping.abort();
      return following;
    },
  };
}

async function follow(wiring: Wiring, signal: AbortSignal, onFailure: (error: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    await applyAdoptedPolicy(wiring, { signal }).catch(onFailure);
    await wiring.timers.sleep(POLICY_POLL_MS, signal);
  }
}
