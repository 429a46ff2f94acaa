import type { Policy } from '@weft/domain';
import { decodePolicyApplied, encode, type PolicyApplied } from './encoding.js';
import { replayView, type ReplayOptions } from './replay-views.js';
import { POLICY_APPLIED_STREAM } from './streams.js';
import type { Wiring } from './wiring.js';
import { unlessFenced } from './write-view.js';

/**
 * Adopts the policy, unless it is the one in force, and rebuilds what it changes. Readers obey from the moment it is adopted
 * (a view of an older policy is not served); when this resolves every view and topic does. Goes on where a kill stopped it.
 */
export async function applyPolicy(
  wiring: Wiring,
  policy: Policy,
  options: Pick<ReplayOptions, 'onProgress' | 'chunk'> = {},
): Promise<number> {
  const { version } = await wiring.policies.adopt(policy);
  const last = (await wiring.store.read(POLICY_APPLIED_STREAM, { backwards: true, maxCount: 1 }))[0];
  if (last !== undefined && decodePolicyApplied(last).version >= version) return version;
  for (const projection of wiring.projections) await replayView(wiring, projection, { ...options, appliesPolicy: true });
  const applied: PolicyApplied = { type: 'policy-applied-1', version };
  await unlessFenced(wiring.store.append(POLICY_APPLIED_STREAM, last?.revision ?? -1, [encode(applied, wiring.random)]));
  return version;
}
