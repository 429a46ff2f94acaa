import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiGoneResponse,
  ApiNotFoundResponse,
  ApiNotModifiedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { attachedTo } from '@weft/care-events';
import { PURPOSES } from '@weft/domain';
import { explainRecord, isKnown, readRecord, StoreWatch, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  CurrentCaller,
  HttpProblem,
  Roles,
  WIRING,
  invalid,
  parameter,
  refuseOtherParameters,
  Example,
} from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ExplainedRecordAnswer, RecordAnswer } from './answers.js';
import { takesGzip } from './answer-body.js';
import { besides } from './disclosures.js';
import { instantOf, nhsNumberOf, nothingKnown, purposeOf, refuseUnlessMayRead, numberOf } from './asked.js';
import { mayTellItsTime, readingAs, showsAnything } from './reader.js';
import { LIMIT_MAX, type PageAsked, pageOf } from './record-page.js';
import { RecordReader } from './record-reader.js';
import { ATTACHED, EXPLAINED, RECORD } from './examples.js';

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
    private readonly watch: StoreWatch,
  ) {}

  @Get()
  @Example(RECORD)
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
  @ApiQuery({
    name: 'limit',
    required: false,
    description: `A page of so many entries, at most ${LIMIT_MAX}: \`next\` says where the next one is. Without it the record is given whole`,
  })
  @ApiQuery({ name: 'cursor', required: false, description: 'Of `next`' })
  @ApiGoneResponse({ description: 'The record has changed since the first page: start again' })
  @ApiOkResponse({ type: RecordAnswer })
  @ApiNotModifiedResponse({ description: 'As If-None-Match has it' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number, or nothing that the reader may be shown' })
  async record(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['purpose', 'limit', 'cursor']);
    const nhsNumber = nhsNumberOf(request);
    const purpose = purposeOf(parameter(request, 'purpose'));
    refuseUnlessMayRead(caller, purpose);
    const asked = pageAsked(request, `/records/${nhsNumber}?purpose=${purpose}`);
    const patient = this.wiring.keys.patient(nhsNumber);
    const reader = readingAs(caller);
    const packs = asked === null && takesGzip(request.headers['accept-encoding']);
    const served = await this.records.hold(reader, () => this.records.readKnown(nhsNumber, purpose, reader, packs));
    const { movedTo, members, policyVersion, consentRevision } = served;
    const page = asked === null ? null : await pageOf(served, asked);
    const etag = page?.etag ?? served.etag;
    const { bytes, encoding } = packs
      ? served.body.asKept()
      : { bytes: page?.body ?? (await served.body.plain()), encoding: null };
    const isUnchanged = isAmong(request.headers['if-none-match'], etag);
    const outcome = isUnchanged ? 'unchanged' : 'given';
    const whose = { patient, ...besides(patient, members) };
    await this.audit.note(caller, 'record', { outcome, ...whose, purpose, policyVersion, consentRevision });
    // Another encoding has other bytes, which a strong ETag must not pass for.
    reply.headers({ etag: encoding === null ? etag : `W/${etag}`, vary: 'Accept-Encoding' });
    if (movedTo !== null) reply.header('content-location', `/records/${movedTo}?purpose=${purpose}`);
    if (isUnchanged) return void (await reply.code(304).send());
    if (encoding !== null) reply.header('content-encoding', encoding);
    await reply.type('application/json; charset=utf-8').send(bytes);
  }

  @Get('documents/:source/:document/:attached')
  @Example(ATTACHED)
  @Roles('clinician', 'governance')
  @Audited('record')
  @ApiOperation({
    summary: 'What is attached to a document of the record: the bytes of the Binary that came with it',
    description: [
      'The address stands in `content.attachment.url` of a DocumentReference in the record and in `$everything`. It is given to whoever',
      'may be shown that DocumentReference at this moment, under the same rules, and audited as a reading of the record.',
    ].join(' '),
  })
  @ApiParam({ name: 'source', description: 'Of the entry', example: 'RX901' })
  @ApiParam({ name: 'document', description: 'Id of the DocumentReference', example: 'd-1' })
  @ApiParam({ name: 'attached', description: 'Id of the Binary that it contains', example: 'Binary-b-1' })
  @ApiQuery({ name: 'purpose', enum: PURPOSES, required: false, description: 'Default direct-care' })
  @ApiProduces('application/octet-stream')
  @ApiOkResponse({
    description: 'The bytes, in the media type that the Binary says',
    schema: { type: 'string', format: 'binary' },
  })
  @ApiNotFoundResponse({ description: 'There is no such document in what the reader may be shown' })
  async attached(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['purpose']);
    const nhsNumber = nhsNumberOf(request);
    const purpose = purposeOf(parameter(request, 'purpose'));
    refuseUnlessMayRead(caller, purpose);
    const { source, document, attached: id } = request.params as Record<'source' | 'document' | 'attached', string>;
    const patient = this.wiring.keys.patient(nhsNumber);
    const reader = readingAs(caller);
    const { attached, record } = await this.records.hold(reader, async () => {
      const found = await readRecord(this.wiring, patient, purpose);
      if (!showsAnything(found.record, reader)) await this.records.refuseUnlessKnown(nhsNumber, reader);
      const entry = found.record.entries.find((one) => one.id === `${source}/DocumentReference/${document}`);
      const held = entry && attachedTo(entry.resource, id);
      if (held === undefined) throw noSuchDocument();
      return { attached: held, record: found.record, mayTellItsTime: mayTellItsTime(found) };
    });
    const { policyVersion, consentRevision } = record;
    await this.audit.note(caller, 'record', { outcome: 'given', patient, purpose, policyVersion, consentRevision });
    // A publisher chose what this is: a browser is to keep it, and run nothing of it.
    reply.headers({ 'content-disposition': 'attachment', 'content-security-policy': 'sandbox', 'cache-control': 'no-store' });
    await reply.header('content-type', attached.contentType).send(attached.bytes);
  }

  @Get('explain')
  @Example(EXPLAINED)
  @Roles('governance')
  @Audited('explain')
  @ApiOperation({
    summary: 'Why each entry is shared or withheld, for every purpose',
    description: 'As Weft knew and decided at the instant asked about. `about` says in words what direct care sees now.',
  })
  @ApiQuery({ name: 'at', required: false, description: 'RFC 3339 date-time, or a date (by its end, UTC); default now' })
  @ApiOkResponse({ type: ExplainedRecordAnswer })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  async explain(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['at']);
    const nhsNumber = nhsNumberOf(request);
    const asked = parameter(request, 'at');
    const at = asked === null ? undefined : instantOf(asked, 'at', this.wiring.clock.now());
    const patient = this.wiring.keys.patient(nhsNumber);
    await this.watch.check();
    if (!(await isKnown(this.wiring, patient))) throw nothingKnown();
    const { members, ...explained } = await explainRecord(this.wiring, patient, at);
    const { policyVersion, movedTo } = explained;
    await this.audit.note(caller, 'explain', { outcome: 'given', patient, ...besides(patient, members), policyVersion });
    if (movedTo !== null) reply.header('content-location', `/records/${movedTo}/explain`);
    await reply.send(explained);
  }
}

const noSuchDocument = (): HttpProblem =>
  new HttpProblem(404, 'no-such-document', 'There is no such document here that you may be shown', {
    detail: 'Addresses of documents stand in content.attachment.url of the DocumentReferences of the record.',
  });

/** The page asked for; null where the record is wanted whole. */
function pageAsked(request: FastifyRequest, address: string): PageAsked | null {
  const limit = numberOf(parameter(request, 'limit'), 'limit', 1, LIMIT_MAX);
  const cursor = parameter(request, 'cursor');
  if (limit !== null) return { limit, cursor, address: `${address}&limit=${limit}` };
  if (cursor === null) return null;
  throw invalid({ field: 'limit', code: 'missing', message: 'is required with cursor: follow `next` as it was given' });
}

/** RFC 9110, 13.1.2: If-None-Match compares weakly; `*` stands for any. */
function isAmong(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
}
