import { Catch, Injectable } from '@nestjs/common';
import { FHIR_JSON } from '@weft/care-events';
import type { Resource } from '@weft/domain';
import { AuditedProblemFilter, AuditLog, problemOf, Service } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Answers errors as FHIR has them: an OperationOutcome with one issue a field. They are audited like others. */
@Catch()
@Injectable()
export class FhirProblemFilter extends AuditedProblemFilter {
  constructor(audit: AuditLog, service: Service) {
    super(audit, service);
  }

  protected override send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { problem, unexpected } = problemOf(error);
    if (unexpected) this.service.log.error({ err: error, request: request.id }, problem.title);
    if (reply.sent) return;
    void reply
      .code(problem.statusCode)
      .headers(problem.more.headers ?? {})
      .type(FHIR_JSON)
      .send(Buffer.from(JSON.stringify(outcomeOf(problem))));
  }
}

/** FHIR R4, value set issue-type. */
const ISSUES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  410: 'conflict',
  413: 'too-long',
  415: 'not-supported',
  503: 'transient',
};

function outcomeOf({ statusCode, title, more }: ReturnType<typeof problemOf>['problem']): Resource {
  const severity = statusCode >= 500 ? 'fatal' : 'error';
  const code = ISSUES[statusCode] ?? (statusCode >= 500 ? 'exception' : 'processing');
  const issues = more.errors?.map(({ field, message }) => ({ severity, code, diagnostics: `${field}: ${message}` }));
  const whole = [title, more.detail].filter((text) => text !== undefined).join('. ');
  return { resourceType: 'OperationOutcome', issue: issues ?? [{ severity, code, diagnostics: whole }] };
}
