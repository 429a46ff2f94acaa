import { Controller, Get, Inject, Req, UseFilters } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type AuditEntry, timestamp, type Wiring } from '@weft/processing';
import {
  addDays,
  Audited,
  AuditedProblemFilter,
  AuditLog,
  auditOfDay,
  type Caller,
  CurrentCaller,
  Roles,
  Service,
  WIRING,
  invalid,
  parameter,
  refuseOtherParameters,
  Example,
} from '@weft/service';
import type { FastifyRequest } from 'fastify';
import { AuditAnswer, PersonAuditAnswer } from './answers.js';
import { dayOf, nhsNumberOf, numberOf } from './asked.js';
import { auditOfPerson, type Days, placeOf } from './audit-of-person.js';
import { namesByPseudonym } from './disclosures.js';
import { AUDIT, AUDIT_OF_PERSON } from './examples.js';

const PAGE = 1_000;
/** So far back a person's audit goes at least, where the request does not say: else to where the region began. */
const DAYS_DEFAULT = 30;
const ON_KAFKA =
  'What subscribers were told is listed as far as they were told over HTTP. Who reads the topics weft.record-changes.<purpose> ' +
  'is not known here: the brokers’ access rules say who may.';

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
  @Example(AUDIT)
  @Roles('governance')
  @Audited('audit')
  @ApiOperation({
    summary: 'What was audited on a day, page by page: looks, acts, and what subscribers were told',
    description:
      'People are named by the region’s keys; those whom subscribers beyond individual care were told of are not named.',
  })
  @ApiQuery({ name: 'day', required: false, description: 'YYYY-MM-DD, UTC; default today' })
  @ApiQuery({ name: 'from', required: false, description: 'Revision to begin at; `next` has it' })
  @ApiOkResponse({ type: AuditAnswer })
  async ofDay(@Req() request: FastifyRequest, @CurrentCaller() caller: Caller): Promise<AuditAnswer> {
    refuseOtherParameters(request, ['day', 'from']);
    const day = dayOf(parameter(request, 'day') ?? this.today(), 'day');
    const from = numberOf(parameter(request, 'from'), 'from', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    const entries: AuditEntry[] = [];
    let next: string | null = null;
    for await (const { revision, entry } of auditOfDay(this.wiring.store, day, from)) {
      if (entries.length === PAGE) {
        next = `/audit?day=${day}&from=${revision}`;
        break;
      }
      entries.push(this.withoutPseudonym(entry));
    }
    await this.audit.note(caller, 'audit', { outcome: 'given' });
    return { entries, next };
  }

  @Get('records/:nhs/audit')
  @Example(AUDIT_OF_PERSON)
  @Roles('governance')
  @Audited('audit')
  @ApiOperation({
    summary: 'Who looked at this record, who decided about it, and which subscribers were told of it',
    description: 'Also of numbers that were merged into it, and of it while it was merged. Oldest first, page by page.',
  })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiQuery({
    name: 'from',
    required: false,
    description: `First day, YYYY-MM-DD; default the day on which the region was made, or ${DAYS_DEFAULT} days before the last if that is earlier`,
  })
  @ApiQuery({ name: 'to', required: false, description: 'Last day; default today' })
  @ApiQuery({ name: 'after', required: false, description: 'Where to go on; `next` has it' })
  @ApiOkResponse({ type: PersonAuditAnswer })
  async ofPerson(@Req() request: FastifyRequest, @CurrentCaller() caller: Caller): Promise<PersonAuditAnswer> {
    refuseOtherParameters(request, ['from', 'to', 'after']);
    const nhsNumber = nhsNumberOf(request);
    const patient = this.wiring.keys.patient(nhsNumber);
    const days = this.daysOf(request);
    const after = parameter(request, 'after') ?? '';
    const found = (await auditOfPerson(this.wiring, patient, days)).filter((one) => placeOf(one) > after);
    const page = found.slice(0, PAGE);
    const last = found.length > PAGE ? page.at(-1) : undefined;
    await this.audit.note(caller, 'audit', { outcome: 'given', patient });
    return {
      ...days,
      entries: page.map(({ entry }) => entry),
      next: last === undefined ? null : `/records/${nhsNumber}/audit?from=${days.from}&to=${days.to}&after=${placeOf(last)}`,
      note: this.service.settings.kafka === undefined ? null : ON_KAFKA,
    };
  }

  private daysOf(request: FastifyRequest): Days {
    const to = dayOf(parameter(request, 'to') ?? this.today(), 'to');
    const first = parameter(request, 'from');
    const usual = addDays(to, -DAYS_DEFAULT);
    const made = this.service.region.madeAt.slice(0, 10);
    const from = first === null ? (made < usual ? made : usual) : dayOf(first, 'from');
    if (from > to) throw invalid({ field: 'from', code: 'after-to', message: 'is after `to`' });
    return { from, to };
  }

  /** What research calls a person is not for others, who could find out who that is by the time of the entry. */
  private withoutPseudonym(entry: AuditEntry): AuditEntry {
    return namesByPseudonym(this.wiring, entry) ? { ...entry, patient: null } : entry;
  }

  private today(): string {
    return timestamp(this.wiring.clock).slice(0, 10);
  }
}
