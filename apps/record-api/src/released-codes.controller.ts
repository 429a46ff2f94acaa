import { RouteConfig } from '@nestjs/platform-fastify';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
  PickType,
} from '@nestjs/swagger';
import { faultOfReleasedCodes, type ReleasedCodes } from '@weft/domain';
import { type CodesInForce, CodesNotAuthorised, ReleasedCodesBook, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  CurrentCaller,
  Example,
  HttpProblem,
  invalid,
  Roles,
  WIRING,
} from '@weft/service';
import { IsObject } from 'class-validator';
import { AUTHORISE_CODES, PROPOSE_CODES, RELEASED_CODES } from './examples.js';
import { PersonAnswer, personOf } from './person.js';
import { refuseNumbersIn } from './policies.controller.js';
import { PolicyToPropose } from './policy-answers.js';

/** A list of every code of SNOMED CT and dm+d, with room to spare. */
const CODES_LIMIT_BYTES = 16 * 1024 * 1024;

class CodesToPropose extends PickType(PolicyToPropose, ['reason']) {
  @ApiProperty({ type: Object, description: 'Lists of codes, by code system, as `WEFT_RELEASED_CODES` names them' })
  @IsObject()
  codes!: Record<string, unknown>;
}

class CodesAnswer implements CodesInForce {
  @ApiProperty({ type: Object, description: 'In force, by code system; of systems that it does not name the shipped ones' })
  codes!: ReleasedCodes;
  @ApiProperty({
    type: Object,
    nullable: true,
    description: 'By whom these were proposed and why; null: the region began with them',
  })
  proposal!: CodesInForce['proposal'];
  @ApiProperty({ type: PersonAnswer, nullable: true })
  authorisedBy!: PersonAnswer | null;
  @ApiProperty({ type: Object, nullable: true, description: 'What waits for a second person' })
  waiting!: CodesInForce['waiting'];
}

/** Which codes population health and research are told: what opens needs two people, here as in the policy. */
@ApiTags('policy')
@Controller('released-codes')
@Roles('governance')
@UseFilters(AuditedProblemFilter)
export class ReleasedCodesController {
  private readonly book: ReleasedCodesBook;

  constructor(
    @Inject(WIRING) { store, clock, random }: Wiring,
    private readonly audit: AuditLog,
  ) {
    this.book = new ReleasedCodesBook(store, clock, random);
  }

  @Get()
  @Example(RELEASED_CODES)
  @ApiOperation({ summary: 'The codes that population health and research are told, and which wait for a second person' })
  @ApiOkResponse({ type: CodesAnswer })
  async inForce(): Promise<CodesAnswer> {
    return (await this.book.current()) ?? { codes: {}, proposal: null, authorisedBy: null, waiting: null };
  }

  @Post()
  @Example(PROPOSE_CODES)
  @RouteConfig({ audited: 'propose-released-codes', bodyLimitBytes: CODES_LIMIT_BYTES })
  @HttpCode(202)
  @ApiOperation({ summary: 'Proposes other codes', description: 'They are in force once a second person has authorised them.' })
  @ApiAcceptedResponse({ type: CodesAnswer })
  @ApiConflictResponse({ description: 'The region has not begun any: its making was cut short' })
  @ApiBadRequestResponse({ description: 'No lists of codes, one of a form that its system does not have, or no reason' })
  async propose(@Body() { codes, reason }: CodesToPropose, @CurrentCaller() caller: Caller): Promise<CodesAnswer> {
    refuseNumbersIn(reason);
    const fault = faultOfReleasedCodes(codes);
    if (fault !== undefined) throw invalid({ field: 'codes', code: 'malformed', message: fault });
    await this.audit.note(caller, 'propose-released-codes', { outcome: 'accepted' });
    const proposed = await this.book.propose(codes as ReleasedCodes, personOf(caller), reason);
    if (proposed === null) throw notBegun();
    return proposed;
  }

  @Post(':id/authorisations')
  @Example(AUTHORISE_CODES)
  @Audited('authorise-released-codes')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Authorises the codes that somebody else proposed',
    description:
      'Every app takes them at its next start; then `weft replay population-health --tell-all` and `weft replay research --tell-all`.',
  })
  @ApiOkResponse({ type: CodesAnswer })
  @ApiForbiddenResponse({ description: 'The role `governance` is needed, and another person than proposed them' })
  @ApiNotFoundResponse({ description: 'No such proposal waits' })
  async authorise(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<CodesAnswer> {
    try {
      const inForce = await this.book.authorise(id, personOf(caller));
      await this.audit.note(caller, 'authorise-released-codes', { outcome: 'accepted', about: `proposal ${id}` });
      return inForce;
    } catch (error) {
      if (!(error instanceof CodesNotAuthorised)) throw error;
      throw error.why === 'unknown'
        ? new HttpProblem(404, 'not-proposed', 'No such proposal waits')
        : new HttpProblem(403, 'second-person-needed', 'Somebody else has to authorise this');
    }
  }
}

const notBegun = (): HttpProblem =>
  new HttpProblem(409, 'not-begun', 'The region has not begun its released codes', {
    detail: 'Its making was cut short: run weft region create, which goes on with it.',
  });
