import type { Problem } from '@weft/domain';
import { fhirProblems } from '@weft/care-events';
import fc from 'fast-check';
import { differenceOf } from './differences.js';
import { mutated, mutations } from './mutations.js';
import type { Mutation } from './mutations.js';
import { oracleFields } from './oracle.js';
import type { Named } from './files.js';

/** HL7 publishes resources above what a message carries. */
const UNLIMITED = { characters: Infinity, depth: 1_000, items: Infinity, values: Infinity };

export interface Difference {
  /** Null where nobody knows why. */
  readonly reason: string | null;
  readonly ours: readonly Problem[];
  readonly others: readonly string[];
}

/** Undefined where both take a resource, or both refuse it. */
export function compare(resource: unknown): Difference | undefined {
  const [ours, others] = [fhirProblems(resource, UNLIMITED), oracleFields(resource)];
  const reason = differenceOf(ours, others, resource);
  return reason === undefined ? undefined : { reason, ours, others };
}

export interface FuzzFinding extends Difference {
  readonly name: string;
  readonly mutations: readonly Mutation[];
}

/** Resources, each changed in one to three places, judged by both. */
export function* fuzz(resources: readonly Named[], runs: number, seed: number): Generator<FuzzFinding | undefined> {
  const arbitrary = fc.record({ at: fc.nat(resources.length - 1), changes: mutations(3) });
  for (const { at, changes } of fc.sample(arbitrary, { numRuns: runs, seed })) {
    const { name, resource } = resources[at]!;
    const found = compare(mutated(resource, changes));
    yield found && { ...found, name, mutations: changes };
  }
}
