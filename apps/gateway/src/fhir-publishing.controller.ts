import { Body, Controller, Delete, Headers, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { FHIR_INTERACTIONS, FHIR_JSON, type FhirInteraction, type FhirRequest } from '@weft/care-events';
import { jsonWithDigits, nhsNumberProblem, type Resource } from '@weft/domain';
import { subjectsPublished, type Wiring } from '@weft/processing';
import {
  type Caller,
  CurrentCaller,
  Example,
  HttpProblem,
  invalid,
  parameter,
  publicAddressOf,
  RawBody,
  refuseUnlessAccepted,
  Roles,
  Service,
  validateOnly,
  WIRING,
} from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PREFER_WAIT, VALIDATE_ONLY_QUERY } from './answers.js';
import { CREATED, DELETED, MESSAGE, PUBLISHED_BUNDLE, UPDATED, UPDATED_FOUND } from './examples.js';
import { type Answered, bundleAnswer, faultsOf, messageAnswer, resourceAnswer, type Wanted } from './fhir-answers.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { BUNDLE_LIMIT_BYTES, EVENTS_LIMIT_BYTES, FHIR_TYPES } from './limits.js';
import { returnsOf } from './prefer.js';
import { type Published, Publishing, type RequestHeaders, type Said } from './publishing.js';
import { refusal } from './refusals.js';

/** FHIR lets servers answer plain JSON so. */
const GIVES = [FHIR_JSON, 'application/json', 'text/json'];
/** Parameters that FHIR lets a client send with every request, and that change nothing here. */
const FORMATTING = ['_format', '_pretty'];

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  required: false,
  description: 'Before Bundle.identifier: which requests are one',
};
const SOURCE = {
  name: 'ce-source',
  required: false,
  description: 'Before meta.source of the Bundle: the system whose ids these are, urn:ods:<ODS code>:<system>',
};
const PREFER = {
  ...PREFER_WAIT,
  description: `${PREFER_WAIT.description}; return=minimal, representation (as it was sent) or OperationOutcome: what an answer repeats`,
};
const IF_MATCH = {
  name: 'If-Match',
  required: false,
  description:
    'The ETag of the version that must be in force. It is compared where the event comes to the record: a late mismatch stands in quarantine as a `conflict`',
};
const TYPE = { name: 'type', description: 'A resource type that may be about a patient', example: 'Condition' };
const ID = { name: 'id', description: 'The source’s own id of the resource', example: 'c-17' };

/** One call, as its handlers are given it. */
interface Call {
  readonly headers: RequestHeaders;
  readonly body?: Buffer | undefined;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What FHIR's clients publish, as they do it anywhere else. */
@ApiTags('publishing')
@ApiProduces(FHIR_JSON)
@ApiQuery(VALIDATE_ONLY_QUERY)
@ApiHeader(IDEMPOTENCY_KEY)
@ApiHeader(SOURCE)
@ApiHeader(PREFER)
@ApiUnprocessableEntityResponse({ description: 'Not valid; one issue a field' })
@Controller('fhir')
@Roles('publisher')
export class FhirPublishingController {
  constructor(
    private readonly publishing: Publishing,
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
  ) {}

  @Post()
  @Example(PUBLISHED_BUNDLE)
  @RawBody(BUNDLE_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Publish a FHIR R4 Bundle: a care event for each resource about the patient it carries',
    description:
      'Or one resource that names its patient by NHS number. A transaction is checked whole before anything of it is published; sent again after ' +
      'a failure it is completed. Of every other Bundle each entry is judged by itself, and published in the order of the Bundle. ' +
      'What is about nobody (a Medication, a Practitioner, a Location) travels with the entries that refer to it, later ones too. ' +
      'A privacy Consent is a decision: it is obeyed before anything else about its patient is published. ' +
      'An entry’s request is read: POST and PUT record, DELETE takes back, anything else is refused. ' +
      'Each request is new; sent again under the same Idempotency-Key, or as a Bundle of the same identifier, it is the same one.',
  })
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({
    schema: { type: 'object' },
    description: 'A Bundle of type transaction, batch, collection, document, history, message or searchset',
  })
  @ApiOkResponse({ type: Object, description: 'A Bundle of responses; what is accepted is durable' })
  async base(
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const call = { headers, body, caller, request, reply };
    const { published, wanted } = await this.publish(call, {}, FORMATTING, BUNDLE_LIMIT_BYTES);
    const { bundle } = published;
    if (bundle === undefined) return this.sendOne(call, resourceAnswer(published, wanted), wanted);
    const isWhole = bundle.type === 'transaction';
    const faults = isWhole ? faultsOf(published) : [];
    if (faults.length > 0) throw refusal(faults);
    const answer = bundleAnswer(published, bundle, isWhole ? 'transaction-response' : 'batch-response', wanted);
    await send(reply.code(200), answer);
  }

