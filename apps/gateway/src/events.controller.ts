import { Body, Controller, Headers, HttpCode, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiConsumes,
  ApiExtraModels,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
  ApiUnsupportedMediaTypeResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import {
  CLOUD_EVENT_JSON,
  CLOUD_EVENTS_BATCH_JSON,
  contentModeOf,
  FHIR_JSON,
  type Many,
  readCloudEvent,
  type ReceivedEvent,
} from '@weft/care-events';
import { DECISION_TYPE, type Problem } from '@weft/domain';
import type { Reading } from '@weft/processing';
import { AnswerTimes, AuditLog, type Caller, CurrentCaller, RawBody, Roles, Service, validateOnly, Example } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Accepted, ManyAnswer, PREFER_WAIT, VALIDATE_ONLY_QUERY } from './answers.js';
import { type About, noteRefused } from './decision-audit.js';
import { Intake, type Outcome, type Rules } from './intake.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { BUNDLE_LIMIT_BYTES, ENTRIES_MAX, EVENTS_LIMIT_BYTES, FHIR_TYPES, tooManyValues } from './limits.js';
import { acceptedAnswer, answerOf, refusal } from './refusals.js';
import { PUBLISHED, PUBLISHED_BUNDLE } from './examples.js';
import { waitOf } from './prefer.js';

type Body = Pick<Many, 'kind' | 'limitBytes'> & { readonly bytes: Buffer };
/** What a FHIR request says in headers. */
interface Said {
  readonly key?: string | undefined;
  readonly source?: string | undefined;
}
/** What a request is judged by, and how long its answer may wait for what becomes of it. */
type Request = Rules & { readonly waitMs: number };
type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

const EVENT_TYPES = [CLOUD_EVENT_JSON, FHIR_JSON, CLOUD_EVENTS_BATCH_JSON];
const ONE_OR_MANY = { oneOf: [{ $ref: getSchemaPath(Accepted) }, { $ref: getSchemaPath(ManyAnswer) }] };

@ApiTags('publishing')
@ApiExtraModels(Accepted, ManyAnswer)
@ApiBadRequestResponse({ description: 'Not JSON, not UTF-8, or nested too deep' })
@ApiPayloadTooLargeResponse({ description: 'An event above 1 MiB, or a request above its limit' })
@ApiUnprocessableEntityResponse({ description: 'Not valid; one errors[] item a field' })
@ApiServiceUnavailableResponse({ description: 'Nothing was accepted; send it again after Retry-After' })
@ApiQuery(VALIDATE_ONLY_QUERY)
@Controller()
@Roles('publisher')
export class EventsController {
  constructor(
    private readonly intake: Intake,
    private readonly service: Service,
    private readonly audit: AuditLog,
    private readonly times: AnswerTimes,
  ) {}

