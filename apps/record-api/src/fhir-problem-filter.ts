import { Catch, Injectable } from '@nestjs/common';
import { AuditedProblemFilter, AuditLog, sendOutcome, Service } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Answers errors as FHIR has them: an OperationOutcome with one issue a field. They are audited like others. */
@Catch()
@Injectable()
export class FhirProblemFilter extends AuditedProblemFilter {
  constructor(audit: AuditLog, service: Service) {
    super(audit, service);
  }

  protected override send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    sendOutcome(error, request, reply, this.service.log);
  }
}
