import type { Problem } from '@weft/domain';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';

type Query = Pick<FastifyRequest, 'query'>;

export function invalid(...errors: Problem[]): HttpProblem {
  return new HttpProblem(400, 'invalid-request', 'The request is not valid', { errors });
}

/** A query parameter that may be given once, or null. */
export function parameter(request: Query, name: string): string | null {
  const value = (request.query as Readonly<Record<string, string | string[] | undefined>>)[name];
  if (Array.isArray(value)) throw invalid({ field: name, code: 'repeated', message: 'may be given once' });
  return value ?? null;
}

/** A misspelt parameter must not pass for an absent one. */
export function refuseOtherParameters(request: Query, known: readonly string[]): void {
  if (Object.keys(request.query as object).every((name) => known.includes(name))) return;
  throw invalid({ field: 'query', code: 'unknown-parameter', message: `only these are known here: ${known.join(', ')}` });
}

/** `validate-only`: nothing is done, and everything answered as if it were. Any other parameter is refused, or a misspelt one would publish. */
export function validateOnly(request: Query, others: readonly string[] = []): boolean {
  refuseOtherParameters(request, [VALIDATE_ONLY, ...others]);
  return flag(request, VALIDATE_ONLY);
}

export const VALIDATE_ONLY = 'validate-only';

/** A parameter that is true or false; absent it is false. */
function flag(request: Query, name: string): boolean {
  const text = parameter(request, name) ?? 'false';
  if (text !== 'true' && text !== 'false')
    throw invalid({ field: name, code: 'malformed', message: 'is neither true nor false' });
  return text === 'true';
}
