import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { isPurpose, nhsNumberProblem } from '@weft/domain';
import type { AuditEntry } from '@weft/processing';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { AuditLog } from './audit-log.js';
import { problemOf, sendProblem } from './problem.js';
import { Service } from './service.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the audit calls that which the route gives or does. */
    audited?: string;
  }
}

/** The route gives something of a record: whatever it answers about a patient is in the audit before it leaves. */
export const Audited = (action: string, more: Pick<FastifyContextConfig, 'lane'> = {}) =>
  RouteConfig({ audited: action, ...more });

const OUTCOMES: Readonly<Record<number, AuditEntry['outcome']>> = { 403: 'refused', 404: 'not-found', 410: 'moved-on' };

/** Answers the errors of audited routes. That somebody was refused a record or an act, or that there is none, is in the audit too. */
@Catch()
@Injectable()
export class AuditedProblemFilter implements ExceptionFilter {
  constructor(
    private readonly audit: AuditLog,
    private readonly service: Service,
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
    sendProblem(error, request, http.getResponse<FastifyReply>(), this.service.log);
  }

  /** What the audit calls that which was asked for; undefined for what is not audited. */
  protected actionOf({ routeOptions }: FastifyRequest): string | undefined {
    return routeOptions.config.audited;
  }

  /** The NHS number of whom the request is about, as far as it can be told. */
  protected subjectOf(request: FastifyRequest): string | undefined {
    return (request.params as { nhs?: string }).nhs;
  }

  private async note(error: unknown, request: FastifyRequest): Promise<void> {
    const action = this.actionOf(request);
    const outcome = outcomeOf(problemOf(error).problem.statusCode, request);
    if (action === undefined || outcome === undefined) return;
    const nhs = this.subjectOf(request);
    const patient = nhs !== undefined && nhsNumberProblem(nhs) === null ? this.service.keys.patient(nhs) : null;
    if (patient === null && outcome !== 'refused') return;
    await this.audit.note(request.caller, action, { outcome, patient, purpose: purposeOf(request) });
  }
}

/** What became of a request that was answered with a problem; undefined where nobody known was refused anything. */
function outcomeOf(status: number, { method }: FastifyRequest): AuditEntry['outcome'] | undefined {
  const isActRefused = method === 'POST' && status >= 400 && status < 500 && status !== 401;
  return OUTCOMES[status] ?? (isActRefused ? 'refused' : undefined);
}

function purposeOf({ params, query }: FastifyRequest): AuditEntry['purpose'] {
  const { purpose } = { ...(query as object), ...(params as object) } as { purpose?: unknown };
  return typeof purpose === 'string' && isPurpose(purpose) ? purpose : null;
}
