import { Body, Controller, Get, Headers, HttpCode, NotFoundException, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import { type Caller, CurrentCaller, RawBody, Roles, validateOnly, Example } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DecisionAnswer, VALIDATE_ONLY_QUERY } from './answers.js';
import { DecisionProblemFilter } from './decision-audit.js';
import { Decisions } from './decisions.js';
import { unquoted } from './idempotency-key.js';
import { FHIR_TYPES } from './limits.js';
import { DECIDED } from './examples.js';
import { LONGEST_WAIT_S, waitOf } from './prefer.js';

const DEFAULT_WAIT_S = 10;

@ApiTags('decisions')
@Controller('consents')
@Roles('governance', 'publisher')
@UseFilters(DecisionProblemFilter)
export class ConsentsController {
  constructor(private readonly decisions: Decisions) {}

  @Post()
  @Example(DECIDED)
  @RawBody(MESSAGE_LIMIT_BYTES, { audited: 'decide', lane: 'decisions', takes: FHIR_TYPES })
  @ApiOperation({
    summary: 'Record a decision, and wait until every view and topic obeys it',
    description:
      'governance records under a source of its own, a publisher under its organisation’s. Who may record and lift what is the policy’s to say (403). ' +
      'Each request is a decision of its own; sent again with the same ce-id or Idempotency-Key it is the same one, and another Consent under that key is refused (409). ' +
      'A denial that can be read as one is never refused: what of it cannot be read is named in `warnings`.',
  })
  @ApiConsumes(...FHIR_TYPES)
  @ApiBody({ schema: { type: 'object' }, description: 'A FHIR R4 Consent that names its patient by NHS number' })
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: `wait=<seconds>, at most ${LONGEST_WAIT_S}; default ${DEFAULT_WAIT_S}`,
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The event’s id, as ce-id' })
  @ApiHeader({ name: 'ce-source', required: false, description: 'A publisher’s own system: urn:ods:<ODS code>:<system>' })
  @ApiQuery(VALIDATE_ONLY_QUERY)
  @ApiOkResponse({
    type: DecisionAnswer,
    description: 'Obeyed everywhere; validated alone: what it would do, without `id` and `covers`',
  })
  @ApiAcceptedResponse({
    type: DecisionAnswer,
    description: 'Durable, and not obeyed everywhere yet: Location says where to ask',
  })
  @ApiBadRequestResponse({ description: 'Not JSON, not UTF-8, or nested too deep' })
  @ApiPayloadTooLargeResponse({ description: 'Above 1 MiB' })
  @ApiUnprocessableEntityResponse({ description: 'Not valid; one errors[] item a field' })
  @ApiServiceUnavailableResponse({ description: 'Nothing was accepted; send it again after Retry-After' })
  @HttpCode(200)
  async record(
    @Headers() headers: Readonly<Record<string, string | undefined>>,
    @Body() body: Buffer | undefined,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DecisionAnswer> {
    const wait = waitOf(headers['prefer'], DEFAULT_WAIT_S);
    const isOnlyValidated = validateOnly(request);
    const answer = await this.decisions.record(body ?? Buffer.alloc(0), caller, {
      id: headers['ce-id'] ?? unquoted(headers['idempotency-key']),
      source: headers['ce-source'],
      waitMs: wait * 1000,
      validateOnly: isOnlyValidated,
    });
    if (isOnlyValidated) return answer;
    reply.code(answer.state === 'pending' ? 202 : 200).headers({
      location: `/consents/${answer.id}`,
      'preference-applied': `wait=${wait}`,
    });
    return answer;
  }

  @Get(':id')
  @Example({ answer: DECIDED.answer })
  @ApiOperation({ summary: 'Is a decision obeyed yet?' })
  @ApiOkResponse({ type: DecisionAnswer })
  @ApiNotFoundResponse({ description: 'No such decision, or another organisation’s' })
  async state(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<DecisionAnswer> {
    const answer = await this.decisions.find(id, caller);
    if (answer === undefined) throw new NotFoundException();
    return answer;
  }
}