  @Post('$process-message')
  @Example(MESSAGE)
  @RawBody(BUNDLE_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Publish a FHIR message: a care event for each resource about the patient it carries',
    description: 'Each entry is judged by itself. A message of the same MessageHeader.id is the same one.',
  })
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({ schema: { type: 'object' }, description: 'A Bundle of type message' })
  @ApiOkResponse({ type: Object, description: 'A message whose MessageHeader.response says what became of it' })
  async message(
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if ((parameter(request, 'async') ?? 'false') !== 'false') {
      throw invalid({
        field: 'async',
        code: 'unsupported',
        message: 'is answered at once alone: what is accepted is durable then',
      });
    }
    const call = { headers, body, caller, request, reply };
    const { published } = await this.publish(call, { byMessage: true }, [...FORMATTING, 'async'], BUNDLE_LIMIT_BYTES);
    const { random, clock } = this.service;
    const now = new Date(clock.now()).toISOString();
    const of = { newId: () => random.uuid(), baseUrl: this.baseUrlOf(request), now };
    await send(reply.code(200), messageAnswer(published, published.bundle!, of));
  }

  @Post(':type')
  @Example(CREATED)
  @RawBody(EVENTS_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Create: publish one resource that names its patient by NHS number',
    description:
      'Its id is the one that it carries; without one it is known by its business identifier, else by what it says, so that it is the same when it is created again.',
  })
  @ApiParam(TYPE)
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 resource' })
  @ApiCreatedResponse({ type: Object, description: 'Durable' })
  @ApiNotFoundResponse({ description: 'No type that may be about a patient' })
  async create(
    @Param('type') type: string,
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.one({ headers, body, caller, request, reply }, type, 'create', { method: 'POST', url: type });
  }

  @Put(':type')
  @Example(UPDATED_FOUND)
  @RawBody(EVENTS_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Conditional update, by the business identifier by which a resource without an id is known',
    description: 'Nothing is looked up: any other search is refused.',
  })
  @ApiParam(TYPE)
  @ApiQuery({ name: 'identifier', description: '<system>|<value>, as the resource has it' })
  @ApiHeader(IF_MATCH)
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 resource without an id' })
  @ApiOkResponse({ type: Object, description: 'Durable; also where it was not there before' })
  @ApiNotFoundResponse({ description: 'No type that may be about a patient' })
  async updateFound(
    @Param('type') type: string,
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const search = new URLSearchParams(request.url.split('?')[1] ?? '');
    const names = [...search.keys()];
    for (const name of [...FORMATTING, VALIDATE_ONLY_QUERY.name]) search.delete(name);
    const url = search.size > 0 ? `${type}?${search}` : type;
    await this.one({ headers, body, caller, request, reply }, type, 'update', { method: 'PUT', url }, names);
  }

  @Put(':type/:id')
  @Example(UPDATED)
  @RawBody(EVENTS_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({ summary: 'Update: publish one resource, whether it was there before or not' })
  @ApiParam(TYPE)
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 resource' })
  @ApiOkResponse({ type: Object, description: 'Durable; also where it was not there before' })
  @ApiNotFoundResponse({ description: 'No type that may be about a patient' })
  async update(
    @Param('type') type: string,
    @Param('id') id: string,
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.one({ headers, body, caller, request, reply }, type, 'update', { method: 'PUT', url: `${type}/${id}` });
  }

  @Delete(':type/:id')
  @Example(DELETED)
  @ApiOperation({
    summary: 'Delete: take back what was published under this id, as recorded in error',
    description:
      'Of what came by create, update, a transaction or a batch Weft knows whose it is; else the header ce-subject says it, the NHS number.',
  })
  @ApiParam(TYPE)
  @ApiParam(ID)
  @ApiHeader(IF_MATCH)
  @ApiHeader({ name: 'ce-subject', required: false, description: 'The NHS number of whom it is about' })
  @ApiOkResponse({ type: Object, description: 'With Prefer: return=OperationOutcome' })
  @ApiNoContentResponse({ description: 'Durable' })
  @ApiNotFoundResponse({ description: 'No type that may be about a patient, or nothing was published under this id' })
  async remove(
    @Param('type') type: string,
    @Param('id') id: string,
    @Headers() headers: RequestHeaders,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    refuseUnlessThere(type, 'delete');
    const subjects = await this.subjectsOf(type, id, headers, caller);
    const asked = { method: 'DELETE', url: `${type}/${id}` } as const;
    await this.one({ headers, caller, request, reply }, type, 'delete', asked, FORMATTING, { subjects });
  }

  /** Whose it is that is to be taken back: an organisation’s own word, and nothing of a record. */
  private async subjectsOf(
    resourceType: string,
    id: string,
    headers: RequestHeaders,
    caller: Caller,
  ): Promise<readonly string[]> {
    const said = textOf(headers['ce-subject']);
    if (said !== undefined) {
      const wrong = nhsNumberProblem(said);
      if (wrong !== null) throw refusal([{ field: 'ce-subject', code: 'nhs-number', message: wrong }]);
      return [said];
    }
    const source = textOf(headers['ce-source']) ?? `urn:ods:${caller.organisation}`;
    const subjects = await subjectsPublished(this.wiring, { source, resourceType, id });
    if (subjects.length > 0) return subjects;
    throw new HttpProblem(
      404,
      'not-found',
      'This source published nothing under this id by create, update, transaction or batch',
      {
        detail: 'Say in ce-source which of your systems it is of, or in ce-subject whose it is, or send care-event-retracted-1.',
      },
    );
  }

  private async one(
    call: Call,
    type: string,
    interaction: FhirInteraction,
    asked: FhirRequest,
    parameters = FORMATTING,
    more: Said = {},
  ): Promise<void> {
    refuseUnlessThere(type, interaction);
    const request = { ...asked, ...conditionsOf(call.headers) };
    const { published, wanted } = await this.publish(call, { ...more, request }, parameters, EVENTS_LIMIT_BYTES);
    await this.sendOne(call, resourceAnswer(published, wanted), wanted);
  }

  private async publish(
    { headers, body, caller, request }: Call,
    said: Said,
    parameters: readonly string[],
    limitBytes: number,
  ): Promise<{ readonly published: Published; readonly wanted: Wanted }> {
    refuseUnlessAccepted(request, GIVES);
    const rules = this.publishing.requestOf(caller, headers, validateOnly(request, parameters));
    const key = idempotencyKeyOf(headers['idempotency-key']);
    const source = textOf(headers['ce-source']);
    const bytes = body ?? Buffer.alloc(0);
    const published = await this.publishing.many({ kind: 'bundle', bytes, limitBytes }, rules, { key, source, ...said });
    const returns = returnsOf([headers['prefer']].flat().join(', '));
    return { published, wanted: { returns, validateOnly: rules.validateOnly } };
  }

  /** With `return=minimal` no body; where nothing is said, one that has something to say beyond that it was done. */
  private async sendOne(
    { request, reply }: Call,
    answered: Answered,
    { returns, validateOnly: isOnlyValidated }: Wanted,
  ): Promise<void> {
    const { location, etag, outcome, resource } = answered;
    const told = returns === 'minimal' ? undefined : (resource ?? (outcome as Resource | undefined));
    const status = isOnlyValidated || (answered.status === 204 && told !== undefined) ? 200 : answered.status;
    reply.code(status).headers({
      ...(location !== undefined && { location: `${this.baseUrlOf(request)}/${location}` }),
      ...(etag !== undefined && { etag }),
      ...(returns !== undefined && { 'preference-applied': `return=${returns}` }),
    });
    await (told === undefined ? reply.send() : send(reply, told));
  }

  private baseUrlOf(request: FastifyRequest): string {
    return `${publicAddressOf(this.service.settings, request)}/fhir`;
  }
}

