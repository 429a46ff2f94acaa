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
