import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import type { Problem } from '@weft/domain';
import { JSON_DEPTH_MAX } from '../json.js';
import { problem } from '../problems.js';

export interface Limits {
  /** Of all names and texts together. */
  readonly characters: number;
  readonly depth: number;
  /** Of one list. */
  readonly items: number;
  /** Objects, lists, texts, numbers … */
  readonly values: number;
}

/** A message cannot carry more characters; in lists and values, several times what HL7's own largest clinical examples have. */
export const LIMITS: Limits = { characters: MESSAGE_LIMIT_BYTES, depth: JSON_DEPTH_MAX, items: 20_000, values: 100_000 };

/** What is too large to be validated, found in one walk that ends where a limit is reached. */
export function limitProblem(value: unknown, limits: Limits): Problem | null {
  const left = { characters: limits.characters, values: limits.values };
  const over = exceeds(value, limits, left, limits.depth);
  return over === null ? null : problem('', 'too-costly', over);
}

function exceeds(value: unknown, limits: Limits, left: { characters: number; values: number }, depth: number): string | null {
  left.values -= 1;
  if (typeof value === 'string') left.characters -= value.length;
  if (left.values < 0) return `has more than ${limits.values} values`;
  if (left.characters < 0) return `has more than ${limits.characters} characters`;
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return `is nested deeper than ${limits.depth} levels`;
  if (Array.isArray(value)) {
    if (value.length > limits.items) return `has a list of more than ${limits.items} items`;
    for (const item of value) {
      const over = exceeds(item, limits, left, depth - 1);
      if (over !== null) return over;
    }
    return null;
  }
  for (const key in value) {
    left.characters -= key.length;
    const over = exceeds((value as Record<string, unknown>)[key], limits, left, depth - 1);
    if (over !== null) return over;
  }
  return null;
}
