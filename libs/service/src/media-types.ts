import type { FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';

/** Throws 415 for a body of another type than these: with what it is, where that can be told, and with what is taken. */
export function refuseUnlessTaken({ headers }: Pick<FastifyRequest, 'headers'>, takes: readonly string[]): void {
  const given = typeOf(headers['content-type'] ?? '');
  if (!takes.includes(given)) throw unsupported(given, takes);
}

export function unsupported(given: string, takes: readonly string[]): HttpProblem {
  const message = `${whatIs(given)} Send ${takes.join(' or ')}.`;
  return new HttpProblem(415, 'unsupported-media-type', 'This content type is not understood here', {
    detail: message,
    errors: [{ field: 'content-type', code: 'unsupported', message }],
    headers: { accept: takes.join(', ') },
  });
}

const typeOf = (value: string): string => value.split(';')[0]!.trim().toLowerCase();

function whatIs(type: string): string {
  if (type === '') return 'No Content-Type says what the body is.';
  if (/\bxml$/.test(type)) return 'XML is not read here, FHIR in XML neither: Weft takes FHIR as JSON.';
  if (/hl7-?v2|edi-hl7|\ber7\b/.test(type)) return 'HL7 v2 is not read here: an integration engine can make FHIR R4 of it.';
  if (type === 'application/x-www-form-urlencoded') return 'A form is not read here (curl says so unless it is told otherwise).';
  return 'This content type is not understood here.';
}

/** Throws 406 where the caller accepts none of what is given here, the first of which stands for all. */
export function refuseUnlessAccepted(
  { headers, query }: Pick<FastifyRequest, 'headers' | 'query'>,
  gives: readonly string[],
): void {
  const { _format: format } = query as { readonly _format?: unknown };
  // FHIR's parameter stands before the header.
  const accepted =
    typeof format === 'string' ? [format === 'json' ? gives[0]! : typeOf(format.replace(' ', '+'))] : acceptedIn(headers.accept);
  if (accepted.length === 0 || accepted.some((range) => gives.some((type) => isWithin(type, range)))) return;
  throw new HttpProblem(406, 'not-acceptable', 'What you accept is not given here', {
    detail: `This address answers ${gives[0]} and nothing else.`,
  });
}

/** The media ranges of an Accept header but those that it rules out. */
function acceptedIn(accept = ''): string[] {
  const ranges = accept.split(',').filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/i.test(range));
  return ranges.map(typeOf).filter((range) => range !== '');
}

function isWithin(type: string, range: string): boolean {
  return range === '*/*' || range === '*' || range === type || range === `${type.split('/')[0]}/*`;
}
