import { Controller, Get, Inject, Req, UseFilters } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type AuditEntry, keysOfPerson, timestamp, type Wiring } from '@weft/processing';
import { Roles, Service, WIRING } from '@weft/service';
import type { FastifyRequest } from 'fastify';
import { AuditAnswer } from './answers.js';
import { dayOf, invalid, nhsNumberOf, numberOf, parameter, refuseOtherParameters } from './asked.js';
import { AuditLog } from './audit-log.js';
import { Audited, AuditedProblemFilter, auditEntryOf } from './audited.js';

const DAY_MS = 86_400_000;
const PAGE = 1_000;
/** Days looked through for one patient, where the request does not say. */
const DAYS_DEFAULT = 30;
const DAYS_MAX = 366;

@ApiTags('audit')
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller()
@UseFilters(AuditedProblemFilter)
export class AuditController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly audit: AuditLog,
  ) {}

  @Get('audit')
  @Roles('governance')
  @Audited('audit')
  @ApiOperation({
    summary: 'Who looked at whose record on a day, page by page',
    description: 'Patients are named by their keys.',
  })
  @ApiQuery({ name: 'day', required: false, description: 'YYYY-MM-DD, UTC; default today' })
  @ApiQuery({ name: 'from', required: false, description: 'Revision to begin at; `next` has it' })
  @ApiOkResponse({ type: AuditAnswer })
  async ofDay(@Req() request: FastifyRequest): Promise<AuditAnswer> {
    refuseOtherParameters(request, ['day', 'from']);
    const day = dayOf(parameter(request, 'day') ?? this.today(), 'day');
    const from = numberOf(parameter(request, 'from'), 'from', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    const entries: AuditEntry[] = [];
    let next: string | null = null;
    for await (const { revision, entry } of this.audit.entriesOf(day, from)) {
      if (entries.length === PAGE) {
        next = `/audit?day=${day}&from=${revision}`;
        break;
      }
      entries.push(entry);
    }
    await this.audit.append(auditEntryOf(this.service, request, { outcome: 'given' }));
    return { entries, next };
  }

  @Get('records/:nhs/audit')
  @Roles('governance')
  @Audited('audit')
  @ApiOperation({
    summary: 'Who looked at this record',
    description: 'Looks of numbers that were merged into it are among them.',
  })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiQuery({ name: 'from', required: false, description: `First day, YYYY-MM-DD; default ${DAYS_DEFAULT} days before the last` })
  @ApiQuery({ name: 'to', required: false, description: 'Last day; default today' })
  @ApiOkResponse({ type: AuditAnswer })
  async ofPatient(@Req() request: FastifyRequest): Promise<AuditAnswer> {
    refuseOtherParameters(request, ['from', 'to']);
    const patient = this.wiring.keys.patient(nhsNumberOf(request));
    const to = dayOf(parameter(request, 'to') ?? this.today(), 'to');
    const from = dayOf(parameter(request, 'from') ?? dayBefore(to, DAYS_DEFAULT), 'from');
    const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
    if (days < 0) throw invalid({ field: 'from', code: 'after-to', message: 'is after `to`' });
    if (days > DAYS_MAX)
      throw invalid({ field: 'from', code: 'out-of-range', message: `is more than ${DAYS_MAX} days before \`to\`` });
    const keys = new Set([patient, ...(await keysOfPerson(this.wiring, patient))]);
    const entries: AuditEntry[] = [];
    for (let before = days; before >= 0; before -= 1) {
      for await (const { entry } of this.audit.entriesOf(dayBefore(to, before))) {
        if (entry.patient !== null && keys.has(entry.patient)) entries.push(entry);
      }
    }
    await this.audit.append(auditEntryOf(this.service, request, { outcome: 'given', patient }));
    return { entries, next: null };
  }

  private today(): string {
    return timestamp(this.wiring.clock).slice(0, 10);
  }
}

function dayBefore(day: string, days: number): string {
  return new Date(Date.parse(day) - days * DAY_MS).toISOString().slice(0, 10);
}
