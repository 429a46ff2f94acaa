import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiPayloadTooLargeResponse,
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
import { AuditLog, type Caller, CurrentCaller, RawBody, Roles, Service } from '@weft/service';
import { Accepted, ManyAnswer } from './answers.js';
import { type About, noteRefused } from './decision-audit.js';
import { Intake, type Judged, type Outcome, type Rules } from './intake.js';
import { BUNDLE_LIMIT_BYTES, ENTRIES_MAX, EVENTS_LIMIT_BYTES, tooManyValues } from './limits.js';
import { acceptedAnswer, answerOf, refusal } from './refusals.js';

type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

@ApiTags('publishing')
@ApiExtraModels(Accepted, ManyAnswer)
@ApiBadRequestResponse({ description: 'Not JSON, not UTF-8, or nested too deep' })
@ApiPayloadTooLargeResponse({ description: 'An event above 1 MiB, or a request above its limit' })
@ApiUnprocessableEntityResponse({ description: 'Not valid; one errors[] item a field' })
@ApiServiceUnavailableResponse({ description: 'Nothing was accepted; send it again after Retry-After' })
@Controller()
@Roles('publisher')
export class EventsController {
  constructor(
    private readonly intake: Intake,
    private readonly service: Service,
    private readonly audit: AuditLog,
  ) {}

  @Post('events')
  @HttpCode(202)
  @RawBody(EVENTS_LIMIT_BYTES)
  @ApiOperation({
    summary: 'Publish care events and decisions as CloudEvents 1.0',
    description:
      'Binary mode (the resource as body, attributes in ce- headers), structured mode, or a batch. The answer comes once the ' +
      'event is durable. In a batch each event is judged by itself. The same (source, id) twice is one event.',
  })
  @ApiConsumes(FHIR_JSON, CLOUD_EVENT_JSON, CLOUD_EVENTS_BATCH_JSON)
  @ApiHeader({
    name: 'ce-specversion',
    required: false,
    description: 'Binary mode: 1.0; likewise ce-id, ce-source, ce-type, ce-subject, ce-time',
  })
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 resource, a CloudEvent, or an array of CloudEvents' })
  @ApiUnsupportedMediaTypeResponse({ description: 'No content type of CloudEvents in JSON' })
  @ApiAcceptedResponse({
    description: 'Durable; of a batch: at least one',
    schema: { oneOf: [{ $ref: getSchemaPath(Accepted) }, { $ref: getSchemaPath(ManyAnswer) }] },
  })
  async events(
    @Headers() headers: RequestHeaders,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
  ): Promise<Accepted | ManyAnswer> {
    const rules = this.intake.rulesFor(caller);
    const bytes = body ?? Buffer.alloc(0);
    if (contentModeOf({ headers }) === 'batch') return this.batch(bytes, rules);
    const [outcome] = await this.take([readCloudEvent({ headers, body: bytes, mode: 'http' })], rules);
    if (!outcome!.ok) throw refusal(outcome!.problems);
    return acceptedAnswer(outcome!);
  }

  private async batch(bytes: Buffer, rules: Rules): Promise<ManyAnswer> {
    return this.many('batch', bytes, EVENTS_LIMIT_BYTES, rules);
  }

  /** Each event is judged by itself, and the sound ones are published in their order. */
  private async many(kind: Many['kind'], bytes: Buffer, limitBytes: number, rules: Rules): Promise<ManyAnswer> {
    refuseIf(tooManyValues(bytes, limitBytes));
    const judged = await this.intake.judgeMany({ kind, bytes, limitBytes, entriesMax: ENTRIES_MAX }, rules);
    if (!judged.ok) throw refusal(judged.problems);
    const items = judged.event.map((one): Judged => ({ ...one, mayDeny: one.isDecision && !one.reading.ok }));
    const outcomes = await this.intake.publish(items, rules);
    if (kind === 'batch') await noteRefused(this.audit, this.service.keys, rules.caller, judged.event, outcomes);
    return answerOf(judged.event.map(({ entry }, index) => ({ entry, outcome: outcomes[index]! })));
  }

  private async take(received: readonly Reading<ReceivedEvent>[], rules: Rules): Promise<Outcome[]> {
    const outcomes = await this.intake.take(received, rules);
    await noteRefused(this.audit, this.service.keys, rules.caller, received.map(aboutOf), outcomes);
    return outcomes;
  }

  @Post('fhir')
  @HttpCode(202)
  @RawBody(BUNDLE_LIMIT_BYTES)
  @ApiOperation({
    summary: 'Publish a FHIR R4 Bundle: a care event for each resource about the patient it carries',
    description:
      'Or one resource that names its patient by NHS number. Each is judged by itself, and published in the order of the Bundle. ' +
      'A privacy Consent is a decision: it is obeyed before anything else about its patient is published.',
  })
  @ApiConsumes(FHIR_JSON, 'application/json')
  @ApiBody({ schema: { type: 'object' }, description: 'A Bundle of type collection, transaction, batch, message or searchset' })
  @ApiAcceptedResponse({ type: ManyAnswer, description: 'At least one was accepted, and is durable' })
  async fhir(@Body() body: Buffer | undefined, @CurrentCaller() caller: Caller): Promise<ManyAnswer> {
    const rules = this.intake.rulesFor(caller);
    return this.many('bundle', body ?? Buffer.alloc(0), BUNDLE_LIMIT_BYTES, rules);
  }
}

function refuseIf(problem: Problem | undefined): void {
  if (problem !== undefined) throw refusal([problem]);
}

function aboutOf(received: Reading<ReceivedEvent>): About {
  const { type, subject } = received.ok ? received.event.attributes : {};
  return { isDecision: type === DECISION_TYPE, subject: typeof subject === 'string' ? subject : undefined };
}
