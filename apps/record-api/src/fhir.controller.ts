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
import {
  attachmentAddress,
  capabilityStatement,
  everythingBundle,
  FHIR_JSON,
  patientSummary,
  withAttachmentsAt,
} from '@weft/care-events';
import { jsonWithDigits, PURPOSES, type Purpose, type Resource, withoutMark } from '@weft/domain';
import {
  digestOf,
  entriesByThen,
  projectionOf,
  readRecord,
  type RecordForPurpose,
  timestamp,
  type Wiring,
} from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Given,
  type Caller,
  CurrentCaller,
  HttpProblem,
  Public,
  publicAddressOf,
  Roles,
  ROLES,
  Service,
  WIRING,
  invalid,
  parameter,
  refuseUnlessAccepted,
  Example,
} from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nhsNumberOf, numberOf, purposeOf, refuseParameters, refuseUnlessMayRead } from './asked.js';
import { besides } from './disclosures.js';
import { beginning, pageAt, type Position, wereAllThere } from './everything-pages.js';
import {
  asShown,
  isMissing,
  mayTellItsTime,
  noticeFor,
  readingAs,
  type ReadingAs,
  sentences,
  showsAnything,
  unreadNotice,
  WAITING,
} from './reader.js';
import { RecordReader } from './record-reader.js';
import { VERSION } from './version.js';
import { EVERYTHING, METADATA, SUMMARY } from './examples.js';

/** FHIR lets servers answer plain JSON so. */
const GIVES = [FHIR_JSON, 'application/json', 'text/json'];
const COUNT_DEFAULT = 100;
const COUNT_MAX = 1_000;
/** Parameters of FHIR's operation that Weft does not serve, and one by which links of earlier versions went on. */
const NARROWING = ['_type', '_since', 'start', 'end', '_offset'];

