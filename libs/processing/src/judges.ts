import {
  judge,
  spanAt,
  type AdoptedPolicy,
  type Decision,
  type Judge,
  type Projection,
  type Pseudonyms,
  type Span,
} from '@weft/domain';
import type { Keys } from './ports.js';

/** The rules and decisions of one person at one instant, ready to judge entries for every projection. */
export interface Rulings {
  readonly at: number;
  readonly policyVersion: number;
  /** When they are the same as at this instant. */
  readonly span: Span;
  of(projection: Projection): Judge;
}

export function rulingsAt(at: number, decisions: readonly Decision[], adopted: AdoptedPolicy): Rulings {
  const judges = new Map<string, Judge>();
  return {
    at,
    policyVersion: adopted.version,
    span: spanAt(decisions, at),
    of({ purpose }) {
      let found = judges.get(purpose);
      if (found === undefined) {
        found = judge(purpose, decisions, adopted.policy, at);
        judges.set(purpose, found);
      }
      return found;
    },
  };
}

export function pseudonymsOf(keys: Keys, projection: Projection, patientKey: string): Pseudonyms {
  return {
    patient: keys.view(projection.purpose, patientKey),
    of: (text) => keys.pseudonym(projection.purpose, text),
  };
}
