import { PassThrough } from 'node:stream';
import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiGoneResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { PURPOSES, type Purpose } from '@weft/domain';
import { StoreWatch, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  type Caller,
  CurrentCaller,
  Roles,
  WIRING,
  invalid,
  parameter,
  refuseOtherParameters,
  refuseUnlessAccepted,
  Example,
} from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { purposeOf, refuseUnlessNamed } from './asked.js';
import { Cursors, refuseUnlessStill } from './cursors.js';
import { LiveChanges } from './live-changes.js';
import { type Subscription, Subscriptions } from './subscriptions.js';
import { CHANGES } from './examples.js';

const NDJSON = 'application/x-ndjson';

@ApiTags('subscribers')
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller('record-changes')
@UseFilters(AuditedProblemFilter)
export class RecordChangesController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly subscriptions: Subscriptions,
    private readonly cursors: Cursors,
    private readonly live: LiveChanges,
    private readonly watch: StoreWatch,
  ) {}

  @Get(':purpose')
  @Example(CHANGES)
  @Roles('subscriber')
  @Audited('subscribe', { lane: 'feeds' })
  @ApiOperation({
    summary: 'What is shared for a purpose, entry by entry, as it changes',
    description:
      'One JSON object a line: `key`, `kind` (included, amended, withdrawn), `entryId`, `subject`, `viewRevision`, ' +
      '`entry` (null when withdrawn), and on the last line of a batch `cursor`. An empty line says that everything up ' +
      'to now has been told: whoever began anew drops then what they hold and were not told. It comes again as a heartbeat. ' +
      'A change may be told more than once. A line of `kind` ended, with `reason` (token-ended, stopping, restored), `detail` and `cursor` ' +
      'where there is one, is the last one: a subscription ends with its token. A connection that ends without it was cut.',
  })
  @ApiParam({ name: 'purpose', enum: PURPOSES })
  @ApiQuery({ name: 'from', enum: ['beginning', 'end'], required: false, description: 'Default end' })
  @ApiQuery({ name: 'after', required: false, description: 'A cursor: go on there, however long ago it was given' })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ description: 'Goes on until one side closes, or the token ends' })
  @ApiGoneResponse({
    description: 'The cursor is of an earlier version of Weft, or of before the store was restored: start from the beginning',
  })
  async follow(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseUnlessAccepted(request, [NDJSON, 'application/ndjson', 'application/json']);
    refuseOtherParameters(request, ['from', 'after']);
    const purpose = purposeOf((request.params as { purpose: string }).purpose);
    refuseUnlessNamed(caller, purpose);
    const { epoch, from, cursor } = await this.startOf(request, purpose);
    if (cursor !== undefined) reply.header('weft-cursor', cursor);
    if (request.method === 'HEAD') return void reply.type(NDJSON).send();
    await this.subscriptions.begin(caller, purpose);
    const lines = new PassThrough();
    void reply.type(NDJSON).send(lines);
    await this.subscriptions.follow({ caller, purpose, epoch, from, cursor, lines });
  }

  private async startOf(request: FastifyRequest, purpose: Purpose): Promise<Pick<Subscription, 'epoch' | 'from' | 'cursor'>> {
    const epoch = await this.watch.epoch();
    const from = parameter(request, 'from');
    const after = parameter(request, 'after');
    if (from !== null && after !== null) throw invalid({ field: 'after', code: 'too-many', message: 'and from are both there' });
    if (after !== null) {
      const place = this.cursors.open(after, purpose);
      refuseUnlessStill(this.wiring.store, place, { epoch, position: await this.live.end() });
      return { epoch, from: { after: place.position }, cursor: after };
    }
    if (from === 'beginning') return { epoch, from };
    if (from === null || from === 'end') {
      const position = await this.live.end();
      return { epoch, from: { after: position }, cursor: this.cursors.at(purpose, { epoch, position }) };
    }
    throw invalid({ field: 'from', code: 'unknown', message: 'is neither beginning nor end' });
  }
}
