import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiExcludeEndpoint,
  ApiGoneResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { capabilityStatement, everythingBundle, FHIR_JSON, patientSummary } from '@weft/care-events';
import { PURPOSES, type Purpose, type Resource } from '@weft/domain';
import { readRecord, type RecordForPurpose, timestamp, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditLog,
  type Caller,
  CurrentCaller,
  HttpProblem,
  organisationsOf,
  Public,
  Roles,
  ROLES,
  Service,
  WIRING,
} from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid, nhsNumberOf, numberOf, parameter, purposeOf, refuseParameters, refuseUnlessMayRead } from './asked.js';
import { FhirProblemFilter } from './fhir-problem-filter.js';
import { asShown, noticeFor, readingAs, showsAnything } from './reader.js';
import { RecordReader } from './record-reader.js';
import { VERSION } from './version.js';

const COUNT_DEFAULT = 100;
const COUNT_MAX = 1_000;
/** Parameters of FHIR's operation that Weft does not serve. */
const NARROWING = ['_type', '_since', 'start', 'end'];

/** Records as FHIR R4 servers give them. A Patient's id is the NHS number. */
@ApiTags('FHIR')
@ApiProduces(FHIR_JSON)
@Controller('fhir')
@UseFilters(FhirProblemFilter)
export class FhirController {
  private readonly since: string;

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly audit: AuditLog,
    private readonly records: RecordReader,
  ) {
    this.since = timestamp(wiring.clock);
  }

  @Get('metadata')
  @Public()
  @ApiOperation({ summary: 'CapabilityStatement: what Weft does in FHIR. Needs no token' })
  @ApiOkResponse({ type: Object })
  async metadata(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await send(reply, capabilityStatement({ baseUrl: baseUrlOf(request), version: VERSION, date: this.since }));
  }

  @Get('Patient/:nhs/$everything')
  @Roles('clinician', 'governance')
  @Audited('everything')
  @ApiOperation({
    summary: 'All entries of a record, page by page',
    description: 'Follow the link `next` until there is none. All pages are of one state of the record.',
  })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  @ApiQuery({ name: 'purpose', enum: PURPOSES, required: false, description: 'Default direct-care' })
  @ApiQuery({ name: '_count', required: false, description: `Entries a page, at most ${COUNT_MAX} (default ${COUNT_DEFAULT})` })
  @ApiOkResponse({ description: 'Bundle of type searchset', type: Object })
  @ApiGoneResponse({ description: 'The record has changed since the first page: start again' })
  async everything(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseParameters(request, NARROWING);
    const nhsNumber = nhsNumberOf(request);
    const purpose = purposeOf(parameter(request, 'purpose'));
    const asked = numberOf(parameter(request, '_count'), '_count', 1, Number.MAX_SAFE_INTEGER) ?? COUNT_DEFAULT;
    const offset = numberOf(parameter(request, '_offset'), '_offset', 0, Number.MAX_SAFE_INTEGER) ?? 0;
    const state = parameter(request, '_state');
    if (offset > 0 && state === null) {
      throw invalid({ field: '_state', code: 'missing', message: 'a later page is found by the link of the page before' });
    }
    const { record, movedTo, patient, notice } = await this.read(caller, nhsNumber, purpose);
    if (state !== null && state !== stateOf(record, notice)) {
      throw new HttpProblem(410, 'moved-on', 'The record has changed since the first page', {
        detail: 'Pages of two states would have gaps: start again without _offset and _state.',
      });
    }
    await this.given(caller, 'everything', { patient, purpose, record });
    // FHIR lets a server give fewer than _count asks for.
    const count = Math.min(asked, COUNT_MAX);
    const bundle = everythingBundle({
      entries: record.entries.slice(offset, offset + count),
      baseUrl: baseUrlOf(request),
      nhsNumber,
      offset,
      count,
      total: record.entries.length,
      query: { purpose, _state: stateOf(record, notice) },
      notice,
    });
    if (movedTo !== null) reply.header('content-location', `/fhir/Patient/${movedTo}/$everything?purpose=${purpose}`);
    await send(reply, bundle);
  }

  @Get('Patient/:nhs/$summary')
  @Roles('clinician', 'governance')
  @Audited('summary')
  @ApiOperation({ summary: 'International Patient Summary, of what direct care may see' })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  @ApiOkResponse({ description: 'Bundle of type document', type: Object })
  async summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    const nhsNumber = nhsNumberOf(request);
    const { record, movedTo, patient, notice } = await this.read(caller, nhsNumber, 'direct-care');
    await this.given(caller, 'summary', { patient, purpose: 'direct-care', record });
    if (movedTo !== null) reply.header('content-location', `/fhir/Patient/${movedTo}/$summary`);
    const { entries } = record;
    const now = this.wiring.clock.now();
    const organisation = this.authorOf(caller);
    await send(reply, patientSummary({ entries, nhsNumber: movedTo ?? nhsNumber, now, organisation, notice }));
  }

  @Get('*')
  @Roles(...ROLES)
  @ApiExcludeEndpoint()
  unknown(): never {
    throw new HttpProblem(404, 'not-found', 'There is nothing at this address', {
      detail: 'GET /fhir/metadata says what there is.',
    });
  }

  private async read(caller: Caller, nhsNumber: string, purpose: Purpose) {
    refuseUnlessMayRead(caller, purpose);
    const patient = this.wiring.keys.patient(nhsNumber);
    const { record: found, movedTo } = await readRecord(this.wiring, patient, purpose);
    const record = asShown(this.wiring, found);
    const reader = readingAs(caller);
    if (!showsAnything(record, reader)) await this.records.refuseUnlessKnown(patient, reader);
    return { record, movedTo, patient, notice: noticeFor(record, reader) };
  }

  private async given(
    caller: Caller,
    action: string,
    { patient, purpose, record }: { patient: string; purpose: Purpose; record: RecordForPurpose },
  ): Promise<void> {
    const { policyVersion, consentRevision } = record;
    await this.audit.note(caller, action, { outcome: 'given', patient, purpose, policyVersion, consentRevision });
  }

  /** A summary says who made it: the reader's organisation. */
  private authorOf({ organisation }: Caller): { ods: string; name?: string } {
    if (organisation === undefined) return { ods: 'WEFT', name: 'Weft' };
    const known = organisationsOf(this.service.settings).get(organisation);
    return { ods: organisation, ...(known && { name: known.name }) };
  }
}

/** What all pages of one reading must share: the entries, and so their order, and what the first page says of others. */
const stateOf = ({ digest }: RecordForPurpose, notice: string | undefined): string =>
  `${digest.slice(0, 32)}${notice === undefined ? '' : '-notice'}`;

const baseUrlOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}/fhir`;

async function send(reply: FastifyReply, resource: Resource): Promise<void> {
  // As bytes: to text fastify would add a charset, which FHIR has no need of.
  await reply.type(FHIR_JSON).send(Buffer.from(JSON.stringify(resource)));
}
