import type { Problem } from '@weft/domain';
import { HttpProblem } from '@weft/service';
import type { Accepted, ItemAnswer, ManyAnswer } from './answers.js';
import type { Outcome } from './intake.js';

/** Where a refusal of one event says more than "not valid". The first that is found among its problems decides. */
const STATUSES: readonly (readonly [code: string, status: number, title: string])[] = [
  ['too-large', 413, 'What was sent is too large'],
  ['too-costly', 413, 'What was sent is too large'],
  ['not-the-sender', 403, 'An organisation publishes only as itself'],
  ['not-yours-to-make', 403, 'This decision is not yours to record'],
  ['not-yours-to-lift', 403, 'This objection is not yours to lift'],
  ['idempotency-conflict', 409, 'This id is another event’s'],
  ['not-the-resource', 400, 'The address and the resource do not fit each other'],
  ['malformed-key', 400, 'The request cannot be read'],
  ['not-json', 400, 'The request cannot be read'],
  ['repeated-member', 400, 'The request cannot be read'],
  ['not-utf-8', 400, 'The request cannot be read'],
  ['too-deep', 400, 'The request cannot be read'],
];

/** The problem that answers for one event that was refused, or for a whole request that could not be told apart. */
export function refusal(errors: readonly Problem[]): HttpProblem {
  if (errors.some(({ field, code }) => field === 'content-type' && code === 'unsupported')) {
    return new HttpProblem(415, 'unsupported-media-type', 'This content type is not understood here', { errors });
  }
  const [code, status, title] = STATUSES.find(([known]) => errors.some((error) => error.code === known)) ?? INVALID;
  return new HttpProblem(status, code, title, { errors });
}
const INVALID = ['invalid-event', 422, 'The event is not valid'] as const;

/** Problems at the top of an answer about many, besides those of each item. */
export const ERRORS_MAX = 100;

export interface Item {
  readonly entry: number;
  readonly outcome: Outcome;
}

/**
 * The answer about many: some may be refused, and the rest is none the worse. Throws 422 when nothing of it was accepted.
 */
export function answerOf(items: readonly Item[]): ManyAnswer {
  const accepted = items.filter(({ outcome }) => outcome.ok).length;
  const answer = { accepted, refused: items.length - accepted, items: items.map(itemAnswer) };
  if (accepted > 0 || items.length === 0) return answer;
  const errors = items.flatMap(({ outcome }) => (outcome.ok ? [] : outcome.problems)).slice(0, ERRORS_MAX);
  throw new HttpProblem(422, 'nothing-accepted', 'Nothing of it was accepted', { errors, members: answer });
}

export function acceptedAnswer({ event, at, became }: Outcome & { readonly ok: true }): Accepted {
  return { id: event.id, ...at, ...(became !== undefined && { outcome: became }) };
}

function itemAnswer({ entry, outcome }: Item): ItemAnswer {
  if (!outcome.ok) return { entry, errors: outcome.problems };
  const { decisions, warnings = [] } = outcome.event;
  const isTold = decisions === undefined && warnings.length > 0;
  return { entry, ...acceptedAnswer(outcome), ...(isTold && { warnings }) };
}
