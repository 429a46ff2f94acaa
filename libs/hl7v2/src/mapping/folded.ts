import type { Members } from './facts.js';

/** An entry after some facts of it. */
export interface Folded {
  /** Something was said of it that makes it an entry. */
  readonly known: boolean;
  readonly retracted: boolean;
  readonly members: Members;
}

export const NOTHING: Folded = { known: false, retracted: false, members: {} };

/** What was known, with what is said now: what says nothing leaves it, and null takes it away. */
export function laidOver(before: Members, said: Members): Members {
  const next: Record<string, unknown> = { ...before };
  for (const [member, value] of Object.entries(said)) {
    if (value === null) delete next[member];
    else if (value !== undefined) next[member] = value;
  }
  return next;
}

/** A value as FHIR has it: without members that say nothing, empty lists and empty objects; undefined where nothing is left. */
export function pruned(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    const items = value.map(pruned).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof value !== 'object') return value;
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const kept = pruned(member);
    if (kept !== undefined) members[name] = kept;
  }
  return Object.keys(members).length === 0 ? undefined : members;
}
