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
import { CLOUD_EVENT_JSON, CLOUD_EVENTS_BATCH_JSON, contentModeOf, FHIR_JSON, readCloudEvent } from '@weft/care-events';
import { type Caller, CurrentCaller, RawBody, Roles, validateOnly, Example } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Accepted, ManyAnswer, PREFER_WAIT, VALIDATE_ONLY_QUERY } from './answers.js';
import { EVENTS_LIMIT_BYTES } from './limits.js';
import { acceptedAnswer, answerOf, refusal } from './refusals.js';
import { PUBLISHED } from './examples.js';
import { Publishing, type RequestHeaders } from './publishing.js';

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
  constructor(private readonly publishing: Publishing) {}

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
    const rules = this.publishing.requestOf(caller, headers, validateOnly(request));
    reply.code(rules.validateOnly ? 200 : 202);
    const bytes = body ?? Buffer.alloc(0);
    if (contentModeOf({ headers }) === 'batch') {
      const { items, outcomes } = await this.publishing.many({ kind: 'batch', bytes, limitBytes: EVENTS_LIMIT_BYTES }, rules);
      return answerOf(items.map(({ entry }, index) => ({ entry, outcome: outcomes[index]! })));
    }
    const [outcome] = await this.publishing.take([readCloudEvent({ headers, body: bytes, mode: 'http' })], rules);
    if (!outcome!.ok) throw refusal(outcome!.problems);
    return acceptedAnswer(outcome!);
  }
}