const METHODS: Readonly<Record<FhirInteraction, string>> = { create: 'POST', update: 'PUT', delete: 'DELETE' };

function refuseUnlessThere(type: string, interaction: FhirInteraction): void {
  const there = FHIR_INTERACTIONS.get(type);
  if (there === undefined) {
    throw new HttpProblem(404, 'not-found', 'There is no such type at this address', {
      detail: 'GET /fhir/metadata says which there are. What is about nobody is sent in a Bundle with what refers to it.',
    });
  }
  if (there.includes(interaction)) return;
  const allow = there.map((one) => METHODS[one]).join(', ');
  throw new HttpProblem(405, 'method-not-allowed', 'This address does not do that', {
    detail: 'A decision is withdrawn by a version of its Consent whose status is inactive.',
    headers: { allow },
  });
}

const textOf = (header: string | string[] | undefined): string | undefined => [header].flat()[0];

function conditionsOf(headers: RequestHeaders): Omit<FhirRequest, 'method' | 'url'> {
  const named = {
    ifMatch: 'if-match',
    ifNoneMatch: 'if-none-match',
    ifModifiedSince: 'if-modified-since',
    ifNoneExist: 'if-none-exist',
  };
  const said = Object.entries(named).flatMap(([name, header]) => {
    const value = headers[header];
    return value === undefined ? [] : [[name, [value].flat().join(', ')]];
  });
  return Object.fromEntries(said) as Omit<FhirRequest, 'method' | 'url'>;
}

async function send(reply: FastifyReply, resource: Resource): Promise<void> {
  // As bytes: to text fastify would add a charset, which FHIR has no need of.
  await reply.type(FHIR_JSON).send(Buffer.from(jsonWithDigits(resource)));
}
