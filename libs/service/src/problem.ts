import { STATUS_CODES } from 'node:http';
import { HttpException, type ValidationError } from '@nestjs/common';
import type { Problem } from '@weft/domain';
import { EngineError, RecordUnreadable, type Unreadable } from '@weft/processing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { withoutNumbers } from './log.js';
import { outcomeOf } from './operation-outcome.js';
import { TokenKeysUnavailable, Unauthenticated } from './tokens.js';

export const PROBLEM_JSON = 'application/problem+json';
const FHIR_JSON = 'application/fhir+json';

/** RFC 9457, with one `errors` item a field. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** `urn:uuid:` and the request's id, under which the log knows it. */
  readonly instance?: string;
  readonly errors?: readonly Problem[];
  /** Members of a particular problem, such as the results of a Bundle of which nothing was accepted. */
  readonly [member: string]: unknown;
}

interface HttpProblemOptions {
  /** For people; never repeats an identifier or a value that was sent. */
  readonly detail?: string;
  readonly errors?: readonly Problem[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An answer that is a problem. `code` is stable, for machines: it becomes the type `urn:weft:problem:<code>`. */
export class HttpProblem extends HttpException {
  /** What fastify looks at when a body stream fails with this. */
  readonly statusCode: number;
  constructor(
    status: number,
    readonly code: string,
    readonly title: string,
    readonly more: HttpProblemOptions = {},
  ) {
    super(title, status);
    this.statusCode = status;
  }
}

const RETRY_AFTER = { 'retry-after': '5' };

/** The engines or the token issuer do not answer: nothing of the request was taken. */
export const unavailable = (detail: string): HttpProblem =>
  new HttpProblem(503, 'unavailable', 'Weft cannot do this now', { detail, headers: RETRY_AFTER });

/** What class-validator found, as the ValidationPipe's exceptionFactory. */
export function invalidRequest(found: readonly ValidationError[]): HttpProblem {
  const flatten = (errors: readonly ValidationError[], parent: string): Problem[] =>
    errors.flatMap((error) => {
      const field = parent === '' ? error.property : `${parent}.${error.property}`;
      const own = Object.entries(error.constraints ?? {}).map(([code, message]) => ({ field, code, message }));
      return [...own, ...flatten(error.children ?? [], field)];
    });
  return new HttpProblem(400, 'invalid-request', 'The request is not valid', { errors: flatten(found, '') });
}

/** Every error, as the problem that the caller may see. `unexpected` ones are faults of ours, for the log. */
export function problemOf(error: unknown): { readonly problem: HttpProblem; readonly unexpected: boolean } {
  if (error instanceof HttpProblem) return expected(error);
  if (error instanceof Unauthenticated) return expected(unauthenticated(error));
  if (error instanceof TokenKeysUnavailable) return expected(unavailable('The keys of the token issuer cannot be had.'));
  if (error instanceof RecordUnreadable) return { problem: unreadable(error), unexpected: true };
  if (error instanceof EngineError) return problemOfEngine(error);
  const status = statusOf(error);
  if (status !== undefined && status < 500) return expected(problemOfStatus(status));
  return { problem: new HttpProblem(500, 'internal', 'Something went wrong in Weft'), unexpected: true };
}

const expected = (problem: HttpProblem) => ({ problem, unexpected: false });

/** RFC 6750, section 3: a request without a token gets no error code, one with a bad token does. */
function unauthenticated({ reason, message }: Unauthenticated): HttpProblem {
  const challenge = reason === 'missing' ? '' : `, error="invalid_token", error_description="${message.replace(/[^ -~]/g, "'")}"`;
  return new HttpProblem(401, 'unauthenticated', 'Who are you?', {
    detail: message,
    headers: { 'www-authenticate': `Bearer realm="weft"${challenge}` },
  });
}

const UNREADABLE: Readonly<Record<Unreadable, string>> = {
  'record-damaged': 'Events of it are missing, which may have been objections: nothing of it is shown until it is restored.',
  'written-by-a-newer-weft': 'It holds what a newer version of Weft wrote: nothing of it is shown until that version runs here.',
};

const unreadable = ({ type }: RecordUnreadable): HttpProblem =>
  new HttpProblem(503, type, 'This record cannot be read now', { detail: UNREADABLE[type] });

const catchingUp = (): HttpProblem =>
  new HttpProblem(503, 'catching-up', 'Weft cannot show records now', {
    detail: 'What was decided is being read again, as the store was put back to an earlier state: try again later.',
    headers: RETRY_AFTER,
  });

function problemOfEngine(error: EngineError): { readonly problem: HttpProblem; readonly unexpected: boolean } {
  switch (error.type) {
    case 'engine-unavailable':
      return { problem: unavailable('An engine does not answer; nothing may be taken as accepted.'), unexpected: true };
    case 'catching-up':
      return { problem: catchingUp(), unexpected: true };
    case 'wrong-expected-revision':
      return { problem: unavailable('Others are changing the same record just now.'), unexpected: true };
    case 'unknown-topic':
      return { problem: unavailable('A topic is missing; weft topics creates it.'), unexpected: true };
    case 'too-large':
      return expected(problemOfStatus(413));
    default:
      return { problem: new HttpProblem(500, 'internal', 'Something went wrong in Weft'), unexpected: true };
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** Errors of Nest and fastify keep their status and lose their message, which may quote the address or the body. */
function problemOfStatus(status: number): HttpProblem {
  const [code, title] = TITLES[status] ?? ['refused', STATUS_CODES[status] ?? 'Refused'];
  return new HttpProblem(status, code, title);
}

const TITLES: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['malformed-request', 'The request cannot be read'],
  404: ['not-found', 'There is nothing at this address'],
  405: ['method-not-allowed', 'This address does not do that'],
  413: ['too-large', 'The request is too large'],
  414: ['address-too-long', 'The address is too long'],
  415: ['unsupported-media-type', 'This content type is not understood here'],
};

function problemBody(problem: HttpProblem, requestId: string): ProblemDetails {
  const { detail, errors, members } = problem.more;
  return {
    type: `urn:weft:problem:${problem.code}`,
    title: problem.title,
    status: problem.statusCode,
    detail,
    instance: `urn:uuid:${requestId}`,
    // Whoever wrote the message should have thought of it; this is for the one who did not.
    errors: errors?.map(({ field, code, message }) => ({ field: withoutNumbers(field), code, message: withoutNumbers(message) })),
    ...members,
  };
}

type Send = (error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger) => void;

const isFhir = ({ url }: FastifyRequest): boolean => /^\/fhir(?:[/?]|$)/.test(url);

/** To FHIR's clients an OperationOutcome with one issue a field, to all others RFC 9457. */
export const sendProblem: Send = (error, request, reply, log) =>
  isFhir(request)
    ? sendAs(FHIR_JSON, outcomeOf, { error, request, reply, log })
    : sendAs(PROBLEM_JSON, (problem) => problemBody(problem, request.id), { error, request, reply, log });

function sendAs(
  type: string,
  bodyOf: (problem: HttpProblem) => object,
  { error, request, reply, log }: { error: unknown; request: FastifyRequest; reply: FastifyReply; log: Logger },
): void {
  const { problem, unexpected } = problemOf(error);
  if (unexpected) log.error({ err: error, request: request.id }, problem.title);
  if (reply.sent) return;
  void reply
    .code(problem.statusCode)
    .headers(problem.more.headers ?? {})
    .type(type)
    // As bytes: to text fastify would add a charset, which these media types do not have.
    .send(Buffer.from(JSON.stringify(bodyOf(problem))));
}
