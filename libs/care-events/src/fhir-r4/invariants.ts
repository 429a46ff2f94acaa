import { OF_DATA_TYPES } from './invariants-data-types.js';
import { OF_DEFINITIONS } from './invariants-definitions.js';
import { OF_RECORDS } from './invariants-records.js';
import type { Rule } from './rules.js';

/** A rule of FHIR that no cardinality and no type says, by FHIR's own name for it. */
export interface Invariant extends Rule {
  readonly id: string;
}

const byType = new Map<string, Invariant[]>();
for (const [id, type, rule] of [...OF_DATA_TYPES, ...OF_RECORDS, ...OF_DEFINITIONS]) {
  byType.set(type, [...(byType.get(type) ?? []), { id, ...rule }]);
}

/** What FHIR asks of a type, without what it asks of the types that it is based on. */
export function invariantsOf(type: string): readonly Invariant[] {
  return byType.get(type) ?? [];
}