  @Post('events')
  @Example(PUBLISHED)
  @HttpCode(202)
  @RawBody(EVENTS_LIMIT_BYTES, { takes: EVENT_TYPES })
  @ApiOperation({
    summary: 'Publish care events and decisions as CloudEvents 1.0',
    description:
      'Binary mode (the resource as body, attributes in ce- headers), structured mode, or a batch. The answer comes once the ' +
      'event is durable. In a batch each event is judged by itself. The same (source, id) twice is one event, and with another content a conflict.',
  })
  @ApiConsumes(...EVENT_TYPES)
  @ApiHeader({
    name: 'ce-specversion',
    required: false,
    description: 'Binary mode: 1.0; likewise ce-id, ce-source, ce-type, ce-subject, ce-time',
  })
  @ApiHeader(PREFER_WAIT)
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 resource, a CloudEvent, or an array of CloudEvents' })
  @ApiConflictResponse({ description: 'Another event was taken under this id (`idempotency-conflict`)' })
  @ApiUnsupportedMediaTypeResponse({ description: 'No content type of CloudEvents in JSON' })
  @ApiAcceptedResponse({ description: 'Durable; of a batch: at least one', schema: ONE_OR_MANY })
  @ApiOkResponse({ description: 'Validated alone: it would be accepted; of a batch: at least one', schema: ONE_OR_MANY })
  async events(
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Accepted | ManyAnswer> {
    const rules = this.rulesOf(caller, headers, validateOnly(request));
    reply.code(statusOf(rules));
    const bytes = body ?? Buffer.alloc(0);
    if (contentModeOf({ headers }) === 'batch') return this.batch(bytes, rules);
    const [outcome] = await this.take([readCloudEvent({ headers, body: bytes, mode: 'http' })], rules);
    if (!outcome!.ok) throw refusal(outcome!.problems);
    return acceptedAnswer(outcome!);
  }

  private rulesOf(caller: Caller, headers: RequestHeaders, isOnlyValidated: boolean): Request {
    const wait = waitOf([headers['prefer']].flat().join(', '));
    return { ...this.intake.rulesFor(caller, isOnlyValidated), waitMs: isOnlyValidated ? 0 : wait * 1_000 };
  }

  private async toldOf(outcomes: readonly Outcome[], { waitMs }: Request): Promise<readonly Outcome[]> {
    return waitMs === 0 ? outcomes : this.intake.withWhatBecame(outcomes, waitMs);
  }

  private async batch(bytes: Buffer, rules: Request): Promise<ManyAnswer> {
    return this.many({ kind: 'batch', bytes, limitBytes: EVENTS_LIMIT_BYTES }, rules);
  }

  /** Each event is judged by itself, and the sound ones are published in their order. */
  private async many(body: Body, rules: Request, { key, source }: Said = {}): Promise<ManyAnswer> {
    refuseIf(tooManyValues(body.bytes, body.limitBytes));
    const keys = { fresh: this.service.random.uuid(), ...(key !== undefined && { given: key }) };
    const judged = await this.intake.judgeMany({ ...body, entriesMax: ENTRIES_MAX, keys }, rules, source);
    if (!judged.ok) throw refusal(judged.problems);
    const { items, kept } = judged.event;
    const keeping = await this.intake.keep(kept, rules);
    const told = await this.timed(items, rules, async () => {
      const outcomes = await this.intake.publish(items, rules);
      if (body.kind === 'batch') await noteRefused(this.audit, this.service.keys, rules, items, outcomes);
      return this.toldOf(outcomes, rules);
    });
    return answerOf(
      items.map(({ entry }, index) => ({ entry, outcome: told[index]! })),
      keeping,
    );
  }

  private async take(received: readonly Reading<ReceivedEvent>[], rules: Request): Promise<readonly Outcome[]> {
    const about = received.map(aboutOf);
    return this.timed(about, rules, async () => {
      const outcomes = await this.intake.take(received, rules);
      await noteRefused(this.audit, this.service.keys, rules, about, outcomes);
      return this.toldOf(outcomes, rules);
    });
  }

  /**
   * How long decisions take to be judged and obeyed, and events to be recorded, tells how much there is about a person: who sends some, or
   * waits for that, is answered at an answer time.
   */
  private timed<T>(items: readonly { readonly isDecision: boolean }[], { waitMs }: Request, work: () => Promise<T>): Promise<T> {
    return waitMs > 0 || items.some(({ isDecision }) => isDecision) ? this.times.hold('writing', work) : work();
  }

  @Post('fhir')
  @Example(PUBLISHED_BUNDLE)
  @HttpCode(202)
  @RawBody(BUNDLE_LIMIT_BYTES, { takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Publish a FHIR R4 Bundle: a care event for each resource about the patient it carries',
    description:
      'Or one resource that names its patient by NHS number. Each is judged by itself, and published in the order of the Bundle. ' +
      'What is about nobody (a Medication, a Practitioner, a Location) travels with the entries that refer to it, later ones too. ' +
      'A privacy Consent is a decision: it is obeyed before anything else about its patient is published. ' +
      'An entry’s request is read: POST and PUT record, DELETE takes back, anything else is refused. ' +
      'Each request is new; sent again under the same Idempotency-Key, or as a Bundle of the same identifier, it is the same one.',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'Before Bundle.identifier: which requests are one' })
  @ApiHeader({
    name: 'ce-source',
    required: false,
    description: 'Before Bundle.meta.source: the system whose ids these are, urn:ods:<ODS code>:<system>',
  })
  @ApiHeader(PREFER_WAIT)
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({
    schema: { type: 'object' },
    description: 'A Bundle of type collection, document, transaction, batch, message or searchset',
  })
  @ApiAcceptedResponse({ type: ManyAnswer, description: 'At least one was accepted, and is durable' })
  @ApiOkResponse({ type: ManyAnswer, description: 'Validated alone: at least one would be accepted' })
  async fhir(
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ManyAnswer> {
    const rules = this.rulesOf(caller, headers, validateOnly(request, FORMATTING));
    reply.code(statusOf(rules));
    const said = { key: idempotencyKeyOf(headers['idempotency-key']), source: [headers['ce-source']].flat()[0] };
    return this.many({ kind: 'bundle', bytes: body ?? Buffer.alloc(0), limitBytes: BUNDLE_LIMIT_BYTES }, rules, said);
  }
}

/** Parameters that FHIR lets a client send with every request, and that change nothing here. */
const FORMATTING = ['_format', '_pretty'];

const statusOf = (rules: Rules): 200 | 202 => (rules.validateOnly ? 200 : 202);

function refuseIf(problem: Problem | undefined): void {
  if (problem !== undefined) throw refusal([problem]);
}

function aboutOf(received: Reading<ReceivedEvent>): About {
  const { type, subject } = received.ok ? received.event.attributes : {};
  return { isDecision: type === DECISION_TYPE, subject: typeof subject === 'string' ? subject : undefined };
}
