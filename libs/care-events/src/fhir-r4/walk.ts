import type { Problem } from '@weft/domain';
import type { Loose } from '../patient-reference.js';
import { problem } from '../problems.js';

/** So many are found, then the validation ends: they travel with the input into quarantine. */
const PROBLEMS_MAX = 50;

type Step = string | number;

/** A resource that is not itself contained: what it contains, by id, and which of it is referred to. */
export interface Container {
  readonly contained: ReadonlyMap<string, Loose>;
  readonly referred: Set<string>;
  /** The indices of what is contained and refers to its container. */
  readonly referring: Set<Step>;
  /** How many steps lead to the resource. */
  readonly depth: number;
}

/** Where a validation is, and what it has found. */
export interface Walk {
  readonly found: Problem[];
  /** Names and indices, from the resource's type to the value being judged. */
  readonly path: Step[];
  container: Container;
  isInConsent: boolean;
}

/**
 * What a Consent is not refused for. It is read by rules of its own, in which what is not understood counts as deny: of a code
 * outside its value set, or a period that ends before it begins.
 */
const LEFT_TO_CONSENTS: ReadonlySet<string> = new Set(['code-invalid', 'invariant', 'empty']);

export function isFull({ found }: Walk): boolean {
  return found.length >= PROBLEMS_MAX;
}

export function report(walk: Walk, code: string, message: string, ...below: readonly Step[]): void {
  const { found, path, isInConsent } = walk;
  if (isFull(walk) || (isInConsent && LEFT_TO_CONSENTS.has(code))) return;
  if (found.length < PROBLEMS_MAX - 1) found.push(problem(fieldOf([...path, ...below]), code, message));
  else found.push(problem(String(path[0]), 'more', `has more problems than these ${PROBLEMS_MAX - 1}`));
}

function fieldOf(path: readonly Step[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1);
}
