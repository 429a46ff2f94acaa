import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { FHIR_JSON } from '@weft/care-events';
import { isPurpose, nhsNumberProblem, type Resource } from '@weft/domain';
import { type AuditEntry, timestamp } from '@weft/processing';
import { problemOf, sendProblem, Service } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuditLog } from './audit-log.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the audit calls that which the route gives of a record. */
    audited?: string;
  }
}

/** The route gives something of a record: whatever it answers about a patient is in the audit before it leaves. */
export const Audited = (action: string) => RouteConfig({ audited: action });

type Given = Pick<AuditEntry, 'outcome'> & Partial<Pick<AuditEntry, 'patient' | 'purpose' | 'policyVersion' | 'consentRevision'>>;

export function auditEntryOf({ clock }: Service, request: FastifyRequest, given: Given): AuditEntry {
  const { caller } = request;
  return {
    time: timestamp(clock),
    request: request.id,
    who: caller?.subject ?? '',
    organisation: caller?.organisation ?? null,
    roles: caller?.roles ?? [],
    action: request.routeOptions.config.audited ?? 'unknown',
    patient: null,
    purpose: null,
    policyVersion: null,
    consentRevision: null,
    ...given,
  };
}

const OUTCOMES: Readonly<Record<number, AuditEntry['outcome']>> = { 403: 'refused', 404: 'not-found', 410: 'moved-on' };

/** Answers the errors of audited routes. That somebody was refused a record, or that there is none, is in the audit too. */
@Catch()
@Injectable()
export class AuditedProblemFilter implements ExceptionFilter {
  constructor(
    private readonly audit: AuditLog,
    protected readonly service: Service,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    let error = thrown;
    try {
      await this.note(thrown, request);
    } catch (notAudited) {
      error = notAudited;
    }
    this.send(error, request, http.getResponse<FastifyReply>());
  }

  protected send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    sendProblem(error, request, reply, this.service.log);
  }

  private async note(error: unknown, request: FastifyRequest): Promise<void> {
    const outcome = OUTCOMES[problemOf(error).problem.statusCode];
    const { nhs } = request.params as { nhs?: string };
    if (outcome === undefined || nhs === undefined || nhsNumberProblem(nhs) !== null) return;
    const { purpose } = request.query as { purpose?: unknown };
    await this.audit.append(
      auditEntryOf(this.service, request, {
        outcome,
        patient: this.service.keys.patient(nhs),
        purpose: typeof purpose === 'string' && isPurpose(purpose) ? purpose : null,
      }),
    );
  }
}

/** The same, as FHIR has it: an OperationOutcome with one issue a field. */
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