/** Records as FHIR R4 servers give them. A Patient's id is the NHS number. */
@ApiTags('FHIR')
@ApiProduces(FHIR_JSON)
@Controller('fhir')
@UseFilters(AuditedProblemFilter)
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
  @Example(METADATA)
  @Public()
  @ApiOperation({ summary: 'CapabilityStatement: what Weft does in FHIR. Needs no token' })
  @ApiOkResponse({ type: Object })
  async metadata(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseUnlessAccepted(request, GIVES);
    const { tokenUrl } = this.service.settings.tokens;
    const baseUrl = this.baseUrlOf(request);
    await send(reply, capabilityStatement({ baseUrl, version: VERSION, date: this.since, tokenUrl }));
  }

  @Get('Patient/:nhs/$everything')
  @Example(EVERYTHING)
  @Roles('clinician', 'governance')
  @Audited('everything')
  @ApiOperation({
    summary: 'All entries of a record, page by page',
    description: [
      'Follow the link `next` until there is none. The pages hold each entry that the record held at the first page, in its',
      'version now and under the decisions of now; what came since is left out.',
    ].join(' '),
  })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  @ApiQuery({ name: 'purpose', enum: PURPOSES, required: false, description: 'Default direct-care' })
  @ApiQuery({ name: '_count', required: false, description: `Entries a page, at most ${COUNT_MAX} (default ${COUNT_DEFAULT})` })
  @ApiOkResponse({ description: 'Bundle of type searchset', type: Object })
  @ApiGoneResponse({ description: 'Beyond individual care alone: the record has changed since the first page, start again' })
  async everything(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseUnlessAccepted(request, GIVES);
    refuseParameters(request, NARROWING);
    const nhsNumber = nhsNumberOf(request);
    const purpose = purposeOf(parameter(request, 'purpose'));
    const asked = numberOf(parameter(request, '_count'), '_count', 1, Number.MAX_SAFE_INTEGER) ?? COUNT_DEFAULT;
    const position = positionOf(request);
    const { record, movedTo, whose, notice, waiting } = await this.read(caller, nhsNumber, purpose);
    const named = this.stateFor(record, parameter(request, '_state'), position);
    await this.given(caller, 'everything', { whose, purpose, record });
    // FHIR lets a server give fewer than _count asks for.
    const count = Math.min(asked, COUNT_MAX);
    const from = position ?? beginning(record.entries, timestamp(this.wiring.clock));
    const wasThere = await this.thereThen(readingAs(caller), whose.patient, record, from);
    const { entries, total, next } = pageAt(from, record.entries, wasThere, count);
    // Who was told on an earlier page is not told again.
    const isTold = parameter(request, '_told') !== null;
    const kept = { purpose, _count: String(count), ...named, ...((isTold || notice !== undefined) && { _told: 'true' }) };
    const addressOf = attachmentAddress(publicAddressOf(this.service.settings, request), nhsNumber, purpose);
    const bundle = everythingBundle({
      entries: entries.map((entry) => withAttachmentsAt(entry, addressOf)),
      baseUrl: this.baseUrlOf(request),
      nhsNumber,
      total,
      query: {
        purpose,
        _count: String(count),
        ...named,
        ...(position !== null && linkOf(position)),
        ...(isTold && { _told: 'true' }),
      },
      next: next && { ...kept, ...linkOf(next) },
      notice: isTold ? undefined : notice,
      waiting: position === null ? waiting : undefined,
    });
    if (movedTo !== null) reply.header('content-location', `/fhir/Patient/${movedTo}/$everything?purpose=${purpose}`);
    await send(reply, bundle);
  }

  @Get('Patient/:nhs/$summary')
  @Example(SUMMARY)
  @Roles('clinician', 'governance')
  @Audited('summary')
  @ApiOperation({ summary: 'International Patient Summary, of what direct care may see' })
  @ApiParam({ name: 'nhs', description: 'NHS number' })
  @ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number' })
  @ApiOkResponse({ description: 'Bundle of type document', type: Object })
  async summary(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseUnlessAccepted(request, GIVES);
    const nhsNumber = nhsNumberOf(request);
    const { record, movedTo, whose, notice, waiting } = await this.read(caller, nhsNumber, 'direct-care');
    await this.given(caller, 'summary', { whose, purpose: 'direct-care', record });
    if (movedTo !== null) reply.header('content-location', `/fhir/Patient/${movedTo}/$summary`);
    const addressOf = attachmentAddress(publicAddressOf(this.service.settings, request), nhsNumber, 'direct-care');
    const entries = record.entries.map((entry) => withAttachmentsAt(entry, addressOf));
    const now = this.wiring.clock.now();
    const organisation = this.authorOf(caller);
    await send(reply, patientSummary({ entries, nhsNumber: movedTo ?? nhsNumber, now, organisation, notice, waiting }));
  }

  @Get('*')
  @Roles(...ROLES)
  @ApiExcludeEndpoint()
  unknown(): never {
    throw new HttpProblem(404, 'not-found', 'There is nothing at this address', {
      detail: 'GET /fhir/metadata says what there is.',
    });
  }

  private baseUrlOf(request: FastifyRequest): string {
    return `${publicAddressOf(this.service.settings, request)}/fhir`;
  }

  /** Beyond individual care entries have no names that last: there all pages must be of one state. */
  private stateFor(record: RecordForPurpose, state: string | null, position: Position | null): { _state?: string } {
    if (projectionOf(this.wiring, record.purpose).identifies) return {};
    const now = digestOf(this.wiring.keys, record.entries).slice(0, 32);
    if (state === now || (state === null && position === null)) return { _state: now };
    throw new HttpProblem(410, 'moved-on', 'The record has changed since the first page', {
      detail: 'Pages of two states would have gaps: start again from the first page.',
    });
  }

  /** What was there when the reading began. The record itself is asked only where something came since. */
  private async thereThen(
    reader: ReadingAs,
    patient: string,
    record: RecordForPurpose,
    from: Position,
  ): Promise<(id: string) => boolean> {
    if (!projectionOf(this.wiring, record.purpose).identifies || wereAllThere(record.entries, from)) return () => true;
    const { ids } = await this.records.hold(reader, async () => ({
      ids: await entriesByThen(this.wiring, patient, from.asAt),
      mayTellItsTime: false,
    }));
    return (id) => ids.has(withoutMark(id));
  }

  private async read(caller: Caller, nhsNumber: string, purpose: Purpose) {
    refuseUnlessMayRead(caller, purpose);
    const reader = readingAs(caller);
    return this.records.hold(reader, () => this.readAs(reader, nhsNumber, purpose));
  }

  private async readAs(reader: ReadingAs, nhsNumber: string, purpose: Purpose) {
    const patient = this.wiring.keys.patient(nhsNumber);
    // First, or what comes into the record in between would be in neither.
    const isWaiting = await this.records.isWaiting(nhsNumber, purpose);
    const found = await readRecord(this.wiring, patient, purpose);
    const { movedTo, members } = found;
    const whose = { patient, ...besides(patient, members) };
    const record = asShown(this.wiring, found.record);
    const isIncomplete = isMissing(found, isWaiting);
    if (!isIncomplete && !showsAnything(record, reader)) await this.records.refuseUnlessKnown(nhsNumber, reader);
    const notice = noticeFor(record, reader);
    const waiting = sentences(isIncomplete ? WAITING : undefined, unreadNotice(found));
    return { record, movedTo, whose, notice, waiting, mayTellItsTime: mayTellItsTime(found) };
  }

  private async given(
    caller: Caller,
    action: string,
    { whose, purpose, record }: { whose: Pick<Given, 'patient' | 'alsoOf'>; purpose: Purpose; record: RecordForPurpose },
  ): Promise<void> {
    const { policyVersion, consentRevision } = record;
    await this.audit.note(caller, action, { outcome: 'given', ...whose, purpose, policyVersion, consentRevision });
  }

  /** A summary says who made it: the reader's organisation. */
  private authorOf({ organisation }: Caller): { ods: string; name?: string } {
    if (organisation === undefined) return { ods: 'WEFT', name: 'Weft' };
    const known = this.service.organisations.known.get(organisation);
    return { ods: organisation, ...(known && { name: known.name }) };
  }
}

/** Null for the first page. */
function positionOf(request: FastifyRequest): Position | null {
  const [after, asAt] = [parameter(request, '_after'), parameter(request, '_asAt')];
  if (after === null && asAt === null) return null;
  if (after !== null && asAt !== null && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(asAt)) return { after, asAt };
  throw invalid({ field: '_after', code: 'malformed', message: 'a later page is found by the link of the page before' });
}

const linkOf = ({ after, asAt }: Position) => ({ _asAt: asAt, _after: after });

async function send(reply: FastifyReply, resource: Resource): Promise<void> {
  // As bytes: to text fastify would add a charset, which FHIR has no need of.
  await reply.type(FHIR_JSON).send(Buffer.from(jsonWithDigits(resource)));
}
