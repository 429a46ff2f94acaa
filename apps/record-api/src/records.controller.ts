import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiNotModifiedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { PURPOSES } from '@weft/domain';
import { explainRecord, isKnown, type Wiring } from '@weft/processing';
import { Audited, AuditedProblemFilter, AuditLog, type Caller, CurrentCaller, Roles, WIRING } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ExplainedRecordAnswer, RecordAnswer } from './answers.js';
import {
  instantOf,
  nhsNumberOf,
  nothingKnown,
  parameter,
  purposeOf,
  refuseOtherParameters,
  refuseUnlessMayRead,
} from './asked.js';
import { readingAs } from './reader.js';
import { RecordReader } from './record-reader.js';

@ApiTags('records')
@ApiParam({ name: 'nhs', description: 'NHS number', example: '9990000018' })
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller('records/:nhs')
@UseFilters(AuditedProblemFilter)
export class RecordsController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
    private readonly records: RecordReader,
  ) {}

  @Get()
  @Roles('clinician', 'governance')
  @Audited('record')
  @ApiOperation({
    summary: 'The record as a purpose may see it',
    description: [
      'Clinicians read for direct care and care coordination, governance for any purpose.',
      'What is withheld changes nothing of a clinician’s answer but `notice`, and that only where the policy has them told.',
    ].join(' '),
  })
  @ApiQuery({ name: 'purpose', enum: PURPOSES, required: false, description: 'Default direct-care' })
  @ApiOkResponse({ type: RecordAnswer })
  @ApiNotModifiedResponse({ description: 'As If-None-Match has it' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number, or nothing that the reader may be shown' })
  async record(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['purpose']);
    const nhsNumber = nhsNumberOf(request);
    const purpose = purposeOf(parameter(request, 'purpose'));
    refuseUnlessMayRead(caller, purpose);
    const patient = this.wiring.keys.patient(nhsNumber);
    const reader = readingAs(caller);
    const served = await this.records.read(patient, purpose, reader);
    if (!served.showsAnything) await this.records.refuseUnlessKnown(patient, reader);
    const { body, etag, movedTo, policyVersion, consentRevision } = served;
    const isUnchanged = isAmong(request.headers['if-none-match'], etag);
    const outcome = isUnchanged ? 'unchanged' : 'given';
    await this.audit.note(caller, 'record', { outcome, patient, purpose, policyVersion, consentRevision });
    reply.header('etag', etag);
    if (movedTo !== null) reply.header('content-location', `/records/${movedTo}?purpose=${purpose}`);
    if (isUnchanged) await reply.code(304).send();
    else await reply.type('application/json; charset=utf-8').send(body);
  }

  @Get('explain')
  @Roles('governance')
  @Audited('explain')
  @ApiOperation({
    summary: 'Why each entry is shared or withheld, for every purpose',
    description: 'As Weft knew and decided at the instant asked about.',
  })
  @ApiQuery({ name: 'at', required: false, description: 'RFC 3339 date-time, or a date (by its end, UTC); default now' })
  @ApiOkResponse({ type: ExplainedRecordAnswer })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  async explain(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['at']);
    const nhsNumber = nhsNumberOf(request);
    const at = instantOf(parameter(request, 'at'), 'at', this.wiring.clock.now());
    const patient = this.wiring.keys.patient(nhsNumber);
    if (!(await isKnown(this.wiring, patient))) throw nothingKnown();
    const explained = await explainRecord(this.wiring, patient, at);
    const { policyVersion, movedTo } = explained;
    await this.audit.note(caller, 'explain', { outcome: 'given', patient, policyVersion });
    if (movedTo !== null) reply.header('content-location', `/records/${movedTo}/explain`);
    await reply.send(explained);
  }
}

/** RFC 9110, 13.1.2: If-None-Match compares weakly; `*` stands for any. */
function isAmong(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}
